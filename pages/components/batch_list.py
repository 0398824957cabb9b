"""The readings of a batch: a table with small pictures, what needs eyes first, and the one that is opened beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.prediction.batch import BatchRun, Item
from core.prediction.thumbnail import data_url, smaller
from pages.components.batch_one import one_section
from pages.components.batch_tables import ALL, SHOWN, Reviews, chosen, export_table, list_table
from pages.components.csv_button import csv_button

A_PAGE = 50
ROW = 60  # px
_OPEN = "batch_open"  # (id of the batch, place in it of the file that is open)
_PICKS = "batch_picks"  # counts the tables, so that a new one has no old selection


def list_section(run: BatchRun, items: Sequence[Item], reviews: Reviews) -> None:
    """Filters, the table, and the reading that is open."""
    st.subheader("Readings", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counts = {name: len(chosen(items, name, "", reviews)) for name in SHOWN}
        which = st.pills(
            "Show", [name for name in SHOWN if name == ALL or counts[name]], default=ALL, required=True,
            format_func=lambda name: f"{SHOWN[name]} ({counts[name]:,})", key="batch_show", on_change=_other,
        ) or ALL  # fmt: skip
        text = st.text_input("In the file name", key="batch_text", on_change=_other, width=220) or ""
        csv_button(lambda: export_table(items, reviews), run.batch_id, "batch_csv", label="CSV of all")
    rows = chosen(items, which, text, reviews)
    if not rows:
        st.info("There is no such file in this batch.", icon=":material/info:")
        return
    left, right = st.columns([1.55, 1], gap="large")
    with left:
        shown = _page(rows)
        _table(run, shown, reviews)
    with right:
        opened = st.session_state.get(_OPEN)
        place = next((at for at, item in enumerate(rows) if (run.batch_id, item.at) == opened), 0)
        _walk(run, rows, place)
        one_section(run, rows[place], reviews)


def _page(rows: Sequence[Item]) -> Sequence[Item]:
    pages = -(-len(rows) // A_PAGE)
    page = st.pagination(pages, key="batch_page") if pages > 1 else 1
    first = (min(page, pages) - 1) * A_PAGE
    st.caption(f"Files {first + 1:,} to {min(first + A_PAGE, len(rows)):,} of {len(rows):,}, what needs eyes first. "
               "A row opens its reading.")  # fmt: skip
    return rows[first : first + A_PAGE]


def _table(run: BatchRun, shown: Sequence[Item], reviews: Reviews) -> None:
    pictures = [None if item.picture is None else _thumbnail(run.batch_id, item.at, item.picture) for item in shown]
    key = f"batch_table_{run.batch_id}_{shown[0].at}_{st.session_state.setdefault(_PICKS, 0)}"
    st.dataframe(
        list_table(shown, pictures, reviews), hide_index=True, key=key, row_height=ROW, placeholder="",
        height=ROW * min(len(shown), 10) + 40, on_select=lambda: _picked(key, run, shown), selection_mode="single-row",
        column_config={
            "picture": st.column_config.ImageColumn("", width=70),
            "decision": st.column_config.TextColumn(width=130),
            "probability": st.column_config.TextColumn(
                width=135, help="Of the decided class; where not one class is decided, of the most probable one"
            ),
            "reasons": st.column_config.TextColumn("reasons to look", width=200),
            "review": st.column_config.TextColumn(width=105),
        },
        alt="Readings of the batch: small picture, decision, probability, reasons to look, review, file",
    )  # fmt: skip


def _walk(run: BatchRun, rows: Sequence[Item], place: int) -> None:
    """Buttons to the reading before and after, in the order of the table."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.button("Previous", icon=":material/arrow_back:", disabled=place == 0, key="batch_before",
                  on_click=_go, args=(run.batch_id, rows[max(0, place - 1)].at))  # fmt: skip
        st.caption(f"{place + 1:,} of {len(rows):,}")
        st.button("Next", icon=":material/arrow_forward:", disabled=place + 1 == len(rows), key="batch_next",
                  on_click=_go, args=(run.batch_id, rows[min(len(rows) - 1, place + 1)].at))  # fmt: skip


def _go(batch_id: str, at: int) -> None:
    st.session_state[_OPEN] = (batch_id, at)
    st.session_state[_PICKS] = st.session_state.get(_PICKS, 0) + 1


def _other() -> None:
    st.session_state.pop(_OPEN, None)
    st.session_state.pop("batch_page", None)


def _picked(key: str, run: BatchRun, shown: Sequence[Item]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(shown):
        st.session_state[_OPEN] = (run.batch_id, shown[rows[0]].at)


@st.cache_data(max_entries=2000, show_spinner=False)
def _thumbnail(batch_id: str, at: int, _picture: bytes) -> str:
    return data_url(smaller(_picture))
