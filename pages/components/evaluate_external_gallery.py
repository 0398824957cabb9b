"""The images from elsewhere that a trial called wrong (or right), with their source, the surest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.external_tables import Judged, gallery_table
from pages.components.pictures import draw_picture

WHICH = {"wrong": "Misclassified", "right": "Right", "all": "All"}
ANY = ""
CLASS, SOURCE, SHOW, PAGE = "external_class", "external_source", "external_show", "external_page"  # in the address
A_PAGE = 12
SIDE = 220  # px


def gallery(part: Judged, file_name: str) -> None:
    """Boxes that pick class and source, the CSV, and a page of pictures."""
    table = gallery_table(part)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Show", list(WHICH), format_func=WHICH.__getitem__, default="wrong", required=True, key=SHOW,
            bind="query-params", on_change=_to_first_page,
        ) or "wrong"  # fmt: skip
        rows = table if which == "all" else table[table["right"] == (which == "right")]
        for words, key, column in (("true class", CLASS, "true_class"), ("source", SOURCE, "source")):
            names = {ANY: f"any {words}"} | {str(name): str(name) for name in sorted(set(table[column]))}
            picked = st.selectbox(
                words.capitalize(), list(names), format_func=names.__getitem__, key=key, bind="query-params",
                on_change=_to_first_page, width=220,
            )  # fmt: skip
            rows = rows if not picked else rows[rows[column] == picked]
        csv_button(lambda: _wide(part), f"{file_name}-images", "external_images_csv", label="CSV of all images")
    if rows.empty:
        st.info(
            f"No image of this kind among {len(table):,}." if len(table) else "There is no image.",
            icon=":material/info:",
        )
        return
    pages = -(-len(rows) // A_PAGE)
    page = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    first = (page - 1) * A_PAGE
    shown = rows.iloc[first : first + A_PAGE]
    st.caption(f"Images {first + 1:,} to {first + len(shown):,} of {len(rows):,}, those called surest first.")
    root = _root(part)
    if root is None:
        st.dataframe(
            shown.drop(columns=["image_id", "right"]), hide_index=True, key="external_images",
            alt="Images from elsewhere: path, true class, what they were called, probabilities, source",
        )  # fmt: skip
        return
    images = read("images", part.dataset_id, "ok")
    hashes = dict(zip(images["image_id"].astype(int), images["sha256"].fillna("").astype(str), strict=True))
    grid = st.grid(4, min_column_width=150, gap="small")
    for row in shown.to_dict("records"):
        with grid.cell():
            _card({str(name): value for name, value in row.items()}, root, hashes)


def _card(row: dict[str, Any], root: Path, hashes: dict[int, str]) -> None:
    path, image_id = str(row["path"]), int(row["image_id"])
    with st.container(border=True, gap="xsmall", key=f"external_card_{image_id}"):
        said = f"{row['true_class']}, called {row['called']} with {row['probability']:.4f}, {row['source']}"
        draw_picture(root, path, hashes.get(image_id), SIDE, said)
        mark = ":green[right]" if row["right"] else f"called **{row['called']}**"
        st.caption(f"**{row['true_class']}** {mark} {row['probability']:.4f}  \nsource: {row['source']}", help=path)


def _wide(part: Judged) -> pd.DataFrame:
    """All images with what they were called and a column of probabilities a class."""
    table = gallery_table(part)
    each = pd.DataFrame(part.probabilities.astype("float32"), columns=[f"p_{name}" for name in part.names])
    each.insert(0, "image_id", part.images["image_id"].to_numpy())
    return table.merge(each, on="image_id")


def _root(part: Judged) -> Path | None:
    """The folder of the images; None, with a sentence on the page, where it is not here."""
    root = (record("dataset", part.dataset_id) or {}).get("root")
    if not missing(root) and Path(str(root)).is_dir():
        return Path(str(root))
    where = "is not known" if missing(root) else f"{root} is not on this machine"
    st.info(f"The images themselves cannot be shown: their folder {where}.", icon=":material/hide_image:")
    return None


def _to_first_page() -> None:
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
