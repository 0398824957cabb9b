"""Every reading on Predict goes on record at once: an audit trail is not a choice. Whether the image is kept is one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.prediction.kept import keep
from core.prediction.reading import Reading
from core.statements import save_reading
from pages.components.data import home, read
from pages.components.guard import explain, log
from pages.components.person import person
from pages.components.predict_image import ImageFile
from pages.components.review_controls import review_controls

_RECORDED = "predict_recorded"


@dataclass(frozen=True)
class Recorded:
    """A reading's record: its id, whether the image was kept with it, and the id of the one before it without image."""

    reading_id: str
    kept: bool
    before: str | None = None


def on_record(reading: Reading, image: ImageFile, point_id: str | None) -> Recorded | None:
    """The reading's record, made where this session has none yet; None, with a sentence, where it failed.

    An image whose box was ticked is kept, and the record says so: one that was recorded before is recorded again.
    """
    recorded: dict[tuple[object, ...], Recorded] = st.session_state.setdefault(_RECORDED, {})
    key = (
        reading.image_sha256, reading.model_id, point_id, reading.weights_sha256, reading.runtime, reading.calibrated,
        reading.temperature,
    )  # fmt: skip
    if (*key, True) in recorded:
        return recorded[*key, True]
    kept = image.keep and _keep(image)
    if (*key, kept) not in recorded:
        try:
            reading_id = save_reading(
                home(), reading, file_name=image.name, through="page", asked_by=person(), operating_point_id=point_id,
                kept=kept,
            )  # fmt: skip
        except Exception as error:
            log.error("A reading was not recorded", exc_info=error)
            st.error(f"This reading is not on record: {explain(error)}", icon=":material/error:")
            return None
        before = recorded.get((*key, False))
        recorded[*key, kept] = Recorded(reading_id, kept, None if before is None else before.reading_id)
    return recorded[*key, kept]


def _keep(image: ImageFile) -> bool:
    try:
        keep(home(), image.content)
    except OSError as error:
        log.error("An image was not kept", exc_info=error)
        st.error("The image could not be kept: the disk refuses it.", icon=":material/error:")
        return False
    return True


def record_and_review(reading: Reading, recorded: Recorded | None) -> None:
    """Where the reading is on record, and what an expert says of it."""
    if recorded is None:
        st.caption("This reading is not on record, so it cannot be reviewed.")
        return
    if _left_behind(recorded):
        st.info(f"Recorded anew with its image; please review it again. The review so far stands with "
                f"{recorded.before}, the record without the image.", icon=":material/rate_review:")  # fmt: skip
    row = {"reading_id": recorded.reading_id, "decided_classes": reading.decision.classes}
    review_controls(row, reading.classes)
    kept = "The image is kept." if recorded.kept else "The image is not kept."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"On record as {recorded.reading_id}. {kept}", width="content")
        st.page_link("history.py", label="All readings", icon=":material/history:")


def _left_behind(recorded: Recorded) -> bool:
    """Whether the record before was reviewed and this one was not."""
    if recorded.before is None or read("reviews", recorded.before).empty:
        return False
    return read("reviews", recorded.reading_id).empty
