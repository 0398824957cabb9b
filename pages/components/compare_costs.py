"""What the compared trials give, in the set and elsewhere, and what they cost: one table, one chart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.charts.outcome_scatter import outcome_scatter
from pages.components.compare_facts import ROW, Chosen, table_height
from pages.components.cost_tables import ENOUGH, INTERVAL, MEMORY, PACES, SHIFTED, SWAP, finished, outcome_table, points
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.external_tables import REMARK

HELP = {
    "recipe": "how it was trained against shortcuts",
    SWAP: "accuracy on validation images with the colours and the file quality of a training image from another source",
    SHIFTED: "mean over all shifts and severities of the tab Robustness of Evaluate; never chosen by",
    "parameters": "numbers that the network holds",
    PACES[0]: "median over the epochs that it trained itself",
    PACES[1]: "in batches of 8 on the trial's device and threads, measured once at its end",
    MEMORY: "most resident memory of the training process; not that of a GPU",
    "initial weights": "as the search settled them",
}


def costs_view(chosen: Chosen) -> None:
    """Chart and table of the finished trials among the chosen."""
    rows = finished(read, chosen.ids)
    if rows.empty:
        st.info("None of these trials has finished; results and costs are known at a trial's end.",
                icon=":material/hourglass_empty:")  # fmt: skip
        return
    table = outcome_table(read, rows, chosen.names)
    drawn, upward = points(read, rows, table)
    if drawn.empty:
        st.caption(
            "There is no chart yet: no trial has judged images from elsewhere, and validation images in another "
            "source's looks need a data set with at least two known sources."
        )
    else:
        show(
            draw(outcome_scatter, drawn, upward=upward), key="outcome",
            alt=f"Test accuracy of each trial against its {upward}, coloured by recipe, shaped by backbone",
        )  # fmt: skip
        st.caption(_note(drawn, len(rows) - len(drawn)))
    _table(table, len(chosen.rows) - len(rows))


def _note(drawn: pd.DataFrame, left: int) -> str:
    words = f"Images from elsewhere are {REMARK}. Intervals: 95 %, Wilson. Classes with fewer than {ENOUGH} images are "
    words += "passed over where larger ones are judged."
    if drawn["judged"].nunique() > 1:
        words += " Not all have judged the same images from elsewhere, so their heights do not compare."
    return words + (f" Not drawn, without one of the two values: {left}." if left else "")


def _table(table: pd.DataFrame, unfinished: int) -> None:
    columns: dict[str, Any] = {"trial": st.column_config.TextColumn(pinned=True, width=190)}
    for name in table.columns:
        help_ = HELP.get(name) or (f"share of images from elsewhere called right; {REMARK}" if " on " in name else None)
        if name in ("parameters", *PACES, MEMORY):
            form = "compact" if name == "parameters" else "%.2f" if name == MEMORY else "%.1f"
            columns[name] = st.column_config.NumberColumn(format=form, help=help_)
        elif table[name].dtype == np.float64:
            columns[name] = st.column_config.NumberColumn(format="%.4f", help=help_)
        elif name.endswith(INTERVAL):
            columns[name] = st.column_config.TextColumn(help="images called right, with the 95 % Wilson interval")
        elif help_:
            columns[name] = st.column_config.Column(help=help_)
    st.dataframe(
        table, hide_index=True, column_config=columns, placeholder="–", key="outcome_table", row_height=ROW,
        height=table_height(table),
        alt="Backbone, recipe, accuracies in the set and elsewhere, size, pace and memory of each finished trial",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table.reset_index(names="trial_id"), "compare-outcome-and-cost")
        words = "Click a column's name to sort by it; – is not measured."
        if unfinished:
            words += f" Left out, not finished: {unfinished}."
        st.caption(words)
