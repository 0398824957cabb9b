"""The button under a table that saves it."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st


def csv_button(
    content: Callable[[], pd.DataFrame | str], name: str, key: str | None = None, *, label: str = "CSV"
) -> None:
    """Save a table (without its index), or CSV that is text already, as `name`.csv; made when the button is pressed."""

    def made() -> str:
        found = content()
        return found if isinstance(found, str) else found.to_csv(index=False)

    st.download_button(
        label, made, f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore",
        key=key or f"csv_{name}",
    )  # fmt: skip
