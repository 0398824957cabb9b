"""Judging that was to happen and has not: the final models of a finished search that have not read a registered set."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.evaluation.external import KIND
from pages.components.data import read
from pages.components.jobs import LOST, begin, standing
from pages.components.notes import plain

WHY = {
    LOST: "the process that did it is gone", "STOPPED": "it was cancelled", "FAILED": "it failed, see Evaluate",
}  # fmt: skip


def go_on_with_search(search: dict[str, Any], model: str) -> None:
    """On the page of a finished search: which registered sets its model has not read, why, and the button."""
    search_id, dataset_id = str(search["search_id"]), str(search["dataset_id"])
    sets = read("external_sets", dataset_id)
    if search["status"] != "COMPLETE" or sets.empty:
        return
    waiting = sets[~sets["external_id"].isin(read("external_results", [model])["external_id"])]
    states = [standing(KIND, subject)[0] for subject in (search_id, dataset_id)]
    if waiting.empty or "RUNNING" in states:
        return
    names = ", ".join(plain(str(name)) for name in waiting["name"].fillna(waiting["external_id"]))
    why = next((f": {WHY[state]}" for state in states if state in WHY), "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/travel_explore: **On other sources**: its model has not read {names} yet{why}.",
                    anchors=False, width="content")  # fmt: skip
        _button(search_id, "--search")


def go_on_with_dataset(dataset_id: str) -> None:
    """On the page Data, the button that goes on with a job that was killed, cancelled or failed, and that compares
    sets which an earlier version registered without it."""
    state = standing(KIND, dataset_id)[0]
    if state in WHY or (state != "RUNNING" and bool(read("external_sets", dataset_id)["searched"].isna().any())):
        _button(dataset_id, "--of")


def _button(subject: str, option: str) -> None:
    st.button(
        "Go on", icon=":material/play_arrow:", key=f"external_go_on_{subject}", on_click=_begin, args=(subject, option),
        help="Compares what has not been compared and judges what has not been judged; the rest is kept.",
    )  # fmt: skip


def _begin(subject: str, option: str) -> None:
    begin(KIND, subject, ["external", option, subject])
