"""The button that saves the report of a field: the image with its boxes, the count, every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.prediction.count import Differential
from core.prediction.field import CellReading, Field
from pages.components.batch_tables import Reviews, reported
from pages.components.field_tables import in_order, items_of
from pages.components.models import Model
from pages.components.predict_choice import Chosen
from pages.components.reading_report import card_of


def report_button(
    field: Field, model: Model, chosen: Chosen | None, cells: Sequence[CellReading], reviews: Reviews,
    count: Differential, after: Differential | None,
) -> None:  # fmt: skip
    """The report is made when the button is pressed."""
    st.download_button(
        "Report (PDF)", lambda: report_of(field, model, chosen, cells, reviews, count, after), "field.pdf",
        "application/pdf", icon=":material/picture_as_pdf:", on_click="ignore", key="field_pdf",
    )  # fmt: skip


def report_of(
    field: Field, model: Model, chosen: Chosen | None, cells: Sequence[CellReading], reviews: Reviews,
    count: Differential, after: Differential | None,
) -> bytes:  # fmt: skip
    """The PDF of a field, what needs eyes first at the top of its cells."""
    from core.prediction.field_picture import boxed
    from core.prediction.report import batch_report  # fonts and all, which nobody waits for who wants no report

    ordered = in_order(cells)
    items = [
        replace(item, box=(cell.box.x, cell.box.y, cell.box.width, cell.box.height))
        for item, cell in zip(reported(items_of(ordered), reviews), ordered, strict=True)
    ]
    facts = [
        ("Field", f"{field.name}, {field.width} x {field.height} px; {field.ruler.words}"),
        ("SHA-256 of the file", field.sha256),
        ("Read", f"{min(cell.at for cell in cells):%Y-%m-%d %H:%M:%S} UTC"),
        ("Model", f"{model.name} ({model.model_id})"),
        ("Decided by", "prediction set" if chosen is None else f"operating point: {chosen.words}"),
        ("Cells read", f"{len(cells):,}, of which {sum(cell.at_edge for cell in cells):,} at the edge of the field; "
                       f"{count.read:,} are counted"),
    ]  # fmt: skip
    picture = boxed(field, ((cell.number, cell.box) for cell in cells))
    return batch_report(
        f"Field {field.name}", items, count, card_of(model.model_id), reviewed=after, facts=facts, picture=picture
    )
