"""The figures at the top of a search: best score, DE_COUNT, trials, epochs saved, time left, heartbeat, disk."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.search.state import OFF_PATH, WHAT_IF
from pages.charts.wording import missing
from pages.components import commands
from pages.components.data import read
from pages.components.external_line import external_line
from pages.components.facts import best_score, doing
from pages.components.figures import Figure, figure_row
from pages.components.leak_warning import leak_warning
from pages.components.shortcut_badge import shortcut_line
from pages.components.status import badges, lost
from pages.components.summary import epochs_saved, time_left
from pages.components.unpacked import climbs
from pages.components.words import age, size, span


def headline(search: dict[str, Any], trials: pd.DataFrame) -> None:
    """State, what is being trained, and why it ended or failed."""
    gone = lost(search)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            badges(search, gone)
            st.caption(_sentence(search, trials, gone))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            link = {"search": str(search["search_id"])}
            st.page_link("whatif_search.py", label="What-if", icon=":material/alt_route:", query_params=link)
            st.page_link("evaluate.py", label="Evaluate", icon=":material/analytics:", query_params=link)
            commands.menu(search, where="page")
    if search["status"] == "FAILED" and not missing(search["message"]):
        st.error(str(search["message"]), icon=":material/error:")


def metrics(search: dict[str, Any], trials: pd.DataFrame) -> None:
    """One row of figures; it wraps on a narrow window."""
    own = trials[~trials["coordinate"].isin(OFF_PATH)]
    best, bounds = best_score(search, trials)
    reused, asked = epochs_saved(trials)
    finished, failed = (int((own["status"] == status).sum()) for status in ("COMPLETE", "FAILED"))
    figures = [
        Figure("Best val accuracy", best, bounds, "On the validation images; below it the 95 % Wilson interval."),
        Figure("Trials finished", f"{finished} of {len(own)}", f"{failed} failed" if failed else "none failed",
               "Of those asked for so far.", bad=failed > 0),
        Figure("Epochs saved", str(reused), f"{reused / asked:.0%} of {asked}" if asked else "none asked yet",
               "Continued from an earlier trial's checkpoint instead of trained again."),
    ]  # fmt: skip
    if climbs(search):
        figures.insert(
            1, Figure("DE_COUNT", f"{search['de_count']} of {search['patience']}", _ends(search),
                      "Cycles in a row without a new best, and the patience at which the search stops."),
        )  # fmt: skip
    if search["status"] == "RUNNING":
        parallel = int((trials["status"] == "RUNNING").sum())
        left = None if lost(search) else time_left(trials, read("epochs", list(trials["trial_id"])), parallel)
        figures += [
            Figure("Time left", span(left), "of the trials so far",
                   "From the median time of the latest epochs. The search may ask for more trials."),
            Figure("Heartbeat", span(age(search["heartbeat_at"])), "ago", "When the search was last heard of."),
        ]  # fmt: skip
    used = float(trials["files_bytes"].fillna(0).sum())
    if used:
        figures.append(Figure("Disk", size(used), "for its weights", "Checkpoints and weights of all its trials."))
    figure_row(figures, key="figures")
    accuracy = trials.loc[trials["trial_id"] == search["best_trial_id"], "val_accuracy"]
    shortcut_line(search["dataset_id"], None if accuracy.empty else accuracy.iloc[0], "best trial on val")
    leak_warning(search["dataset_id"])
    external_line(search)


def _ends(search: dict[str, Any]) -> str:
    if search["status"] == "RUNNING":
        left = int(search["patience"]) - int(search["de_count"])
        return f"{left} more to the stop" if left > 0 else "final training"
    return "the search has ended" if search["status"] == "COMPLETE" else "the search does not run"


def _sentence(search: dict[str, Any], trials: pd.DataFrame, gone: bool) -> str:
    if gone:
        return (
            f"Nothing was heard of it for {span(age(search['heartbeat_at']))} and nothing runs it: resume it to go on."
        )
    if search["status"] == "RUNNING":
        return doing(trials) or _stage(search) or "preparing"
    if search["status"] == "STOPPED":
        return "Stopped; it can be resumed from its last whole epoch."
    if search["status"] == "COMPLETE" and not missing(search["stop_reason"]):
        training = trials[(trials["coordinate"] == WHAT_IF) & (trials["status"] == "RUNNING") & ~trials["lost"]]
        more = "" if training.empty else f" Now in training: {doing(training)}."  # does not change how it ended
        return f"Why it ended: {search['stop_reason']}.{more}"
    return ""


def _stage(search: dict[str, Any]) -> str:
    """What the controller says it is doing, from its last heartbeat."""
    beats = read("heartbeats", search["search_id"])
    own = beats[beats["trial_id"].fillna("") == ""]
    if own.empty:
        return ""
    last = own.iloc[0]
    words = {"scan": "reading the images", "cache": "decoding the images", "sample": "drawing sample cells"}
    stage = words.get(str(last["stage"]), str(last["stage"]))
    return f"{stage}: {last['done']:,} of {last['total']:,}" if not missing(last["total"]) and last["total"] else stage
