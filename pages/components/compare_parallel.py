"""Parallel coordinates: how hyper-parameters and score go together over many trials."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.parallel import Axis, parallel
from pages.charts.wording import missing
from pages.components.compare_facts import BOUND, Chosen
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show

MOST_NAMES = 12  # on one axis
SCOPES = {"chosen": "These trials", "searches": "All trials of their searches"}
ALWAYS = (Axis("learning_rate", "learning rate", log=True), Axis("batch_size", "batch size"), Axis("epochs", "epochs"))
OTHERS = (  # drawn where they vary
    Axis("seed", "seed"), Axis("image_size", "image size (px)"), Axis("optimiser", "optimiser"),
    Axis("weight_decay", "weight decay", log=True), Axis("average", "weight averaging"), Axis("backbone", "backbone"),
    Axis("search_name", "search"),
)  # fmt: skip
SCORES = (Axis("val_loss", "val loss", log=True), Axis("val_accuracy", "val accuracy"))


def parallel_view(chosen: Chosen) -> None:
    """The chart of the chosen trials, or of all trials of their searches."""
    scope = st.segmented_control(
        "Trials", list(SCOPES), format_func=SCOPES.__getitem__, default="chosen", required=True, key="scope",
        **BOUND,
    )  # fmt: skip
    rows = chosen.rows
    if scope == "searches":
        rows = read("compared", list(dict.fromkeys(rows["search_id"])))
    table, axes, unscored = coordinates(rows)
    show(
        draw(parallel, table, axes, "val_accuracy"), key="parallel",
        alt="Parallel coordinates: a line a trial through its hyper-parameters to its validation loss and accuracy",
    )  # fmt: skip
    if table.empty:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, "compare-parallel")
        words = (
            f"{len(table)} trials, coloured by validation accuracy (orange: the highest). Drag along an axis to filter."
        )
        if unscored:
            words += f" Left out, without a validation score: {unscored}."
        st.caption(words)


def coordinates(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Axis], int]:
    """(a row a trial with a score, the axes, the number of trials left out for want of one).

    `rows` as from `queries.compared`. An axis is drawn when its value is known of every trial, the less usual ones only
    when it varies, and names only where they can be read.
    """
    scored = rows[rows["val_accuracy"].notna() & (rows["status"] == "COMPLETE")]
    settings = pd.DataFrame([_settings(row) for row in scored.to_dict("records")], index=scored.index)
    table = scored[["trial_id", "search_id", "search_name", "learning_rate", "batch_size", "epochs", "seed"]]
    table = pd.concat([table, settings, scored[["val_loss", "val_accuracy"]]], axis=1)
    known = [axis for axis in (*ALWAYS, *OTHERS, *SCORES) if axis.column in table and table[axis.column].notna().all()]
    optional = {axis.column for axis in OTHERS}
    values = {axis.column: table[axis.column].nunique() for axis in known}
    text = {axis.column for axis in known if not pd.api.types.is_numeric_dtype(table[axis.column])}
    axes = [
        axis for axis in known
        if (axis.column not in optional or values[axis.column] > 1)
        and (axis.column not in text or values[axis.column] <= MOST_NAMES)
    ]  # fmt: skip
    return table.reset_index(drop=True), axes, len(rows) - len(scored)


def _settings(row: dict[Any, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for name in ("search_settings", "settings"):
        own |= {} if missing(row[name]) else json.loads(str(row[name]))
    return {axis.column: own.get(axis.column) for axis in OTHERS if axis.column not in ("seed", "search_name")}
