"""The images of one dataset: any page of them is a sample of what the filters leave, and each opens in a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.preview import image_file
from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.data_overview import NO_LIST, NOT_KNOWN
from pages.components.guard import guarded
from pages.components.pictures import draw_picture, open_button, picture

PAGE, IMAGE = "sheet", "image"  # in the address
A_PAGE = 24
THUMBNAIL, LARGE = 200, 720  # px
EVERY_ROW = 10**9


def section(dataset_id: str) -> None:
    dataset, groups = record("dataset", dataset_id) or {}, read("image_groups", dataset_id)
    if groups.empty:
        st.info(NO_LIST, icon=":material/info:")
        return
    wish = _filters(groups, [str(name) for name in dataset["classes"]])
    number = int(chosen(groups, *wish)["images"].sum())
    if not number:
        st.info("No image fits these filters.", icon=":material/filter_alt_off:")
        return
    pages = -(-number // A_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        at = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
        csv_button(lambda: read("image_page", dataset_id, *wish, EVERY_ROW, 0), f"{dataset_id}-images",
                   label="CSV of these images")  # fmt: skip
    first = (at - 1) * A_PAGE
    st.caption(
        f"Images {first + 1:,} to {min(first + A_PAGE, number):,} of {number:,}"
        f"{'' if wish[0] or len(dataset['classes']) == 1 else '; the classes take turns'}."
    )
    rows = read("image_page", dataset_id, *wish, A_PAGE, first)
    root = folder(dataset)
    if root is None:
        st.dataframe(rows.drop(columns="sha256"), hide_index=True, key="image_rows", alt="Images: path and facts")
        return
    grid = st.grid(6, min_column_width=150, gap="small")
    for row in rows.to_dict("records"):
        with grid.cell():
            _card({str(name): value for name, value in row.items()}, root)


def chosen(groups: pd.DataFrame, class_: str | None, split: str | None, source: str | None) -> pd.DataFrame:
    """The rows of the query `image_groups` that a class, a split and a source leave; source '' is: not known."""
    keep = pd.Series(True, index=groups.index)
    for name, value in (("class", class_), ("split", split), ("source", source)):
        if value is not None:
            keep &= groups[name].fillna("") == value
    return groups[keep]


def folder(dataset: dict[str, Any]) -> Path | None:
    """Where the images lie; None, with a sentence on the page, where that place is not there."""
    root = None if missing(dataset["root"]) else Path(str(dataset["root"]))
    if root is None or not root.is_dir():
        where = "Their folder is not known." if root is None else f"There is no folder {root} on this machine."
        st.info(f"The images themselves cannot be shown. {where}", icon=":material/hide_image:")
        return None
    return root


def _filters(groups: pd.DataFrame, classes: list[str]) -> tuple[str | None, str | None, str | None]:
    row = st.grid(3, min_column_width=180)
    splits = [name for name in ("train", "calibration", "val", "test") if name in set(groups["split"])]
    sources = sorted(groups["source"].dropna().unique())
    if groups["source"].isna().any():
        sources.append(NOT_KNOWN)
    class_ = row.selectbox("Class", classes, index=None, placeholder="All", key="class", bind="query-params",
                           on_change=_first_page)  # fmt: skip
    split = row.selectbox("Split", splits, index=None, placeholder="All", key="split", bind="query-params",
                          on_change=_first_page)  # fmt: skip
    source = row.selectbox("Source", sources, index=None, placeholder="All", key="source", bind="query-params",
                           on_change=_first_page)  # fmt: skip
    return class_, split, "" if source == NOT_KNOWN else source


def _card(row: dict[str, Any], root: Path) -> None:
    path, image_id = str(row["path"]), int(row["image_id"])
    with st.container(border=True, gap="xsmall", key=f"image_{image_id}"):
        draw_picture(root, path, row["sha256"], THUMBNAIL, f"{row['class']}, {row['split']}")
        st.caption(f"**{row['class']}** {row['split']}")
        open_button(path, f"open_{image_id}", _open, image_id)


def one_image(dataset_id: str) -> None:
    """The image that the address names, in a dialog."""
    asked = st.query_params.get(IMAGE, "")
    found = record("image_record", dataset_id, int(asked)) if asked.isdecimal() and len(asked) < 10 else None
    if found is not None:
        _dialog(dataset_id, found)


def image_facts(image: dict[str, Any]) -> pd.DataFrame:
    """fact, value: what is known of one file."""
    size = "" if missing(image["width"]) else f"{int(image['width'])} x {int(image['height'])} px"
    together = int(image["group_images"] or 0)
    facts = {
        "class": image["class"], "split": image["split"], "source": image["source"], "size": size,
        "left out": image["reason"] if image["status"] != "ok" else None, "group": image["group_id"],
        "its group": f"{together} images that stay in one split" if together > 1 else None,
        "SHA-256": image["sha256"],
    }  # fmt: skip
    known = [(name, str(value)) for name, value in facts.items() if not missing(value) and value != ""]
    return pd.DataFrame(known, columns=["fact", "value"])


def _open(image_id: int) -> None:
    st.query_params[IMAGE] = str(image_id)


def _close() -> None:
    st.query_params.pop(IMAGE, None)


def _first_page() -> None:
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1


@st.dialog("Image", width="large", on_dismiss=_close)
@guarded
def _dialog(dataset_id: str, image: dict[str, Any]) -> None:
    """The picture, large, and what is known of it."""
    root = folder(record("dataset", dataset_id) or {})
    left, right = st.columns([1.2, 1], gap="large")
    path = str(image["path"])
    if root is not None:
        content, problem = picture(root, path, "" if missing(image["sha256"]) else str(image["sha256"]), LARGE)
        if content is None:
            left.info(problem, icon=":material/hide_image:")
        else:
            left.image(content, width="stretch", alt=f"{path}: {image['class']}")
    right.table(image_facts(image).set_index("fact"), border="horizontal")
    st.caption("Path")
    st.code(path if root is None else str(image_file(root, path)), language=None, wrap_lines=True)
