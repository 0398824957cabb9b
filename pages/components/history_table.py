"""The readings that the filter leaves, newest first, a page at a time; a click on a row opens it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.history_filter import PAGE, model_names
from pages.components.history_reading import open_reading
from pages.components.history_words import (
    as_file,
    decision_words,
    highest,
    raised_words,
    review_words,
    through_words,
)
from pages.components.kept_picture import thumbnails
from store.queries import Wanted

A_PAGE = 25
ROW, PICTURE_ROW = 35, 64  # px
EVERY_ROW = 10**9
TABLE = "history_rows"


def nothing_yet() -> None:
    st.info(
        "No reading is on record yet. Every reading is recorded as it is made: of each image that the page Predict "
        "shows, in a batch, on a field, through the API or on the command line. Its image is kept only where you tick "
        "it.",
        icon=":material/history:",
    )
    st.page_link("predict.py", label="Read an image", icon=":material/biotech:")


def section(wanted: Wanted) -> None:
    """The table, its pages, and the file of all that the filter leaves."""
    counts = read("reading_count", wanted).iloc[0]
    number = int(counts["readings"])
    if not number:
        st.info("No reading fits this filter.", icon=":material/filter_alt_off:")
        return
    pages = -(-number // A_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        at = st.pagination(pages, key=PAGE, bind="query-params", width="stretch") if pages > 1 else 1
        csv_button(lambda: as_file(read("readings", wanted, EVERY_ROW, 0)), "readings", "readings_csv",
                   label="CSV of these readings with their reviews")  # fmt: skip
    first = (at - 1) * A_PAGE
    rows = read("readings", wanted, A_PAGE, first)
    st.caption(
        f"Readings {first + 1:,} to {first + len(rows):,} of {number:,}, newest first; {int(counts['reviewed']):,} "
        f"reviewed. {_kept(int(counts['kept']), number)} Tick a row to open it."
    )
    table = as_table(rows)
    row_height = PICTURE_ROW if "image" in table else ROW
    st.dataframe(
        table, hide_index=True, key=TABLE, on_select=partial(_picked, list(rows["reading_id"])),
        selection_mode="single-row", row_height=row_height, height=ROW + row_height * len(table) + 3, placeholder="",
        alt="Readings: when, file, decision, highest probability, review, raised checks, model and where it came from",
        column_config={
            "image": st.column_config.ImageColumn(width=80, help="Only of readings whose image was kept"),
            "when (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "file": st.column_config.TextColumn(width=170),
            "raised checks": st.column_config.TextColumn(width=170),
            "model": st.column_config.TextColumn(width=190),
        },
    )  # fmt: skip


def as_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What the table shows, a row a reading; without the column of images where none was kept."""
    records = rows.to_dict("records")
    names = model_names(sorted({str(row["model_id"]) for row in records if not missing(row["model_id"])}))
    table = pd.DataFrame({
        "image": thumbnails(records),
        "when (UTC)": rows["at"].to_list(),
        "file": rows["file_name"].to_list(),
        "decision": [decision_words(row) for row in records],
        "highest probability": [highest(row) for row in records],
        "review": [review_words(row) for row in records],
        "raised checks": [raised_words(row) for row in records],
        "model": [names.get(str(row["model_id"]), "") for row in records],
        "through": [through_words(row) for row in records],
    })  # fmt: skip
    return table if table["image"].notna().any() else table.drop(columns="image")


def _kept(kept: int, of: int) -> str:
    if not kept:
        return "No image was kept."
    if kept == of:
        return "All images were kept."
    return "1 image was kept." if kept == 1 else f"{kept:,} images were kept."


def _picked(reading_ids: Sequence[str]) -> None:
    rows = st.session_state[TABLE]["selection"]["rows"]
    if rows and rows[0] < len(reading_ids):
        open_reading(str(reading_ids[rows[0]]))
