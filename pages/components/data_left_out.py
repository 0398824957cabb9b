"""The files of one dataset that were left out: all with their reasons, and those that are filed under two labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.data_images import THUMBNAIL, folder
from pages.components.data_overview import NO_LIST
from pages.components.pictures import picture

CONFLICTS = 6  # at once
PAGE = "conflicts_page"


def bad_files(dataset_id: str) -> None:
    """Path and reason of each."""
    rows = read("images", dataset_id, "bad")[["path", "class", "reason"]]
    if rows.empty:
        listed = not read("image_groups", dataset_id).empty
        st.info(
            "No file was left out: every file in the class folders can be used." if listed else NO_LIST,
            icon=":material/check_circle:" if listed else ":material/info:",
        )
        return
    st.caption(f"{len(rows):,} file{'s' * (len(rows) != 1)} that are not used, each with its reason.")
    st.dataframe(
        rows, hide_index=True, key="bad_files", alt="Files that were left out, with their reasons",
        column_config={
            "path": st.column_config.TextColumn(width=200), "class": st.column_config.TextColumn(width=100),
            "reason": st.column_config.TextColumn(width=700),
        },
    )  # fmt: skip
    csv_button(lambda: rows, f"{dataset_id}-left-out")


def conflicts(dataset_id: str) -> None:
    """Each picture that lies in the folders of several classes, with all its copies."""
    rows = read("label_conflicts", dataset_id)
    number = 0 if rows.empty else int(rows["conflict"].max())
    if not number:
        listed = not read("image_groups", dataset_id).empty
        st.info(
            "No picture is filed under two labels, as far as equal pixels can tell." if listed else NO_LIST,
            icon=":material/check_circle:" if listed else ":material/info:",
        )
        return
    st.markdown(
        f"{number:,} picture{'s' * (number != 1)} with several labels. At least one label of each is wrong, and nobody "
        "here can say which: all copies are left out until one label remains. Correct the folders, then import again.",
        anchors=False,
    )
    csv_button(lambda: rows, f"{dataset_id}-label-conflicts")
    root = folder(record("dataset", dataset_id) or {})
    if root is None:
        st.dataframe(rows[["conflict", "class", "path"]], hide_index=True, key="conflicts", alt="Label conflicts")
        return
    pages = -(-number // CONFLICTS)
    at = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    shown = rows[rows["conflict"].between((at - 1) * CONFLICTS + 1, at * CONFLICTS)]
    for conflict, copies in shown.groupby("conflict"):
        _conflict(int(str(conflict)), copies, root)


def _conflict(number: int, copies: pd.DataFrame, root: Path) -> None:
    with st.container(border=True, key=f"conflict_{number}"):
        st.markdown(f"**{' or '.join(dict.fromkeys(copies['class']))}?**", anchors=False)
        grid = st.grid(4, min_column_width=160)
        for row in copies.to_dict("records"):
            with grid.cell():
                _copy({str(name): value for name, value in row.items()}, root)


def _copy(row: dict[str, Any], root: Path) -> None:
    content, problem = picture(root, str(row["path"]), "" if missing(row["sha256"]) else str(row["sha256"]), THUMBNAIL)
    if content is None:
        st.caption(f":material/hide_image: {problem}")
    else:
        st.image(content, width=THUMBNAIL, alt=f"{row['path']}: filed as {row['class']}")
    st.caption(f"filed as **{row['class']}**: {row['path']}")
