"""The reading of a field's boxes: with progress, on record as they are made, kept for the session's last few choices.

What was read holds for one file, ruler, model, its weights and calibration, and operating point: back at one of these
nothing is read twice, and what another of them said is not shown for it.
"""

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
from pages.components.models import Model
from pages.components.predict_choice import Chosen
from pages.components.predict_reading import reader_of
from store.queries import Wanted

if TYPE_CHECKING:
    from core.prediction.reader import Reader

_READ = "field_read"
LAST = 4  # choices whose readings a session keeps
Readings = dict[Box, CellReading]
Key = tuple[object, ...]


def readings_of(field: Field, model: Model, chosen: Chosen | None, boxes: Sequence[Box]) -> Readings:
    """What has been read of these boxes by this model in this way, with the numbers that they have now."""
    _, read = _known(field, model, chosen)
    return {box: replace(read[box], number=number) for number, box in enumerate(boxes, start=1) if box in read}


def reviews_of_field(field: Field, model: Model, chosen: Chosen | None) -> Reviews:
    """What experts said of what has been read, by reading id."""
    batch_id, read = _known(field, model, chosen)
    return reviews_of(recorded("readings", Wanted(batch_id=batch_id), max(1, len(read)))) if batch_id else {}


def read_all(
    reader: Reader, field: Field, content: bytes, model: Model, chosen: Chosen | None, boxes: Sequence[Box],
    person: str | None, *, keep_image: bool = False,
) -> None:  # fmt: skip
    """Read the boxes that were not read yet. A click on Cancel ends it after the cell that is being read."""
    batch_id, read = _begun(field, model, chosen, reader)
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


def _begun(field: Field, model: Model, chosen: Chosen | None, reader: Reader) -> tuple[str, Readings]:
    """(id of these readings on record, what has been read), new where one of them is another; the oldest go."""
    kept, key = _all(), (*_asked(field, model, chosen), *_answers(reader))
    found = kept.pop(key, None)
    if found is None:
        found = (f"b-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}", {})
    kept[key] = found
    while len(kept) > LAST:
        kept.pop(next(iter(kept)))
    return found


def _known(field: Field, model: Model, chosen: Chosen | None) -> tuple[str | None, Readings]:
    """The same, nothing new begun. A model is loaded for it only where it may have read something."""
    kept, asked = _all(), _asked(field, model, chosen)
    if not any(key[: len(asked)] == asked for key in kept):
        return None, {}
    key = (*asked, *_answers(reader_of(model)))
    if key not in kept:
        return None, {}
    kept[key] = kept.pop(key)  # the last that was looked at
    return kept[key]


def _asked(field: Field, model: Model, chosen: Chosen | None) -> Key:
    return field.sha256, field.ruler, model.model_id, None if chosen is None else chosen.point.point_id


def _answers(reader: Reader) -> Key:
    """What can change of a model while its id stays."""
    found = reader.calibration
    return reader.weights_sha256, reader.runtime, found is not None, 1.0 if found is None else found.temperature


def _all() -> dict[Key, tuple[str, Readings]]:
    kept: dict[Key, tuple[str, Readings]] = st.session_state.setdefault(_READ, {})
    return kept
