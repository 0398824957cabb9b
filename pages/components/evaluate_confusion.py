"""The confusion matrix, and the choice of one of its cells: by a click or by two boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.intervals import wilson
from pages.charts.confusion import COLUMNS, COUNTS, ROWS, confusion
from pages.charts.wording import share
from pages.components import outcome
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.evaluate_view import View

SHOWN = {COUNTS: "Counts", ROWS: "By row", COLUMNS: "By column"}
ANY = ""
TRUE, CALLED, PAGE = "true", "called", "page"  # in the address


def matrix(view: View, left: Any, right: Any) -> tuple[str, str]:
    """The matrix in `left`, its boxes in `right`; returns the picked (true class, called class), ANY where none is."""
    with right:
        true, called = _boxes(view)
        st.write(sentence(view, true, called))
    with left:
        shown = st.segmented_control(
            "Cells", list(SHOWN), format_func=SHOWN.__getitem__, default=COUNTS, required=True, key="cells",
            bind="query-params", help="Row: share of the true class. Column: share of what was called so.",
        ) or COUNTS  # fmt: skip
        picked = (true, called) if true and called else None
        show(
            draw(confusion, view.pairs, view.names, shown, picked), key="confusion", on_select=_picked,
            alt="Confusion matrix: rows are true classes, columns what they were called; two boxes pick a cell too",
        )  # fmt: skip
        csv_button(lambda: view.pairs, f"{view.file_name}-confusion", "confusion_csv")
    return true, called


def sentence(view: View, true: str, called: str) -> str:
    """What the picked cell, row or column holds, with the interval of its share."""
    cells = outcome.matrix_of(view.pairs, view.names)
    rows = [view.names.index(true)] if true else list(range(len(view.names)))
    columns = [view.names.index(called)] if called else list(range(len(view.names)))
    count = int(cells[np.ix_(rows, columns)].sum())
    if true and called:
        of_true, of_called = int(cells[rows[0]].sum()), int(cells[:, columns[0]].sum())
        return f"**{_images(count)}** of class {true} called {called}: {_of(count, of_true, true)}" + (
            f"; {_of(count, of_called, 'what was called ' + called)}." if of_called else "."
        )
    if true or called:
        index = rows[0] if true else columns[0]
        right = int(cells[index, index])
        whole = f"images of class {true}" if true else f"images called {called}"
        return f"**{count:,}** {whole}: {_of(right, count, 'them')} right."
    right = int(np.trace(cells))
    return (
        f"**{_images(count)}**: {_of(right, count, 'them')} right. Pick a cell in the matrix or here to see its images."
    )


def _images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def _of(part: int, whole: int, what: str) -> str:
    if not whole:
        return f"0 of {what}"
    low, high = wilson(part, whole)
    return f"{part / whole:.2%} of {what} ({part:,} of {whole:,}; {share(low)} to {share(high)})"


def _boxes(view: View) -> tuple[str, str]:
    options = [ANY, *view.names]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = [
            st.selectbox(
                label, options, format_func=lambda name: name or "any class", key=key, bind="query-params",
                on_change=to_first_page,
            )
            for label, key in (("True class", TRUE), ("Called", CALLED))
        ]  # fmt: skip
        st.button(
            "All", key="all_cells", icon=":material/filter_alt_off:", help="Pick no cell", on_click=_all,
            disabled=picked == [ANY, ANY],
        )  # fmt: skip
    return str(picked[0] or ANY), str(picked[1] or ANY)


def to_first_page() -> None:
    """Another choice of images begins with its first page."""
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1


def _picked() -> None:
    points: list[dict[str, Any]] = st.session_state["confusion"]["selection"]["points"]
    if points and points[0].get("customdata"):
        data = points[0]["customdata"]
        st.session_state[TRUE], st.session_state[CALLED] = str(data[0]), str(data[1])
        to_first_page()


def _all() -> None:
    st.session_state[TRUE] = st.session_state[CALLED] = ANY
    to_first_page()
