"""The reading of a field's boxes: with progress, on record as they are made, kept until model or file change."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.prediction.field import CellReading, Field, read_boxes
from core.prediction.smear import Box
from pages.components.batch_tables import Reviews, reviews_of
from pages.components.data import home
from pages.components.data import read as recorded
from pages.components.predict_choice import Chosen
from store.queries import Wanted

if TYPE_CHECKING:
    from core.prediction.reader import Reader

_READ = "field_read"
Readings = dict[Box, CellReading]


def readings_of(field: Field, model_id: str, chosen: Chosen | None, boxes: Sequence[Box]) -> Readings:
    """What has been read of these boxes by this model in this way, with the numbers that they have now."""
    _, read = _kept(field, model_id, chosen)
    return {box: replace(read[box], number=number) for number, box in enumerate(boxes, start=1) if box in read}


def reviews_of_field(field: Field, model_id: str, chosen: Chosen | None) -> Reviews:
    """What experts said of what has been read, by reading id."""
    batch_id, read = _kept(field, model_id, chosen)
    return reviews_of(recorded("readings", Wanted(batch_id=batch_id), max(1, len(read))))


def read_all(
    reader: Reader, field: Field, content: bytes, model_id: str, chosen: Chosen | None, boxes: Sequence[Box],
    person: str | None, *, keep_image: bool = False,
) -> None:  # fmt: skip
    """Read the boxes that were not read yet. A click on Cancel ends it after the cell that is being read."""
    batch_id, read = _kept(field, model_id, chosen)
    todo = [(number, box) for number, box in enumerate(boxes, start=1) if box not in read]
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=f"Reading {len(todo)} cells.")
        st.button("Cancel", key="field_cancel", icon=":material/close:")
    cells = read_boxes(
        home(), reader, field, content, todo, batch_id=batch_id, point=None if chosen is None else chosen.point,
        asked_by=person, keep_image=keep_image,
    )  # fmt: skip
    for done, cell in enumerate(cells, start=1):
        read[cell.box] = cell  # before the bar moves: there a click on Cancel, or on anything else, ends this run
        bar.progress(done / len(todo), text=f"{done} of {len(todo)} cells read.")


def _kept(field: Field, model_id: str, chosen: Chosen | None) -> tuple[str, Readings]:
    """(id of this field's readings on record, what has been read), new where file, model or point are others."""
    key = (field.sha256, model_id, None if chosen is None else chosen.point.point_id)
    kept = st.session_state.get(_READ)
    if kept is None or kept[0] != key:
        batch_id = f"b-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        kept = st.session_state[_READ] = (key, batch_id, {})
    return kept[1], kept[2]
