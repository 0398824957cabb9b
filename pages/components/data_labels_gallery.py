"""The images whose labels are suspected, the least believed first, with what a person needs to correct them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.label_check import moved
from pages.charts.wording import missing, share
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.data_images import IMAGE
from pages.components.pictures import draw_picture, open_button

ANY = ""
LABEL, SUGGESTED, PAGE = "label", "suggested", "label_page"  # in the address
A_PAGE = 12
SIDE = 260  # px


def gallery(dataset_id: str) -> None:
    """Boxes that pick a class, the CSV, and a page of pictures."""
    table = corrections(dataset_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rows = table
        for words, key, column in (("Label", LABEL, "label"), ("Suggested", SUGGESTED, "suggested")):
            picked = st.selectbox(
                words, [ANY, *sorted(table[column].unique())], format_func=lambda name: name or "any class", key=key,
                bind="query-params", on_change=_to_first_page, width=220,
            )  # fmt: skip
            rows = rows if not picked else rows[rows[column] == picked]
        csv_button(lambda: rows.drop(columns=["image_id", "sha256"]), f"{dataset_id}-suspected-labels", "labels_csv",
                   label="CSV of these images")  # fmt: skip
    if rows.empty:
        st.info("No suspected image has this label and this suggestion.", icon=":material/info:")
        return
    st.caption(
        "Correct a wrong label by moving its file into the folder of its class (the CSV says where) and import the "
        "data again: they are another dataset then. A label that is right needs nothing."
    )
    pages = -(-len(rows) // A_PAGE)
    page = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    first = (page - 1) * A_PAGE
    shown = rows.iloc[first : first + A_PAGE]
    st.caption(
        f"Images {first + 1:,} to {first + len(shown):,} of {len(rows):,}, the least believed label first; beside each "
        "label its out-of-fold probability."
    )
    root = _root(dataset_id)
    if root is None:
        st.dataframe(
            shown.drop(columns=["image_id", "sha256", "file"]), hide_index=True, key="labels_table", placeholder="–",
            column_config={"confidence": st.column_config.NumberColumn("confidence of the label", format="%.4f")},
            alt="Suspected images: path, label, suggested class and confidence of the label",
        )  # fmt: skip
        return
    grid = st.grid(4, min_column_width=130, gap="small")
    for row in shown.to_dict("records"):
        with grid.cell():
            _card({str(name): value for name, value in row.items()}, root)


def corrections(dataset_id: str) -> pd.DataFrame:
    """The suspected images with what is needed to correct them, the least believed label first.

    Columns: rank, path, label, suggested, confidence (of the label), split, source, move_to (path if the suggestion is
    right), file (where it lies now), image_id, sha256.
    """
    issues = read("label_issues", dataset_id).rename(columns={"class": "label"})
    root = (record("dataset", dataset_id) or {}).get("root")
    paths = issues["path"].astype(str)
    issues["move_to"] = [moved(*row) for row in zip(paths, issues["label"], issues["suggested"], strict=True)]
    issues["file"] = paths if missing(root) else [str(Path(str(root)) / path) for path in paths]
    return issues[
        ["rank", "path", "label", "suggested", "confidence", "split", "source", "move_to", "file", "image_id", "sha256"]
    ]


def _root(dataset_id: str) -> Path | None:
    """The folder of the images; None, with a sentence on the page, where it is not here."""
    root = (record("dataset", dataset_id) or {}).get("root")
    if not missing(root) and Path(str(root)).is_dir():
        return Path(str(root))
    st.info(f"The images cannot be shown: their folder {root} is not on this machine.", icon=":material/hide_image:")
    return None


def _card(row: dict[str, Any], root: Path) -> None:
    path, label, suggested = str(row["path"]), str(row["label"]), str(row["suggested"])
    with st.container(border=True, gap="xsmall", key=f"label_card_{row['image_id']}"):
        draw_picture(root, path, row["sha256"], SIDE, f"labelled {label}, suggested {suggested}")
        st.caption(f"labelled **{label}** {share(row['confidence'])}  \nsuggested **{suggested}**")
        open_button(path, f"label_open_{row['image_id']}", _open, int(row["image_id"]))


def _open(image_id: int) -> None:
    st.query_params[IMAGE] = str(image_id)  # the page shows it in a dialog


def _to_first_page() -> None:
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
