"""The controls above the list of searches, all in the address, and the pages of what they leave."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from pages.components.csv_button import csv_button
from pages.components.list_order import GROUPS, SORTS, STATUSES, Wish
from pages.components.notes import plain

SIZE = 8  # cards at once
PAGE = "page"
ORIGINS = {"own": "Own", "published": "Published"}


def search_box() -> str:
    """The text to look for."""
    words = st.text_input(
        "Filter", placeholder="Name, note, tag, id or data", key="q", bind="query-params", type="search",
        icon=":material/search:", label_visibility="collapsed", width=280, on_change=first_page,
    )  # fmt: skip
    return words or ""


def status_pills() -> str | None:
    return st.pills(
        "Status", [name for name in STATUSES if name != "WAITING"], format_func=str.capitalize, key="status",
        bind="query-params", label_visibility="collapsed", on_change=first_page,
    )  # fmt: skip


def controls(words: str, status: str | None, known: Iterable[str]) -> Wish:
    """Tag, origin, order and grouping, one row; it wraps on a narrow window. `known`: the tags that are in use."""
    asked = st.query_params.get_all("tag")  # a tag that nobody uses any more stays visible as the reason for no search
    row = st.grid(4, min_column_width=160)
    tags = row.multiselect(
        "Tags", [*known, *(tag for tag in asked if tag not in known)], key="tag", bind="query-params",
        placeholder="Any", on_change=first_page, help="Of the search or of one of its trials; all that are picked.",
    )  # fmt: skip
    origin = row.selectbox(
        "Origin", list(ORIGINS), index=None, format_func=ORIGINS.__getitem__, key="origin", bind="query-params",
        placeholder="Any", on_change=first_page,
    )  # fmt: skip
    sort = row.selectbox(
        "Sort by", list(SORTS), format_func=SORTS.__getitem__, key="sort", bind="query-params", on_change=first_page,
        help="Test accuracy is reported and never used to choose.",
    )  # fmt: skip
    group = row.selectbox(
        "Group by", list(GROUPS), index=None, format_func=GROUPS.__getitem__, key="group", bind="query-params",
        placeholder="Nothing", on_change=first_page,
    )  # fmt: skip
    return Wish(words, status, tuple(tags), origin, sort or "newest", group)


def one_page(groups: Iterable[tuple[str, pd.DataFrame]]) -> list[tuple[str, int, pd.DataFrame]]:
    """What the chosen page shows: (heading, searches under it in all, those of them on this page)."""
    whole = list(groups)
    pages = math.ceil(sum(len(rows) for _, rows in whole) / SIZE)
    at = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    return part(whole, (at - 1) * SIZE, at * SIZE)


def part(groups: Iterable[tuple[str, pd.DataFrame]], start: int, end: int) -> list[tuple[str, int, pd.DataFrame]]:
    """The rows from `start` to before `end`, counted through all groups."""
    found, place = [], 0
    for heading, rows in groups:
        inside = rows.iloc[max(0, start - place) : max(0, end - place)]
        if not inside.empty:
            found.append((heading, len(rows), inside))
        place += len(rows)
    return found


def head(heading: str, number: int) -> None:
    """The name of a group and how many searches it has, on other pages too; nothing where nothing is grouped."""
    if heading:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.subheader(plain(heading), anchor=False, width="content")
            st.caption(f"{number} search{'es' * (number != 1)}", width="content")


def foot(found: pd.DataFrame, of: int) -> None:
    """How many searches fit, and all of them as a file."""
    columns = [
        "search_id", "name", "origin", "status", "dataset_id", "dataset_name", "val_accuracy", "val_images",
        "test_accuracy", "de_count", "patience", "asked", "done", "created_at", "finished_at", "seconds", "note",
        "tags",
    ]  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: found[columns], "searches", "searches_csv")
        st.caption(f"{len(found)} of {of} search{'es' * (of != 1)}, all of them in the file.")


def first_page() -> None:
    """Another wish begins at its first page."""
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
