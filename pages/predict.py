"""One image in, a reading out: what is decided and why, checked, on record and reviewable; for research only."""

from typing import Any

import streamlit as st

from core.data.intake import IntakeError
from core.learning.settings import ModelError
from core.prediction.reading import name_of
from pages.components.choose import search_choice
from pages.components.data import read, record
from pages.components.models import Model, accuracy_of, model_choice
from pages.components.notes import plain
from pages.components.predict_calibrate import calibration
from pages.components.predict_card import card
from pages.components.predict_choice import Chosen, fusion_words, point_choice
from pages.components.predict_decision import bars, checks, decision_panel
from pages.components.predict_image import ImageFile, image_choice
from pages.components.predict_reading import reader_of, seen_by
from pages.components.predict_record import on_record, record_and_review
from pages.components.predict_report import report_button
from pages.components.predict_view import view, zoom_controls
from pages.components.predict_why import why
from pages.components.shortcut_badge import shortcut_line

PARTS = ["Why", "Checks", "Record and review"]


def model_and_point(search: dict[str, Any]) -> tuple[Model, Chosen | None] | None:
    """The model that reads and what it decides by, with its card; None where the search has no model."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        model = model_choice(search)
    if model is None:
        st.info("This search has no finished model yet.", icon=":material/hourglass_top:")
        return None
    with right:
        chosen = point_choice(model)
    shortcut_line(model.dataset_id, *accuracy_of(model))
    if model.fused:
        st.caption(fusion_words(model))
    card(model)
    return model, chosen


def label(sha256: str, image: ImageFile) -> None:
    """What a sample is labelled, only where it is asked for: a review is worth little from who has seen the answer."""
    if st.toggle("Show its label", key=f"show_label_{sha256[:16]}"):
        st.caption(plain(f"Labelled {name_of(str(image.label))} in its dataset ({image.path})."))


def reading(model: Model, chosen: Chosen | None, image: ImageFile) -> None:
    """The image beside what is decided; below, why, what was checked, and the record."""
    reader = reader_of(model)
    seen = seen_by(reader, image, chosen)
    found = seen.reading
    recorded = on_record(found, image, None if chosen is None else chosen.point.point_id)
    left, right = st.columns([1, 1.6], gap="large")
    with left:
        place = st.container()
        zoom, smooth = zoom_controls("cell")
        with place:
            view(seen.rgb, "The image that was read", zoom=zoom, smooth=smooth)
        st.caption(f"{found.width} x {found.height} px")
        if image.label is not None:
            label(found.image_sha256, image)
    with right:
        decision_panel(found, None if chosen is None else chosen.words)
        bars(found, reader)
        calibration(reader)
    parts = dict(zip(PARTS, st.tabs(PARTS, key="reading_part", on_change="rerun"), strict=True))
    for name, part in parts.items():
        if part.open:
            with part:
                if name == "Why":
                    why(reader, seen)
                elif name == "Checks":
                    checks(found)
                else:
                    record_and_review(found, recorded)
                    report_button(reader, seen, image.name, None if recorded is None else recorded.reading_id)


st.warning(
    "Research use only. Not a medical device: no reading on this page may decide on a patient.",
    icon=":material/science:",
)
search_id = search_choice(read("listing"))
search = None if search_id is None else record("search", search_id)
if search is None or search["origin"] == "published":
    st.info("The published model's weights are not public. Choose a search of your own, or launch one on the page "
            "Searches.", icon=":material/info:")  # fmt: skip
elif (asked := model_and_point(search)) is not None:
    try:
        image = image_choice(search["dataset_id"])
        if image is not None:
            reading(*asked, image)
    except (IntakeError, ModelError) as error:
        st.error(plain(str(error)), icon=":material/image_not_supported:")
