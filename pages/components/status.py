"""The state of a search or trial as a badge, and the header's word on the store."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.charts.wording import missing
from pages.components import commands
from pages.components.data import owner
from pages.components.facts import synthetic
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


def badges(search: dict[str, Any], gone: bool) -> None:
    """The state of a search, what has been asked of it, and where it comes from. `gone` as `lost` says."""
    status = str(search["status"])
    icon, colour = _LOOK.get(status, _LOOK["WAITING"])
    st.badge(status.lower(), icon=icon, color=colour)
    if gone:
        st.badge("lost", icon=":material/link_off:", color="red", help="Nothing runs it any more; it can be resumed.")
    asked = commands.pending(str(search["search_id"])) if status == "RUNNING" else None
    if asked:
        st.badge(asked, icon=":material/hourglass_top:", color="orange")
    if search["origin"] == "published":
        st.badge("published", icon=":material/menu_book:", color="violet")
    if synthetic(search):
        st.badge("synthetic cells", color="gray")


def lost(search: dict[str, Any]) -> bool:
    """RUNNING by its records, but nothing runs it any more: asked anew each time, since it changes without a record."""
    seen = max((search[name] for name in ("heartbeat_at", "event_at") if not missing(search[name])), default=None)
    pid = None if missing(search["pid"]) else int(search["pid"])
    return is_lost(str(search["status"]), seen, pid, None if missing(search["host"]) else str(search["host"]))


@guarded
def store_line() -> None:
    """Who owns the store, and how old the newest record is that the pages show."""
    current = owner()
    seconds = age(current.last_applied_at)
    fresh = "up to date" if seconds is None else f"last record {span(seconds)} ago"
    if current.error is not None:
        st.caption(":material/warning: the store takes nothing new", help=current.error)
    elif current.state == "owner":
        st.caption(f":material/database: {fresh}")
    else:
        st.caption(
            f":material/visibility: read from the journals, {fresh}",
            help=f"The store file is held by {current.holder}; this app shows the journals from memory meanwhile.",
        )
