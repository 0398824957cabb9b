"""The button on Predict that records a reading: model, image, probabilities, and the warnings shown with them."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from core.statements import save_reading
from pages.components.data import home
from pages.components.guard import explain, log
from pages.components.models import Model


def record_button(model: Model, name: str, content: bytes, result: Any, flags: dict[str, Any]) -> None:
    """`content` is the image file's, `result` its Prediction, `flags` what was said beside it."""
    fact = {
        "model_trial_id": None if model.fused else model.model_id, "file_name": name,
        "image_sha256": hashlib.sha256(content).hexdigest(), "classes": list(result.classes),
        "probabilities": [float(one) for one in result.probabilities],
        "flags": flags | ({"fusion": model.model_id} if model.fused else {}),
    }  # fmt: skip
    st.button(
        "Record this reading", icon=":material/history_edu:", key="record_reading", on_click=_record, args=(fact,),
        help="Keeps model, image hash, probabilities and warnings in the store's table of readings; not the image.",
    )  # fmt: skip


def _record(fact: dict[str, Any]) -> None:
    try:
        save_reading(home(), **fact)
    except Exception as error:
        log.error("A reading was not recorded", exc_info=error)
        st.toast(explain(error), icon=":material/error:", duration="long")
    else:
        st.toast("Recorded.", icon=":material/check:")
