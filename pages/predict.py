"""One image in, a reading out: what is decided and why, checked, on record and reviewable; for research only."""

import streamlit as st

from core.data.intake import IntakeError
from core.learning.settings import ModelError
from core.prediction.reading import name_of
from pages.components.models import Model
from pages.components.notes import plain
from pages.components.predict_calibrate import calibration
from pages.components.predict_card import card
from pages.components.predict_choice import Chosen
from pages.components.predict_decision import bars, checks, decision_panel
from pages.components.predict_image import ImageFile, image_choice
from pages.components.predict_reading import reader_of, seen_by
from pages.components.predict_record import on_record, record_and_review
from pages.components.predict_report import report_button
from pages.components.predict_view import view, zoom_controls
from pages.components.predict_why import why
from pages.components.reading_model import model_and_point

PARTS = ["Why", "Checks", "Record and review"]


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
asked = model_and_point(warn=False)
if asked is not None:
    card(asked[0])
    try:
        image = image_choice(asked[0].dataset_id)
        if image is not None:
            reading(*asked, image)
    except (IntakeError, ModelError) as error:
        st.error(plain(str(error)), icon=":material/image_not_supported:")
