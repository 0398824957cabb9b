"""Training points that nobody has trained: which, how long, the button, the command, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from core.environment import changed
from core.paths import log_file
from core.search import commands
from core.search.gseca import Point
from core.search.replay import point_key
from core.search.state import WHAT_IF
from pages.charts.wording import short_point
from pages.components.csv_button import csv_button
from pages.components.data import home, read, record
from pages.components.facts import doing
from pages.components.guard import explain, guarded, log
from pages.components.reproduce import now
from pages.components.trials import log_tail, log_view
from pages.components.unpacked import unpacked
from pages.components.whatif_search_known import Known
from pages.components.whatif_search_time import training_seconds
from pages.components.words import span

_ASKED = "whatif_asked_points"
_STARTED = "whatif_started"  # (search, when): a process needs some seconds until it holds the search's lock
_STARTING_SECONDS = 30.0
_BEFORE = "whatif_before"  # (search, its what-if trials when the last training was started)


def offer(known: Known, points: Sequence[Point], costs: Mapping[int, float], *, key: str, primary: bool) -> None:
    """The points as a table, and the way to train exactly those."""
    pairs = [(int(point["batch_size"]), int(point["epochs"])) for point in points]
    begun = {point_key(point): known.trials.get(point_key(point)) for point in points}
    table = pd.DataFrame(
        {
            "point": [short_point(point) for point in points],
            "epochs": [epochs for _, epochs in pairs],
            "about": [_about(training_seconds(costs, [pair])) for pair in pairs],
            "state": [_state(begun[point_key(point)]) for point in points],
        }
    )
    st.dataframe(table, hide_index=True, width="content", key=f"{key}_points", alt="Points that nobody has trained")
    search_id = str(known.search["search_id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        possible = known.search["status"] == "COMPLETE" and not known.published and not underway(search_id)
        if possible:
            _button(known, points, costs, key, primary=primary)
        csv_button(lambda: table, f"{search_id}-what-if-points", f"{key}_csv")
    if possible:
        with st.expander("The same from the command line", icon=":material/terminal:", key=f"{key}_command"):
            st.code(commands.what_if_command(home(), search_id, points), language="bash", wrap_lines=True)
    elif known.published:
        st.caption("The study's data and weights are not public, so its search cannot be trained further here.")
    elif known.search["status"] != "COMPLETE":
        st.caption("Other points are trained beside a finished search: let this one end first, or resume it.")
    else:
        st.caption("Points of this search are in training already.")


def underway(search_id: str) -> bool:
    """Whether something trains points of this search, or is about to."""
    if commands.controller_pid(home(), search_id) is not None:
        st.session_state.pop(_STARTED, None)
        return True
    started = st.session_state.get(_STARTED)
    return started is not None and started[0] == search_id and time.time() - started[1] < _STARTING_SECONDS


def progress(known: Known) -> None:
    """What is being trained now, live; or why a training ended before it was done."""
    search_id = str(known.search["search_id"])
    if known.search["status"] == "COMPLETE" and underway(search_id):
        st.fragment(_watch, run_every=3)(search_id, known.version)
    elif st.session_state.get(_BEFORE) == (search_id, _recorded(search_id)):
        lines = [line for line in log_tail(log_file(home(), search_id, "what-if")).splitlines() if line.strip()]
        st.error(
            "The training ended before it recorded anything. "
            + (f"Its last word: {lines[-1].strip()}" if lines else "It left no log."), icon=":material/error:",
        )  # fmt: skip
    elif any(row["coordinate"] == WHAT_IF and _open(row) for row in known.trials.values()):
        st.warning(
            "The last training of what-if points ended before all were done; its log says why. Started again, it goes "
            "on from the last whole epoch.", icon=":material/pause_circle:",
        )  # fmt: skip
    log_view("Log of the what-if trainings", search_id, "what-if")


@guarded
def _watch(search_id: str, drawn: tuple[Any, ...]) -> None:
    """A line that beats; the page is drawn anew when a point is done or the training has ended."""
    trials = read("trials", search_id)
    ended = sorted(zip(trials["trial_id"], trials["status"], strict=True))
    known_then = set(drawn[-1])
    fresh = [
        one for one in ended if one[1] in ("COMPLETE", "FAILED") and one not in known_then and ".final-" not in one[0]
    ]
    if fresh or not underway(search_id):
        st.rerun()
    working = doing(trials[trials["coordinate"] == WHAT_IF]) or "starting: Python and PyTorch are being loaded"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("in training", icon=":material/play_circle:", color="blue")
        st.caption(working)
        st.page_link("search.py", label="Follow it", icon=":material/account_tree:", query_params={"search": search_id})


def _button(known: Known, points: Sequence[Point], costs: Mapping[int, float], key: str, *, primary: bool) -> None:
    search_id = str(known.search["search_id"])
    seconds = training_seconds(costs, [(int(p["batch_size"]), int(p["epochs"])) for p in points], known.parallel)
    number = "this point" if len(points) == 1 else f"these {len(points)} points"
    look: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    if st.button(f"Train {number} ({_about(seconds)})", type=look, icon=":material/play_arrow:", key=f"{key}_train"):
        st.session_state[_ASKED] = (search_id, [dict(point) for point in points], number, _about(seconds))


def confirm_if_asked() -> None:
    """On the page itself: the confirmation dialog, where a training waits for one."""
    if _ASKED in st.session_state:
        _confirm(*st.session_state[_ASKED])


def _forget() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Please confirm", on_dismiss=_forget)
@guarded
def _confirm(search_id: str, points: list[dict[str, Any]], number: str, about: str) -> None:
    st.markdown(f"**Train {number}**, {about} in all: {'; '.join(short_point(point) for point in points)}.")
    st.write(
        "Same data, split, weights, settings and seed as the search. They are recorded as its what-if trials; its "
        "path, its best trial and its model stay what they are."
    )
    other = changed(unpacked((record("search", search_id) or {}).get("environment")), now())
    if other:
        st.warning(
            f"Not all is as it was when the search began: {other}. The numbers may differ a little from what it would "
            "have got; this is recorded with each of these trials.", icon=":material/warning:",
        )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Not now", key="whatif_no"):
            _forget()
            st.rerun()
        if st.button(f"Train {number}", key="whatif_yes", type="primary"):
            _forget()
            before = _recorded(search_id)
            try:
                commands.train_points(home(), search_id, points)
            except Exception as error:
                log.error("Training what-if points of %s failed", search_id, exc_info=error)
                st.toast(explain(error), icon=":material/error:", duration="long")
            else:
                st.session_state[_STARTED] = (search_id, time.time())
                st.session_state[_BEFORE] = (search_id, before)
                st.toast("The training starts; the page Search shows it too.", icon=":material/check:")
            st.rerun()


def _recorded(search_id: str) -> list[str]:
    """What is on record of the what-if trials: another once a training has recorded anything."""
    trials = read("trials", search_id)
    rows = trials.loc[trials["coordinate"] == WHAT_IF, ["trial_id", "status", "attempt", "epochs_done"]]
    return [str(row) for row in rows.to_dict("records")]


def _about(seconds: float | None) -> str:
    return "time unknown" if seconds is None else f"about {span(seconds)}"


def _open(row: Mapping[str, Any]) -> bool:
    return row["status"] in ("WAITING", "RUNNING", "STOPPED")


def _state(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "nobody trained it"
    return f"begun: epoch {int(row['epochs_done'])} of {int(row['epochs'])}"
