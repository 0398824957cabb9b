"""Every reading on Predict goes on record at once: an audit trail is not a choice. Whether the image is kept is one."""

from __future__ import annotations

import streamlit as st

from core.prediction.kept import keep, kept_file
from core.prediction.reading import Reading
from core.statements import save_reading
from pages.components.data import home
from pages.components.guard import explain, log
from pages.components.predict_image import ImageFile

_RECORDED = "predict_recorded"


def on_record(reading: Reading, name: str, point_id: str | None) -> str | None:
    """The id of the reading's record, made where this session has none yet; None, with a sentence, where it failed."""
    key = (
        reading.image_sha256, reading.model_id, point_id, reading.weights_sha256, reading.runtime, reading.calibrated,
        reading.temperature,
    )  # fmt: skip
    recorded: dict[tuple[object, ...], str] = st.session_state.setdefault(_RECORDED, {})
    if key not in recorded:
        try:
            recorded[key] = save_reading(
                home(), reading, file_name=name, through="page", asked_by=person(), operating_point_id=point_id,
                kept=kept_file(home(), reading.image_sha256) is not None,
            )  # fmt: skip
        except Exception as error:
            log.error("A reading was not recorded", exc_info=error)
            st.error(f"This reading is not on record: {explain(error)}", icon=":material/error:")
            return None
    return recorded[key]


def keep_choice(reading: Reading, image: ImageFile) -> None:
    """The box that keeps the image; without it only its hash is on record."""
    there = kept_file(home(), reading.image_sha256) is not None
    ticked = st.checkbox(
        "Keep the image", value=there, disabled=there, key=f"keep_{reading.image_sha256}_{there}",
        help="Else only its hash, size and reading are on record, and nobody can look at it again.",
    )  # fmt: skip
    if ticked and not there:
        try:
            keep(home(), image.content)
            st.rerun()
        except OSError as error:
            log.error("An image was not kept", exc_info=error)
            st.error("The image could not be kept: the disk refuses it.", icon=":material/error:")


def person() -> str | None:
    """Who is logged in, where the server asks for it."""
    return str(st.user.get("email") or st.user.get("name") or "") or None
