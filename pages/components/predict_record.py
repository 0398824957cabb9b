"""The button on Predict that records a reading: model, image, probabilities, and the warnings shown with them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import streamlit as st

from core.prediction.reading import CLASS, OUT_OF_SCOPE, REFER, Decision, Flag, Reading
from core.statements import save_reading
from pages.components.data import home
from pages.components.guard import explain, log
from pages.components.models import Model


def record_button(
    model: Model, name: str, content: bytes, image: np.ndarray, result: Any, flags: dict[str, Any], called: str | None,
    by: str,
) -> None:  # fmt: skip
    """`content` is the image file's, `result` its Prediction, `flags` what was said beside it, `called` the class that
    was decided on by the rule `by` (None: refer to an expert)."""
    probabilities = np.asarray(result.probabilities, dtype=np.float64)
    decision = Decision(REFER, (), by) if called is None else Decision(CLASS, (called,), by)
    reading = Reading(
        model.model_id, "torch", "", hashlib.sha256(content).hexdigest(), image.shape[1], image.shape[0],
        tuple(result.classes), probabilities, probabilities, False, 1.0, np.empty(0), (), {}, _checks(flags), None,
        decision, {},
    )  # fmt: skip
    st.button(
        "Record this reading", icon=":material/history_edu:", key="record_reading", on_click=_record,
        args=(reading, name),
        help="Keeps model, image hash, probabilities and warnings in the store's table of readings; not the image.",
    )  # fmt: skip


def _checks(flags: dict[str, Any]) -> tuple[Flag, ...]:
    said = flags.get(OUT_OF_SCOPE)
    if said is None:
        return (Flag(OUT_OF_SCOPE, None, "No out-of-scope check has been made for this model."),)
    reason = f"p = {said['p']:.3f} among {said['calibration_images']} calibration images."
    return (Flag(OUT_OF_SCOPE, bool(said["flagged"]), reason, said["p"], said["alpha"], "p-value"),)


def _record(reading: Reading, name: str) -> None:
    try:
        save_reading(home(), reading, file_name=name, through="page")
    except Exception as error:
        log.error("A reading was not recorded", exc_info=error)
        st.toast(explain(error), icon=":material/error:", duration="long")
    else:
        st.toast("Recorded.", icon=":material/check:")
