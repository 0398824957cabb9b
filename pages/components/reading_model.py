"""The model that reads, and what it decides by: the head of a page that reads images."""

from __future__ import annotations

import streamlit as st

from pages.components.calibration_line import calibration_line, was_calibrated
from pages.components.choose import search_choice
from pages.components.data import read, record
from pages.components.models import Model, accuracy_of, model_choice
from pages.components.predict_choice import Chosen, fusion_words, point_choice
from pages.components.shortcut_badge import shortcut_line


def model_and_point(*, warn: bool = True) -> tuple[Model, Chosen | None] | None:
    """The boxes to choose both; None where there is no model that can read, which the page then says.

    `warn` draws a line where the model is not calibrated; a page that says so elsewhere leaves it out.
    """
    search_id = search_choice(read("listing"))
    search = None if search_id is None else record("search", search_id)
    if search is None or search["origin"] == "published":
        st.info("The published model's weights are not public. Choose a search of your own, or launch one on the page "
                "Searches.", icon=":material/info:")  # fmt: skip
        return None
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        model = model_choice(search)
    if model is None:
        st.info("This search has no finished model yet.", icon=":material/hourglass_top:")
        return None
    with right:
        chosen = point_choice(model)
    if warn:
        calibration_line(was_calibrated(model))
    shortcut_line(model.dataset_id, *accuracy_of(model))
    if model.fused:
        st.caption(fusion_words(model))
    return model, chosen
