"""A background job on a page: how far it is, the button that cancels it, and how it ended."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core import jobs
from pages.charts.wording import missing
from pages.components.data import catch_up, home, record
from pages.components.guard import explain, guarded, log
from pages.components.pulse import every
from pages.components.words import age, span
from store.liveness import is_lost

BEAT = 1.0  # s between two looks at a running job
SILENCE = 6.0  # s without a word, and without its lock, after which a job here counts as gone: three heartbeats
WAIT, MOMENT = 5.0, 1.0  # s for the store to hear of a job that was started; of one that has ended
LOST = "LOST"


def progress(kind: str, subject: str, *, units: str = "images") -> str | None:
    """Draw the latest job of a kind on a subject: live while it runs, then how it ended, if there is something to say.

    The page runs anew once when the job ends, so that what was made shows; that closes a dialog, so do not draw it in
    one.

    Args:
        units: what the job counts.

    Returns:
        RUNNING, COMPLETE, STOPPED, FAILED, LOST (its process is gone), or None where there has been none.
    """
    status, row = standing(kind, subject)
    if status == "RUNNING":
        st.fragment(guarded(_live), run_every=every(BEAT), key=f"job_{kind}_{subject}")(kind, subject, units)
    elif status == "COMPLETE" and not missing(row["message"]):
        st.success(row["message"], icon=":material/check_circle:")
    elif status == "STOPPED":
        st.info("Cancelled. What was done before is kept.", icon=":material/cancel:")
    elif status == "FAILED":
        st.error("It failed without a word." if missing(row["message"]) else row["message"], icon=":material/error:")
    elif status == LOST:
        st.error(
            "The process that did this is gone: it was killed, or the machine was restarted. What it had recorded is "
            "kept; start it again to go on.",
            icon=":material/link_off:",
        )
    return status


def begin(kind: str, subject: str, arguments: Sequence[str]) -> bool:
    """Start `python -m core ...` in the background; False, with a toast that says why, where that was not possible.

    Returns once the store has heard of it, so that `progress` shows it in the run that follows.
    """
    since = datetime.now(UTC).replace(tzinfo=None)
    try:
        jobs.start(home(), kind, subject, arguments)
    except Exception as error:
        log.error("The job %s of %s did not start", kind, subject, exc_info=error)
        st.toast(explain(error), icon=":material/error:", duration="long")
        return False
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        row = record("jobs", subject, kind)
        if row is not None and row["event_at"] >= since:
            return True
        if jobs.job_pid(home(), kind, subject) is None:  # it is over; the store may be a moment behind
            until = min(until, time.monotonic() + MOMENT)
        time.sleep(0.05)
    if jobs.job_pid(home(), kind, subject) is not None:
        return True
    said = f"It ended before it could say anything; {jobs.log_of(home(), kind, subject)} tells why."
    st.toast(said, icon=":material/error:", duration="long")
    return False


def standing(kind: str, subject: str) -> tuple[str | None, dict[str, Any]]:
    """(status as `progress` returns it, the latest record of the job, {} where there is none). Draws nothing."""
    row = record("jobs", subject, kind) or {}
    pid = jobs.job_pid(home(), kind, subject)
    if pid is None and _just_heard(row):
        catch_up(MOMENT)  # before it let go of its lock it has said how it ended
        row = record("jobs", subject, kind) or {}
    if pid is not None:
        ours = bool(row) and not missing(row["pid"]) and int(row["pid"]) == pid
        return "RUNNING", row if ours else {}  # it has not said anything yet; the store knows an earlier one
    if not row:
        return None, row
    if row["status"] != "RUNNING":
        return str(row["status"]), row
    if row["host"] == platform.node():  # whoever does it here holds its lock; the last word takes a moment to be read
        return (LOST if (age(row["event_at"]) or 0.0) > SILENCE else "RUNNING"), row
    return (LOST if is_lost("RUNNING", row["event_at"], None, str(row["host"])) else "RUNNING"), row


def _just_heard(row: dict[str, Any]) -> bool:
    """Whether the store has a job of this machine running, and has heard of it a moment ago."""
    here = bool(row) and row["status"] == "RUNNING" and row["host"] == platform.node()
    return here and (age(row["event_at"]) or 0.0) <= SILENCE


def _live(kind: str, subject: str, units: str) -> None:
    status, row = standing(kind, subject)
    if status != "RUNNING":
        catch_up(MOMENT)  # with all that it said and made: this is the last beat
        st.rerun()
    asked = jobs.cancelling(home(), kind, subject)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(_share(row), text=_words(row, units))
        st.button(
            "Being cancelled" if asked else "Cancel", key=f"cancel_{kind}_{subject}", icon=":material/cancel:",
            disabled=asked, on_click=_cancel, args=(kind, subject), width="content",
        )  # fmt: skip


def _share(row: dict[str, Any]) -> float:
    done, total = (0 if missing(row.get(name)) else int(row[name]) for name in ("done", "total"))
    return min(1.0, done / total) if total else 0.0


def _words(row: dict[str, Any], units: str) -> str:
    """'Read images: 40 of 200 images, for 12 s'."""
    if not row:
        return "Starting"
    stage = "working" if missing(row["stage"]) else str(row["stage"])
    words = stage[:1].upper() + stage[1:]
    if not missing(row["total"]) and int(row["total"]):
        words += f": {int(row['done']):,} of {int(row['total']):,} {units}"
    return f"{words}, for {span(age(row['started_at']))}"


def _cancel(kind: str, subject: str) -> None:
    try:
        jobs.cancel(home(), kind, subject)
    except jobs.JobError as error:  # it has just ended
        st.toast(explain(error), icon=":material/info:")
