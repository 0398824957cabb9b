"""The cells of a field that were read: what needs eyes first, then the count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.evaluation.fusion import FusionError
from core.prediction.count import Differential, differential, reviewed_count
from core.prediction.field import CellReading, Field
from core.prediction.reading import CLASS, name_of
from core.prediction.reading_words import share_of
from core.prediction.report_facts import Review
from core.prediction.wording import percent
from pages.charts.differential import differential_chart
from pages.components.batch_tables import Reviews, after_review, count_rows, count_table
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.field_report import report_button
from pages.components.field_tables import export_table, in_order, items_of, why
from pages.components.models import Model, outputs_of
from pages.components.notes import plain
from pages.components.predict_choice import Chosen
from pages.components.review_controls import review_controls

COLUMNS = 5
FIRST = 20  # cells that are drawn before a person asks for the rest


def gallery(cells: Sequence[CellReading], reviews: Reviews) -> None:
    """Each cell as the model saw it, with what was decided, why it needs eyes, and what an expert says of it."""
    st.subheader("Cells", anchor=False)
    ordered = in_order(cells)
    everything = len(ordered) <= FIRST or st.toggle(f"Show all {len(ordered)} cells", key="field_all")
    shown = ordered if everything else ordered[:FIRST]
    for start in range(0, len(shown), COLUMNS):
        for place, cell in zip(st.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
            with place.container(border=True, gap="xsmall"):
                _cell(cell, reviews.get(cell.reading_id))


def count_section(
    model: Model, chosen: Chosen | None, cells: Sequence[CellReading], reviews: Reviews, reader: Any, field: Field
) -> None:
    """The differential count without the cells that the edge cuts, unless a person wants them in; then the files."""
    st.subheader("Differential count", anchor=False)
    cut = sum(cell.at_edge for cell in cells)
    whole = not cut or st.toggle(
        f"Count the {cut} at the edge too", key="field_count_edge", value=False,
        help="A cell at the edge is seen in part only, and would be seen again in the next field.",
    )  # fmt: skip
    counted = [cell for cell in cells if whole or not cell.at_edge]
    count = _count(model, chosen, counted, reader)
    heard = any(cell.reading_id in reviews for cell in counted)
    after = reviewed_count(model.classes, after_review(items_of(counted), reviews)) if heard else None
    st.caption(count.words)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        table = count_table(count, after)
        st.dataframe(table, hide_index=True, key="field_count", height=35 * (len(table) + 1) + 3)
        st.caption(f"{count.correction} A field of few cells says little of a patient: 100 or 200 are counted.")
        if after is not None:
            st.caption(f"After review, an expert's word counts in the place of the model's. {after.words}")
        with st.container(horizontal=True):
            csv_button(
                lambda: export_table(field.name, cells, reviews), "field-cells", "field_csv", label="CSV of the cells"
            )
            csv_button(lambda: count_rows(count), "field-count", "field_count_csv", label="CSV of the count")
            report_button(field, model, chosen, cells, reviews, count, after)
    with right:
        show(
            draw(differential_chart, count_rows(count)), key="field_differential",
            alt="Share of each class with its 95 % interval, as found and as corrected",
        )  # fmt: skip


def _cell(cell: CellReading, review: Review | None) -> None:
    reading = cell.reading
    st.image(cell.picture, width="stretch", alt=f"Cell {cell.number} as the model saw it")
    st.markdown(f"**{cell.number}** · {plain(reading.decision.words)}", anchors=False)
    with st.container(horizontal=True, gap="xsmall"):
        for reason in why(cell):
            st.badge(plain(reason), color="orange", icon=":material/warning:")
        if reading.decision.kind != CLASS:
            st.badge(f"most probable: {plain(name_of(reading.best))}", color="gray")
    st.caption(" ".join([f"Probability {percent(share_of(reading))}.", *map(plain, reading.decision.reasons)]))
    if review is not None:
        st.markdown(f"**Review:** {plain(review.words)}", anchors=False)
    opened = st.popover(
        "Review" if review is None else "Review again", key=f"field_review_{cell.reading_id}", on_change="rerun",
        icon=":material/rate_review:", type="tertiary",
    )  # fmt: skip
    if opened.open:  # the means of every cell at once would be a heavy page
        with opened:
            review_controls(
                {"reading_id": cell.reading_id, "decided_classes": list(reading.decision.classes)}, reading.classes
            )


def _count(model: Model, chosen: Chosen | None, cells: Sequence[CellReading], reader: Any) -> Differential:
    key = (model.model_id, None if chosen is None else chosen.point.point_id, tuple(cell.reading_id for cell in cells))
    kept = st.session_state.get("field_counted")
    if kept is None or kept[0] != key:  # the draws behind the intervals take a tenth of a second
        found = differential(model.classes, [cell.reading.decision for cell in cells], _errors(model, chosen, reader))
        kept = st.session_state["field_counted"] = (key, found)
    count: Differential = kept[1]
    return count


def _errors(model: Model, chosen: Chosen | None, reader: Any) -> Any:
    """The model's decisions on the test images, from the store's probabilities; None where it has none."""
    from core.prediction.known_errors import errors_of

    try:
        outputs = outputs_of(model, "test")
    except FusionError:
        return None
    true = [model.classes[at] for at in outputs.true]
    return errors_of(reader, outputs.probabilities, true, None if chosen is None else chosen.point)
