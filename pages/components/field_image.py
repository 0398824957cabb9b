"""The upload of a field, how its cells are looked for, and the image with its boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.prediction.field import CellReading, Field, open_field
from core.prediction.smear import USUAL, Box
from core.prediction.smear_settings import Settings
from core.prediction.thumbnail import data_url
from pages.charts.field import field_figure
from pages.components.drawing import draw
from pages.components.export import tools
from pages.components.field_boxes import add_selected, begin, version
from pages.components.field_tables import cell_words

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"]
LARGEST = 100  # MB
SENSITIVITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
_KEPT = "field_kept"


def upload() -> tuple[bytes, str] | None:
    """(content, name) of the field's file."""
    file = st.file_uploader(
        "An image of a whole field", type=TYPES, key="field_upload", max_upload_size=LARGEST,
        help="A field of a stained smear with red cells around the white ones, up to 64 megapixels.",
    )  # fmt: skip
    return None if file is None else (file.getvalue(), file.name)


def settings_wanted() -> Settings:
    """How the cells are looked for."""
    with st.expander("How cells are looked for", icon=":material/tune:"):
        left, right = st.columns(2, gap="large")
        sensitivity = left.select_slider(
            "Sensitivity", SENSITIVITIES, value=1.0, key="field_sensitivity",
            help="2: half the stain and half the nucleus are enough, so paler and smaller cells are found, and more "
            "that are none. 0.5: twice as much is needed.",
        )  # fmt: skip
        red_cell = right.number_input(
            "Diameter of a red cell (px); 0: measured in the field",
            0,
            2000,
            0,
            step=5,
            key="field_red_cell",
            help="The ruler by which nuclei and gaps are judged. Give it where the field shows few red cells.",
        )
        st.caption("A change looks for the cells anew; boxes that were changed by hand are then gone.")
    return replace(USUAL, sensitivity=float(sensitivity), red_cell=float(red_cell) if red_cell else None)


def field_of(content: bytes, name: str, settings: Settings) -> Field:
    """The field with its cells, found once for a file and settings. Raises IntakeError, SmearError."""
    wanted = (hashlib.sha256(content).hexdigest(), settings)
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != wanted:
        with st.spinner("Looking for white cells."):
            field = open_field(content, name, settings)
        st.session_state[_KEPT] = kept = (wanted, field)
        begin(field)
    found: Field = kept[1]
    return found


def found_words(field: Field) -> str:
    """What was found, and by which ruler."""
    number = "No white cell was" if not field.boxes else f"{len(field.boxes)} white cell{'s'[: len(field.boxes) > 1]} "
    number += " found" if not field.boxes else ("were found" if len(field.boxes) > 1 else "was found")
    more = f" {field.more} more were left out: such a field should be cut into smaller ones." if field.more else ""
    return f"{number} in {field.width} x {field.height} px; {field.ruler.words}.{more}"


def image(field: Field, boxes: Sequence[Box], read: Mapping[Box, CellReading]) -> None:
    """The field with its boxes; a rectangle drawn on it is added to them."""
    rows = [
        {
            "number": number, "x": box.x, "y": box.y, "width": box.width, "height": box.height,
            "kind": read[box].reading.decision.kind if box in read else "unread", "words": cell_words(read.get(box)),
        }
        for number, box in enumerate(boxes, start=1)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["number", "x", "y", "width", "height", "kind", "words"])
    key = f"field_image_{version()}"
    figure = draw(field_figure, data_url(field.picture), field.width, field.height, table)
    st.plotly_chart(
        figure, key=key, alt=f"{field.name} with {len(boxes)} numbered boxes", config=config(),
        height=int(figure.layout.height), selection_mode="box",
        on_select=lambda: add_selected(field, boxes, key),
    )  # fmt: skip


def config() -> dict[str, Any]:
    """Plotly's tools: drawing a box, moving and zooming by its buttons; the wheel scrolls the page."""
    return tools("field") | {"modeBarButtonsToRemove": ["lasso2d"], "displayModeBar": True}
