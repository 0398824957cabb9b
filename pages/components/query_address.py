"""What the page Query shows, as its address says it: the SQL, and how the result is drawn.

A beat of a live part that left the browser before a click was answered still carries the old address. So what this tab
chose itself holds for a moment against what the browser says; after that the address counts again (its Back button).
"""

from __future__ import annotations

import time

import streamlit as st

SQL = "sql"
CHART = ("chart", "x", "y", "colour")
LATE_SECONDS = 5.0

_VIEW, _CHOSEN_AT = "query_view", "query_chosen_at"


def view(default: dict[str, str]) -> dict[str, str]:
    """The parameters by name; of a tab that has chosen nothing yet, and with no SQL in its address, the default."""
    said = {name: st.query_params[name] for name in (SQL, *CHART) if name in st.query_params}
    held: dict[str, str] | None = st.session_state.get(_VIEW)
    late = time.monotonic() - st.session_state.get(_CHOSEN_AT, -LATE_SECONDS) < LATE_SECONDS
    shown = said if SQL in said and not (held and late) else (held or default | said)
    st.session_state[_VIEW] = shown
    _write(shown)
    return shown


def choose(**values: str) -> None:
    """Change parameters; an empty value takes one away. For callbacks of widgets."""
    held: dict[str, str] = st.session_state.get(_VIEW, {})
    shown = {name: value for name, value in (held | values).items() if value}
    st.session_state[_VIEW], st.session_state[_CHOSEN_AT] = shown, time.monotonic()
    _write(shown)


def _write(shown: dict[str, str]) -> None:
    for name in (SQL, *CHART):
        if name not in shown:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != shown[name]:
            st.query_params[name] = shown[name]
