"""With what a search is run: command, settings, machine."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing


def settings_view(search: dict[str, Any]) -> None:
    """Folded away; it does not change while the search runs."""
    with st.expander("Settings and machine", icon=":material/tune:"):
        if not missing(search["command"]):
            st.code(str(search["command"]), language="bash", wrap_lines=True)
        grid = st.grid(2, min_column_width=400)
        for title, name in (("Setting", "settings"), ("Machine", "environment")):
            facts = _flat(_object(search[name]))
            if facts:
                table = pd.DataFrame({title: list(facts), "Value": [str(value) for value in facts.values()]})
                grid.dataframe(table, hide_index=True, height=320, alt=f"{title}s of this search")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    loaded = {} if missing(value) else json.loads(str(value))
    return loaded if isinstance(loaded, dict) else {}


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        flat |= _flat(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {f"{prefix}{name}": inner}
    return flat
