"""The state of a search or trial as a badge, and the header's word on the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.data import owner, read
from pages.components.guard import guarded
from pages.components.words import age, span
from store.liveness import is_lost

_LOOK: dict[str, tuple[str, Any]] = {
    "WAITING": (":material/schedule:", "gray"),
    "RUNNING": (":material/play_circle:", "blue"),
    "COMPLETE": (":material/check_circle:", "green"),
    "STOPPED": (":material/pause_circle:", "orange"),
    "FAILED": (":material/error:", "red"),
}


def status_badge(status: str) -> None:
    icon, colour = _LOOK.get(status, _LOOK["WAITING"])
    st.badge(status.lower(), icon=icon, color=colour)


def lost(search: dict[str, Any]) -> bool:
    """RUNNING by its records, but nothing runs it any more: derived from its heartbeat, never stored."""
    if search["status"] != "RUNNING":
        return False
    beats = read("heartbeats", search["search_id"])
    own = beats[beats["trial_id"].fillna("") == ""]
    if own.empty:  # it died before its first beat, or has not had the time for one
        return is_lost("RUNNING", _plain(search["event_at"]), None, None)
    last = own.iloc[0]
    return is_lost("RUNNING", _plain(last["at"]), None if missing(last["pid"]) else int(last["pid"]), last["host"])


def _plain(moment: Any) -> datetime | None:
    return None if missing(moment) else pd.Timestamp(moment).to_pydatetime()


@st.fragment(run_every=5)
@guarded
def store_line() -> None:
    """Who owns the store, and how old the newest record is that the pages show."""
    current = owner()
    seconds = age(current.last_applied_at)
    fresh = "up to date" if seconds is None else f"last record {span(seconds)} ago"
    if current.state == "owner":
        st.caption(f":material/database: {fresh}")
    else:
        st.caption(
            f":material/visibility: read from the journals, {fresh}",
            help=f"The store file is held by {current.holder}; this app shows the journals from memory meanwhile.",
        )
