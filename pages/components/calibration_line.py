"""One line at the head of a page that reads many images, where nothing vouches for the model's probabilities."""

from __future__ import annotations

import streamlit as st

from pages.components.data import home
from pages.components.models import Model


def calibration_line(calibrated: bool) -> None:
    """Nothing for a calibrated model; else what it lacks, and where it is calibrated."""
    if not calibrated:
        st.warning("This model is not calibrated: nothing says how sure its decisions are, and it has no watch on "
                   "blasts. The page Predict says how it is calibrated.", icon=":material/tune:")  # fmt: skip


def was_calibrated(model: Model) -> bool:
    """Whether a calibration lies beside it, without loading it; whether it can be used each reading says."""
    from core.prediction.calibration import calibration_file
    from core.prediction.models import model_folder

    folder = model_folder(home(), model.model_id)
    return any(calibration_file(folder, runtime).is_file() for runtime in ("torch", "onnx"))
