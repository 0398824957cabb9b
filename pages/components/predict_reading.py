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

_KEPT, _WHY = "predict_seen", "predict_why"


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
    """The model, ready to read; while it is loaded, for the first time or anew, that shows. Raises ModelError."""
    from core.prediction import readers  # what it loads brings torch

    with st.spinner(f"Loading the model ({model.name}); the first time takes some seconds.", show_time=True):
        return readers.reader_of(home(), model.model_id)


def seen_by(reader: Reader, image: ImageFile, chosen: Chosen | None) -> Seen:
    """The reading with what it rests on, its image shrunk to what is shown. Raises IntakeError."""
    sha256, point_id = hashlib.sha256(image.content).hexdigest(), None if chosen is None else chosen.point.point_id
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, _Kept) and kept.answers(sha256, point_id, reader):
        return kept.seen
    with st.spinner("Reading the image.", show_time=True):
        seen = reader.see(image.content, name=image.name, point=None if chosen is None else chosen.point)
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
