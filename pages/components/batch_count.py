"""The differential count on a page: a table and a chart, as found, corrected, and after review."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.prediction.batch import BatchRun, Item
from core.prediction.count import Differential, differential
from pages.charts.differential import differential_chart
from pages.components.batch_tables import count_rows, count_table
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show

ROW = 35  # px


def count_of(run: BatchRun) -> Differential:
    """The count of what has been read so far."""
    items = run.items()
    return _counted(run.batch_id, len(items), run.errors is None, run, items)


def count_section(
    count: Differential, after: Differential | None, name: str, beside: Callable[[], None] = lambda: None
) -> None:
    """Draw the count.

    Args:
        name: of what it is of; the file that its CSV is saved as begins with it.
        beside: draws what stands beside the button of the CSV.
    """
    st.subheader("Differential count", anchor=False)
    st.caption(count.words)
    grid = st.grid(2, min_column_width=480, gap="large")  # under each other in a narrow window
    with grid.cell():
        table = count_table(count, after)
        share = st.column_config.TextColumn(help="Share of the counted cells, with its 95 % interval", width=138)
        st.dataframe(
            table, hide_index=True, key=f"count_{name}", height=ROW * (len(table) + 1) + 3, row_height=ROW,
            column_config={
                "class": st.column_config.TextColumn(width=120),
                "cells": st.column_config.NumberColumn(help="Cells on which one class was decided", width=60),
                "as found": share, "corrected": share, "after review": share,
            },
            alt="Differential count: cells, and shares with their intervals",
        )  # fmt: skip
        st.caption(count.correction)
        if after is not None:
            st.caption(f"After review, an expert's word counts in the place of the model's. {after.words}")
        with st.container(horizontal=True):
            csv_button(lambda: count_rows(count), f"{name}-count", f"count_csv_{name}", label="CSV of the count")
            beside()
    with grid.cell():
        show(
            draw(differential_chart, count_rows(count)), key="differential",
            alt="Share of each class with its 95 % interval, as found and as corrected",
        )  # fmt: skip


@st.cache_data(max_entries=8, show_spinner=False)
def _counted(
    batch_id: str, read: int, uncorrected: bool, _run: BatchRun, _items: Sequence[Item]
) -> Differential:  # the draws behind the intervals take a tenth of a second
    decisions = [item.reading.decision for item in _items if item.reading is not None]
    return differential(_run.about.classes, decisions, _run.errors)
