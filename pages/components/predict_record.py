"""Every reading on Predict goes on record at once: an audit trail is not a choice. Whether the image is kept is one."""

from __future__ import annotations

import streamlit as st

from core.prediction.kept import keep, kept_file
from core.prediction.reading import Reading
from core.statements import save_reading
from pages.components.data import home
from pages.components.guard import explain, log
from pages.components.predict_image import ImageFile
from pages.components.review_controls import review_controls

_RECORDED = "predict_recorded"


def on_record(reading: Reading, image: ImageFile, point_id: str | None) -> str | None:
    """The id of the reading's record, made where this session has none yet; None, with a sentence, where it failed.

    An image whose box was ticked is kept, and the record says so: one that was recorded before is recorded again.
    """
    recorded: dict[tuple[object, ...], str] = st.session_state.setdefault(_RECORDED, {})
    key = (
        reading.image_sha256, reading.model_id, point_id, reading.weights_sha256, reading.runtime, reading.calibrated,
        reading.temperature,
    )  # fmt: skip
    if (*key, True) in recorded:
        return recorded[*key, True]
    kept = image.keep and _keep(image)
    if (*key, kept) not in recorded:
        try:
            recorded[*key, kept] = save_reading(
                home(), reading, file_name=image.name, through="page", asked_by=person(), operating_point_id=point_id,
                kept=kept,
            )  # fmt: skip
        except Exception as error:
            log.error("A reading was not recorded", exc_info=error)
            st.error(f"This reading is not on record: {explain(error)}", icon=":material/error:")
            return None
    return recorded[*key, kept]


def _keep(image: ImageFile) -> bool:
    try:
        keep(home(), image.content)
    except OSError as error:
        log.error("An image was not kept", exc_info=error)
        st.error("The image could not be kept: the disk refuses it.", icon=":material/error:")
        return False
    return True


def record_and_review(reading: Reading, reading_id: str | None) -> None:
    """Where the reading is on record, and what an expert says of it."""
    if reading_id is None:
        st.caption("This reading is not on record, so it cannot be reviewed.")
        return
    review_controls({"reading_id": reading_id, "decided_classes": reading.decision.classes}, reading.classes)
    kept = "The image is kept." if kept_file(home(), reading.image_sha256) else "The image is not kept."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"On record as {reading_id}. {kept}", width="content")
        st.page_link("history.py", label="All readings", icon=":material/history:")


def person() -> str | None:
    """Who is logged in, where the server asks for it."""
    return str(st.user.get("email") or st.user.get("name") or "") or None
