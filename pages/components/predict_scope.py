"""Whether the image on Predict is like those that its model was trained on, said before the probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.scope import ALPHA, ScopeError
from core.evaluation.scope_file import FACTS, Scope, load_scope
from core.paths import trial_folder
from pages.components.data import home
from pages.components.models import Model

NO_CHECK = "No out-of-scope check has been made for this model, so nothing says whether the image is one of its kind."


def scope_check(model: Model, predictor: Any, image: np.ndarray) -> dict[str, Any]:
    """Draw what the check says of an image (H, W, 3); what a reading records of it under `flags`."""
    try:
        scope = None if model.fused else _scope(model.trial_ids[0])
        if scope is None:
            why = "It is made for single trials, not for a fusion." if model.fused else "The page Evaluate makes it."
            st.caption(f"{NO_CHECK} {why}")
            return {"out_of_scope": None}
        from core.prediction.scoped import read_scope  # beside the predictor, which has brought torch

        found = read_scope(predictor, scope, image)
    except ScopeError as error:
        st.caption(f"{NO_CHECK} {error}")
        return {"out_of_scope": None}
    if found.flagged(ALPHA):
        st.warning(
            f"This image looks unlike the cells that the model was trained on (p = {found.p:.3f}). Its probabilities "
            "may mean nothing.", icon=":material/radar:",
        )  # fmt: skip
    else:
        least = "" if found.can_flag(ALPHA) else f" So few calibration images ({found.n}) cannot flag any image."
        st.caption(
            f"Out-of-scope check: p = {found.p:.3f}, not flagged (at most {ALPHA:g} would be). It may still show none "
            f"of the classes.{least}"
        )
    return {"out_of_scope": found.flags(ALPHA)}


def _scope(trial_id: str) -> Scope | None:
    """The fitted score of a trial; None where there is none. Raises ScopeError when it cannot be used."""
    file = trial_folder(home(), trial_id) / FACTS
    return _loaded(str(file.parent), file.stat().st_mtime_ns) if file.is_file() else None


@st.cache_resource(max_entries=2, show_spinner=False)
def _loaded(folder: str, written: int) -> Scope | None:
    """Kept for the next images, until it is written anew (`written`)."""
    return load_scope(Path(folder))
