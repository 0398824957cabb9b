"""The images behind the figures: those of a cell, or the misclassified ones, the surest first; each in a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.preview import image_file
from pages.charts.probabilities import probabilities
from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.drawing import draw, show
from pages.components.evaluate_confusion import PAGE, to_first_page
from pages.components.evaluate_tables import images_table
from pages.components.evaluate_view import View
from pages.components.guard import guarded
from pages.components.pictures import draw_picture, open_button, picture

WHICH = {"wrong": "Misclassified", "right": "Right", "all": "All"}
ORDERS = {"sure": "Surest first", "unsure": "Least sure first"}
IMAGE = "image"  # in the address
A_PAGE = 12
THUMBNAIL, LARGE = 220, 720  # px


def gallery(view: View, true: str, called: str) -> None:
    """The images that were picked, `true` and `called` as `evaluate_confusion.matrix` gives them."""
    table = images_table(view.images, view.true, view.probabilities, view.names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = "all"
        if not (true and called):  # a cell says by itself which images it holds
            which = _choice("Show", WHICH, "wrong", "show")
        order = _choice("Order", ORDERS, "sure", "order")
        rows = chosen(table, true, called, which, order)
        csv_button(lambda: rows, f"{view.file_name}-images", "images_csv", label="CSV of these images")
    if rows.empty:
        st.info(_nothing(which, true, called, view), icon=":material/info:")
        return
    pages = -(-len(rows) // A_PAGE)
    page = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    first = (page - 1) * A_PAGE
    shown = rows.iloc[first : first + A_PAGE]
    st.caption(f"Images {first + 1:,} to {first + len(shown):,} of {len(rows):,}.")
    root, hashes = _files(view)
    if root is None:
        st.dataframe(
            shown.drop(columns=["image_id", "right"]), hide_index=True, key="images_table",
            column_config={
                "probability": st.column_config.NumberColumn("probability of called", format="%.4f"),
                "of_true": st.column_config.NumberColumn("probability of true class", format="%.4f"),
            },
            alt="The picked images: path, true class, called class and probabilities",
        )  # fmt: skip
        return
    grid = st.grid(4, min_column_width=130, gap="small")
    for row in shown.to_dict("records"):
        with grid.cell():
            _card({str(name): value for name, value in row.items()}, root, hashes)


def chosen(table: pd.DataFrame, true: str, called: str, which: str, order: str) -> pd.DataFrame:
    """The rows of `images_table` of a true class and a called class ('' for any), right or wrong, in that order."""
    keep = pd.Series(True, index=table.index)
    if true:
        keep &= table["true_class"] == true
    if called:
        keep &= table["called"] == called
    if which != "all":
        keep &= table["right"] == (which == "right")
    rows = table[keep]
    return rows if order == "sure" else rows.iloc[::-1]


def _choice(label: str, options: dict[str, str], default: str, key: str) -> str:
    picked = st.segmented_control(
        label, list(options), format_func=options.__getitem__, default=default, required=True, key=key,
        bind="query-params", on_change=to_first_page,
    )  # fmt: skip
    return picked or default


def _nothing(which: str, true: str, called: str, view: View) -> str:
    if which == "wrong" and not (true or called):
        return f"No image is misclassified: all {len(view.true):,} of them are called right."
    return "There is no image of this kind."


def _files(view: View) -> tuple[Path | None, dict[int, str]]:
    """(folder of the images, SHA-256 of each by image id); None, with a sentence on the page, where it is not here."""
    dataset_id = view.search["dataset_id"]
    dataset = None if missing(dataset_id) else record("dataset", dataset_id)
    root = None if dataset is None or missing(dataset["root"]) else Path(str(dataset["root"]))
    if root is None or not root.is_dir():
        where = "Their folder is not known." if root is None else f"Their folder {root} is not on this machine."
        st.info(f"The images themselves cannot be shown. {where}", icon=":material/hide_image:")
        return None, {}
    images = read("images", dataset_id, "ok")
    return root, dict(zip(images["image_id"].astype(int), images["sha256"].fillna("").astype(str), strict=True))


def _card(row: dict[str, Any], root: Path, hashes: dict[int, str]) -> None:
    path, image_id = str(row["path"]), int(row["image_id"])
    with st.container(border=True, gap="xsmall", key=f"card_{image_id}"):
        said = f"{row['true_class']}, called {row['called']} with {row['probability']:.4f}"
        draw_picture(root, path, hashes.get(image_id), THUMBNAIL, said)
        mark = ":green[right]" if row["right"] else f"called **{row['called']}**"
        st.caption(f"**{row['true_class']}** {mark} {row['probability']:.4f}")
        open_button(path, f"open_{image_id}", _open, image_id)


def one_image(view: View) -> None:
    """The image that the address names, in a dialog."""
    asked = st.query_params.get(IMAGE, "")
    place = view.images["image_id"].to_numpy() == (int(asked) if asked.isdecimal() else -1)
    if place.any():
        _dialog(view, int(place.argmax()))


def _open(image_id: int) -> None:
    st.query_params[IMAGE] = str(image_id)


def _close() -> None:
    st.query_params.pop(IMAGE, None)


@st.dialog("Image", width="large", on_dismiss=_close)
@guarded
def _dialog(view: View, place: int) -> None:
    """The picture, large, with all its probabilities and its path."""
    image_id, path = int(view.images["image_id"].iloc[place]), str(view.images["path"].iloc[place])
    true, called = view.names[view.true[place]], view.names[view.probabilities[place].argmax()]
    root, hashes = _files(view)
    left, right = st.columns([1, 1.2], gap="large")
    if root is not None:
        shown, problem = picture(root, path, hashes.get(image_id, ""), LARGE)
        if shown is None:
            left.info(problem, icon=":material/hide_image:")
        else:
            left.image(shown, width="stretch", alt=f"{path}, {true}")
    with right:
        st.markdown(f"**{true}**, called **{called}** ({'right' if true == called else 'wrong'})", anchors=False)
        each = pd.DataFrame({"class": view.names, "probability": view.probabilities[place]})
        show(draw(probabilities, each), key="image_probabilities", alt="Probability of each class, the highest first")
    st.caption("Path")
    st.code(path if root is None else str(image_file(root, path)), language=None, wrap_lines=True)
