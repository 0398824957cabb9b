"""The boxes of a field as a person has them: found, deleted, changed and added.

A table is edited on top of rows that stay as they are; what was added on the image makes new rows, and a new table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.prediction.field import MOST, Field
from core.prediction.smear import Box
from core.prediction.smear_crop import LEAST, at_edge, within
from core.prediction.smear_settings import SmearError

_ROWS, _VERSION = "field_rows", "field_version"
SIDES: Final = ("x", "y", "width", "height")
DRAWN: Final = 1.0  # the score of a box that a person drew


def begin(field: Field, boxes: Sequence[Box] | None = None) -> None:
    """Start from these boxes, those found in the field where none are given."""
    st.session_state[_ROWS] = table(field.boxes if boxes is None else boxes)
    st.session_state[_VERSION] = version() + 1


def version() -> int:
    """Changes whenever the rows do: the table and the image that show them then have new keys."""
    return int(st.session_state.get(_VERSION, 0))


def editor(field: Field) -> list[Box]:
    """The table; the boxes in it that can be read, in its order. What cannot is said below it."""
    edited = st.data_editor(
        st.session_state[_ROWS], key=f"field_table_{version()}", num_rows="dynamic", hide_index=True, width="stretch",
        height=min(420, 74 + 35 * max(3, len(st.session_state[_ROWS]))),
        column_config={
            "number": st.column_config.NumberColumn("No.", help="As on the image.", width=44),
            "x": _number("x", "Left side of the box, px from the left of the field.", 0, field.width - LEAST),
            "y": _number("y", "Upper side of the box, px from the top of the field.", 0, field.height - LEAST),
            "width": _number("Width", "px", LEAST, field.width),
            "height": _number("Height", "px", LEAST, field.height),
            "stain": st.column_config.ProgressColumn(
                "Stain", min_value=0, max_value=1, format="%.2f", width="small",
                help="How much stained nucleus the box has; 1 for a box drawn by hand.",
            ),
        },
        disabled=("number", "stain"),
    )  # fmt: skip
    found, problems = boxes_in(edited, field)
    if len(edited) < len(st.session_state[_ROWS]):  # boxes were deleted: the others get new numbers
        begin(field, found)
        st.rerun()
    for problem in problems:
        st.caption(f":material/error: {problem}")
    return found


def table(boxes: Sequence[Box]) -> pd.DataFrame:
    """Columns number, x, y, width, height (px), stain."""
    rows = [(number, box.x, box.y, box.width, box.height, box.score) for number, box in enumerate(boxes, start=1)]
    types = dict.fromkeys(("number", *SIDES), "int64") | {"stain": "float64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def boxes_in(edited: pd.DataFrame, field: Field) -> tuple[list[Box], list[str]]:
    """The boxes of an edited table, cut to the field, and a sentence for each row that is none."""
    found: list[Box] = []
    problems = []
    for row in edited.to_dict("records"):
        sides = [row[name] for name in SIDES]
        given = [side for side in sides if not pd.isna(side)]
        if len(given) < len(SIDES):
            if given:
                problems.append("A box needs x, y, width and height; the row with an empty cell is left out.")
            continue
        score = DRAWN if pd.isna(row["stain"]) else float(row["stain"])
        try:
            left, top, width, height = (int(side) for side in sides)
            box = within(Box(left, top, width, height, score), field.width, field.height)
        except SmearError as error:
            problems.append(str(error))
            continue
        if len(found) < MOST and all(_sides(box) != _sides(other) for other in found):
            found.append(box)
    return found, problems


def add_selected(field: Field, boxes: Sequence[Box], key: str) -> None:
    """Add the rectangle that a person has drawn on the figure `key`; a click that draws none adds none."""
    drawn = selected(st.session_state.get(key))
    if drawn is None:
        return
    try:
        added = within(drawn, field.width, field.height)
    except SmearError:
        st.toast(f"A box needs at least {LEAST} x {LEAST} px of the field; draw a larger one.", icon=":material/info:")
        return
    begin(field, [*boxes, added])


def selected(event: Any) -> Box | None:
    """The last rectangle of a plotly selection; None where there is none."""
    rectangles = (event or {}).get("selection", {}).get("box") or []
    if not rectangles:
        return None
    (left, right), (top, bottom) = (sorted(map(float, rectangles[-1][axis])) for axis in ("x", "y"))
    return Box(round(left), round(top), round(right - left), round(bottom - top), DRAWN)


def edge_words(boxes: Sequence[Box], field: Field) -> str:
    """Which boxes the edge of the field cuts, in a sentence; empty where it cuts none."""
    cut = [str(at) for at, box in enumerate(boxes, start=1) if at_edge(box, field.width, field.height)]
    if not cut:
        return ""
    cells = f"Cell {cut[0]} reaches" if len(cut) == 1 else f"Cells {', '.join(cut)} reach"
    return f"{cells} the edge of the field: a part may be missing, and a count usually leaves such cells out."


def _sides(box: Box) -> tuple[int, ...]:
    return box.x, box.y, box.width, box.height


def _number(label: str, text: str, least: int, most: int) -> Any:
    return st.column_config.NumberColumn(label, help=text, min_value=least, max_value=max(least, most), step=1)
