"""The datasets of the store as cards: filtered, sorted and paged by what the address says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.data_choice import DATASET
from pages.components.pictures import picture

SIZE = 8  # cards at once
PAGE = "page"
SORTS = {"newest": "Newest", "name": "Name", "images": "Images", "bad": "Files left out", "searches": "Searches"}
THUMBNAILS, SIDE = 6, 96  # pictures a card, px


def search_box() -> str:
    words = st.text_input(
        "Filter", placeholder="Name, id, class or folder", key="q", bind="query-params", type="search",
        icon=":material/search:", label_visibility="collapsed", width=280, on_change=_first_page,
    )  # fmt: skip
    return words or ""


def sort_box() -> str:
    picked = st.selectbox(
        "Sort by", list(SORTS), format_func=lambda name: f"Sort: {SORTS[name].lower()}", key="by", bind="query-params",
        on_change=_first_page, label_visibility="collapsed", width=200,
    )  # fmt: skip
    return picked or "newest"


def listing(datasets: pd.DataFrame, words: str, sort: str) -> None:
    """The cards that fit, a page of them, and all of them as a file."""
    found = ordered(fitting(datasets, words), sort)
    if found.empty:
        st.info("No dataset fits this filter.", icon=":material/filter_alt_off:")
        return
    pages = math.ceil(len(found) / SIZE)
    at = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    for row in found.iloc[(at - 1) * SIZE : at * SIZE].to_dict("records"):
        _card({str(name): value for name, value in row.items()})
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: found.assign(classes=found["classes"].map(", ".join)), "datasets")
        st.caption(f"{len(found)} of {len(datasets)} dataset{'s' * (len(datasets) != 1)}, all of them in the file.")
    if datasets["root"].map(missing).all():
        st.info(
            "There are no data of yours here yet. Bring in a folder with one sub-folder a class, a zip of one or a "
            "MedMNIST file with **Import data**; a search brings its data in by itself.",
            icon=":material/drive_folder_upload:",
        )


def fitting(datasets: pd.DataFrame, words: str) -> pd.DataFrame:
    """The rows that have the words in name, id, folder or a class, whatever their case."""
    wanted = words.strip().casefold()
    if not wanted:
        return datasets
    texts = datasets[["name", "dataset_id", "root"]].fillna("").agg(" ".join, axis=1)
    texts += " " + datasets["classes"].map(" ".join)
    return datasets[texts.str.casefold().str.contains(wanted, regex=False)]


def ordered(datasets: pd.DataFrame, sort: str) -> pd.DataFrame:
    """The rows in the order of SORTS; equal ones stay as they come, the newest first."""
    if sort == "name":
        return datasets.sort_values("name", key=lambda names: names.str.casefold(), kind="stable")
    if sort in ("images", "bad", "searches"):
        return datasets.sort_values(sort, ascending=False, kind="stable", na_position="last")
    return datasets


def badges(dataset: dict[str, Any]) -> None:
    """Where its images and its split come from."""
    if missing(dataset["root"]):
        st.badge("published, without images", icon=":material/menu_book:", color="violet")
    if not missing(dataset["synthetic"]) and bool(dataset["synthetic"]):
        st.badge("synthetic cells", color="gray")
    if not missing(dataset["split_origin"]):
        st.badge("split given" if dataset["split_origin"] == "given" else "split made", color="gray")


def _card(dataset: dict[str, Any]) -> None:
    dataset_id = str(dataset["dataset_id"])
    with st.container(border=True, key=f"card_{dataset_id}"):
        head, images, bad, searches, act = st.columns([4.6, 1.5, 1.4, 1.3, 1.2], vertical_alignment="center")
        with head, st.container(gap="xsmall"):
            st.markdown(f"**{dataset['name']}**", anchors=False)
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                badges(dataset)
                read_at = "" if missing(dataset["at"]) else f" · {pd.Timestamp(dataset['at']):%d %b %Y, %H:%M} UTC"
                st.caption(f"{dataset_id}{read_at}")
        images.metric("Images", "–" if missing(dataset["images"]) else f"{int(dataset['images']):,}",
                      delta=f"{len(dataset['classes'])} classes", delta_color="off", delta_arrow="off")  # fmt: skip
        bad.metric("Left out", "–" if missing(dataset["bad"]) else f"{int(dataset['bad']):,}",
                   delta="files", delta_color="off", delta_arrow="off")  # fmt: skip
        searches.metric("Searches", f"{int(dataset['searches']):,}", delta="use it", delta_color="off",
                        delta_arrow="off")  # fmt: skip
        with act, st.container(horizontal=True, horizontal_alignment="right"):
            st.page_link("data.py", label="Open", icon=":material/arrow_forward:", query_params={DATASET: dataset_id})
        _thumbnails(dataset)


def _thumbnails(dataset: dict[str, Any]) -> None:
    """One image of each class, as many as fit; none where the files are not here."""
    if missing(dataset["root"]) or not Path(str(dataset["root"])).is_dir():
        return
    shown = []
    for row in read("image_page", dataset["dataset_id"], None, None, None, THUMBNAILS).to_dict("records"):
        content, _ = picture(Path(str(dataset["root"])), str(row["path"]), str(row["sha256"] or ""), SIDE)
        if content is not None:
            shown.append((content, f"{row['class']}: {row['path']}"))
    if shown:
        with st.container(horizontal=True, gap="xsmall"):
            for content, alt in shown:
                st.image(content, width=56, alt=alt)


def _first_page() -> None:
    """Another wish begins at its first page."""
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
