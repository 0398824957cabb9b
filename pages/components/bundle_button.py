"""The button that downloads a search as one zip."""

from __future__ import annotations

import io
from typing import Any

import streamlit as st

from pages.components.bundle import write_bundle
from pages.components.data import owner


def bundle_button(search: dict[str, Any]) -> None:
    """The zip is made when the button is pressed, of what the store holds then."""
    search_id = str(search["search_id"])

    def content() -> bytes:
        file = io.BytesIO()
        write_bundle(owner().cursor(), search_id, file)
        return file.getvalue()

    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "This search as one zip", content, f"{search_id}.zip", "application/zip", icon=":material/folder_zip:",
            on_click="ignore", key="bundle",
        )  # fmt: skip
        st.caption(
            "Settings, machine, data manifest, tables as CSV, figures as HTML, the command that repeats it. The same "
            f"from a terminal: `python -m core bundle {search_id} FILE.zip`."
        )
