"""A loaded model, and what it says of the image that is shown: read once, kept for the session's next clicks."""

from __future__ import annotations

import hashlib
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.data import home
from pages.components.models import Model
from pages.components.predict_choice import Chosen
from pages.components.predict_image import ImageFile
from pages.components.predict_view import fitted

if TYPE_CHECKING:
    from core.prediction.explain import Explanation
    from core.prediction.reader import Reader, Seen

_KEPT, _WHY, _WARM = "predict_seen", "predict_why", "predict_warm"


@dataclass(frozen=True)
class _Kept:
    """The session's last image. The model is only pointed at: how many are in memory is not for sessions to say."""

    sha256: str
    point_id: str | None
    reader: weakref.ref[Any]
    seen: Seen

    def answers(self, sha256: str, point_id: str | None, reader: Reader) -> bool:
        return (self.sha256, self.point_id, self.reader()) == (sha256, point_id, reader)


def reader_of(model: Model) -> Reader:
    """The model, ready to read; progress shows while it is loaded. Raises ModelError."""
    from core.prediction import readers  # what it loads brings torch

    warm = st.session_state.setdefault(_WARM, set())
    if model.model_id in warm:
        return readers.reader_of(home(), model.model_id)
    place = st.empty()
    with place.status(f"Loading the model {model.name}; the first time takes a few seconds.", expanded=False):
        found = readers.reader_of(home(), model.model_id)
    place.empty()
    warm.add(model.model_id)
    return found


def seen_by(reader: Reader, image: ImageFile, chosen: Chosen | None) -> Seen:
    """The reading with what it rests on, its image shrunk to what is shown. Raises IntakeError."""
    sha256, point_id = hashlib.sha256(image.content).hexdigest(), None if chosen is None else chosen.point.point_id
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, _Kept) and kept.answers(sha256, point_id, reader):
        return kept.seen
    place = st.empty()
    with place.status("Reading the image.", expanded=False):
        seen = reader.see(image.content, name=image.name, point=None if chosen is None else chosen.point)
    place.empty()
    seen = replace(seen, rgb=fitted(seen.rgb))
    st.session_state[_KEPT] = _Kept(sha256, point_id, weakref.ref(reader), seen)
    return seen


def explanation_of(reader: Reader, seen: Seen) -> Explanation:
    """Where the model looked, found once for an image that is read."""
    from core.prediction.explain import explain

    kept = st.session_state.get(_WHY)
    if kept is None or kept[0] is not seen:
        with st.spinner("Finding where the network looked."):
            kept = st.session_state[_WHY] = (seen, explain(reader, seen))
    found: Explanation = kept[1]
    return found
