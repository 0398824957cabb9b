"""The way from a model that is not calibrated to one that is: a background job, and its command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.jobs import command_line
from pages.components.data import read
from pages.components.jobs import begin, progress, standing
from pages.components.notes import plain

if TYPE_CHECKING:
    from core.prediction.reader import Reader


def calibration(reader: Reader) -> None:
    """Nothing for a calibrated model; else that it is not, and how it can be."""
    from core.prediction.fitting import KIND, arguments

    model = reader.entry
    status, _ = standing(KIND, model.model_id)
    if reader.calibration is not None and status != "RUNNING":
        return
    if status == "RUNNING":
        st.caption("The model is being calibrated; its readings change when it is done.")
        progress(KIND, model.model_id)
        return
    counts = read("dataset_counts", model.dataset_id)
    possible = int(counts.loc[counts["split"] == "calibration", "count"].sum())
    with st.container(border=True, key="not_calibrated"):
        st.markdown(f"**Not calibrated.** {plain(reader.why)}")
        if not possible:
            st.caption(
                "The data of this model have no calibration images (the published preset makes none), so no probability"
                " of it can be vouched for. A search with the preset 'own' keeps a calibration split."
            )
            return
        st.caption(
            f"{possible:,} calibration images, which neither training nor the search has used, give temperature, "
            "prediction sets and the watch on blasts; training images give the limits of the checks and the reference "
            "cells."
        )
        if status not in (None, "COMPLETE"):
            progress(KIND, model.model_id)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Calibrate this model", icon=":material/tune:", key="calibrate", on_click=_begin,
                args=(KIND, model.model_id, arguments(model.model_id)),
                help="Runs in the background; it can be cancelled, and goes on where it was.",
            )  # fmt: skip
            st.code(command_line(arguments(model.model_id)), language="bash", wrap_lines=True)


def _begin(kind: str, model_id: str, arguments: Sequence[str]) -> None:
    begin(kind, model_id, arguments)
