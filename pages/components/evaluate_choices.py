"""Which split and which epoch the page Evaluate shows; both stand in the address."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.choose import trial_choice
from pages.components.evaluate_view import SPLITS, known_epochs

EPOCH = "epoch"


def evaluated(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that have been evaluated at least once: finished ones, and those with a whole epoch."""
    rows: pd.DataFrame = trials[(trials["status"] == "COMPLETE") | (trials["epochs_done"].fillna(0) > 0)]
    return rows


def choices(trials: pd.DataFrame, default: str | None) -> tuple[str | None, str, int | None, int]:
    """Widgets for trial, split and epoch; returns (trial id, split, epoch, number of known epochs)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = trial_choice(trials, default, label="Model of")
        split = st.segmented_control(
            "Images", list(SPLITS), format_func=SPLITS.__getitem__, default="test", required=True, key="split",
            bind="query-params",
        ) or "test"  # fmt: skip
        known = [] if chosen is None else known_epochs(chosen, split)
        epoch = _epoch_choice(chosen or "", known)
    return chosen, split, epoch, len(known)


def remark(split: str) -> None:
    """What the images of a split may be used for."""
    if split == "test":
        st.badge(
            "reported, never used to choose", icon=":material/verified_user:", color="gray",
            help="Trials, epochs and thresholds are chosen by other images; these only say how good the choice is.",
        )  # fmt: skip
    else:
        st.badge(
            "the search chose by these", icon=":material/rule:", color="orange",
            help="The figures of a trial that was chosen by its validation images are a little too good.",
        )  # fmt: skip


def _epoch_choice(trial_id: str, known: list[int]) -> int | None:
    """A slider where there are several epochs, the last one unless the address names another."""
    if len(known) < 2:
        return known[0] if known else None
    asked = st.query_params.get(EPOCH, "")
    picked = int(asked) if asked.isdecimal() and int(asked) in known else known[-1]
    key = f"epoch_of_{trial_id}"
    st.session_state[key] = picked  # the address is the only truth
    st.select_slider(
        "Epoch", known, key=key, on_change=_epoch_changed, args=(key, known[-1]), width=260,
        help="Validation images are judged after every epoch.",
    )  # fmt: skip
    return picked


def _epoch_changed(key: str, last: int) -> None:
    picked: Any = st.session_state[key]
    if picked == last:
        st.query_params.pop(EPOCH, None)
    else:
        st.query_params[EPOCH] = str(picked)
