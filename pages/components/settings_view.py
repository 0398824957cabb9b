"""With what a search is run: command, settings, machine, and the controller's log."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.paths import log_file
from pages.charts.wording import missing
from pages.components.data import home
from pages.components.trials import log_tail


def settings_view(search: dict[str, Any]) -> None:
    """Folded away; it does not change while the search runs, but for the log."""
    with st.expander("Settings, machine and log", icon=":material/tune:"):
        if not missing(search["command"]):
            st.code(str(search["command"]), language="bash", wrap_lines=True)
        grid = st.grid(2, min_column_width=400)
        for title, name in (("Setting", "settings"), ("Machine", "environment")):
            facts = _flat(_object(search[name]))
            if facts:
                table = pd.DataFrame({title: list(facts), "Value": [str(value) for value in facts.values()]})
                grid.dataframe(table, hide_index=True, height=320, alt=f"{title}s of this search")
        tail = log_tail(log_file(home(), str(search["search_id"]), "controller"))
        if tail:
            st.code(tail, language=None, height=240)


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
