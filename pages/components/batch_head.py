"""Which batch the page shows, and how far it is."""

from __future__ import annotations

import streamlit as st

from core.prediction.batch import BatchRun, batch_of
from pages.components.calibration_line import calibration_line
from pages.components.guard import guarded
from pages.components.notes import plain
from pages.components.pulse import every
from pages.components.words import span

BATCH = "batch"  # in the address
BEAT = 1.0  # s
_MINE = "batch_run"  # id of the batch that this session shows, wherever it has been meanwhile
_SEEN = "batch_over"  # id of the batch that was drawn as over


def current() -> BatchRun | None:
    """The batch in the address, or the one that this session looked at last; None: none, or it is forgotten."""
    asked = st.query_params.get(BATCH) or st.session_state.get(_MINE)
    if not asked:
        return None
    run = batch_of(asked)
    if run is None:
        st.info(f"The batch {plain(asked)} is no longer in memory. Its readings are on record: see History.",
                icon=":material/history:")  # fmt: skip
        leave()
        return None
    show_run(run)
    return run


def show_run(run: BatchRun) -> None:
    """Show this batch, now and when the page is opened again."""
    st.session_state[_MINE] = run.batch_id
    st.query_params[BATCH] = run.batch_id


def leave() -> None:
    """Back to the form; the batch stays in memory for a while, and its readings on record."""
    st.session_state.pop(_MINE, None)
    st.query_params.pop(BATCH, None)


def head(run: BatchRun) -> None:
    """What was asked of which model, and the way to another batch."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content", gap=None):
            st.markdown(f"**{plain(run.about.model_name)}**", anchors=False)
            point = plain(run.about.point_words)
            by = f"operating point: {point}" if point else "prediction set decides"
            st.caption(f"{run.batch_id} · started {run.started_at:%d %b %Y, %H:%M} UTC · {by}")
        st.button(
            "New batch", icon=":material/add:", on_click=leave, key="batch_new",
            help="Shows the form again. A batch that is being read goes on; what it reads is on record.",
        )  # fmt: skip
    calibration_line(all(item.reading is None or item.reading.calibrated for item in run.items()))


def progress_section(run: BatchRun) -> None:
    """Live while it reads; how it ended afterwards."""
    if not run.progress().over:
        st.fragment(guarded(_live), run_every=every(BEAT), key=f"batch_live_{run.batch_id}")(run)
        return
    now = run.progress()
    read, refused = f"{now.done - now.refused:,} read", f", {now.refused:,} refused" if now.refused else ""
    told = f"{read}{refused} in {span(now.seconds)}."
    if now.status == "complete":
        st.success(told, icon=":material/check_circle:")
    elif now.status == "cancelled":
        st.info(f"Cancelled after {now.done:,} of {now.total:,} files: {told}", icon=":material/cancel:")
    else:
        st.error(f"{plain(str(now.problem))} {told}", icon=":material/error:")


def _live(run: BatchRun) -> None:
    now = run.progress()
    if now.over:
        st.rerun()
    words = {
        "waiting": "Waiting until another batch has been read.",
        "loading": "Loading the model: the first time takes a few seconds.",
    }.get(now.status, f"{now.done:,} of {now.total:,} files read")
    if now.status == "reading" and now.done >= 3 and now.total > now.done:
        words += f", about {span(now.seconds / now.done * (now.total - now.done))} left"
    if run.cancelling:
        words = "Ends after the file that is being read."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, now.done / max(1, now.total)), text=words)
        st.button("Cancel", icon=":material/stop:", key="batch_cancel", on_click=run.cancel, disabled=run.cancelling)
    st.button("Show what has been read so far", key="batch_so_far", type="tertiary", icon=":material/refresh:",
              on_click=_whole)  # fmt: skip
    if st.session_state.pop(_SEEN, False):
        st.rerun()


def _whole() -> None:
    st.session_state[_SEEN] = True
