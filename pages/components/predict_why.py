"""Where the network looked, over the image, and the training images that it finds nearest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.paths import trial_folder
from core.prediction.reading import Reading, name_of
from core.prediction.references import FACTS, References, ReferencesError, load_references
from pages.charts.wording import missing
from pages.components.data import home, record
from pages.components.guard import guarded
from pages.components.notes import plain
from pages.components.pictures import draw_picture
from pages.components.predict_reading import explanation_of
from pages.components.predict_view import FRAME, view
from pages.components.predict_words import two_classes

if TYPE_CHECKING:
    from core.prediction.explain import Explanation
    from core.prediction.reader import Reader, Seen

LABEL = "Where the network looked; coarse, and no proof."
NEAREST = 4  # reference cells a class
SIDE = 160  # px


def why(reader: Reader, seen: Seen) -> None:
    """The map beside the reference cells."""
    left, right = st.columns([1, 1.6], gap="large")
    with left:
        explanation, first = explanation_of(reader, seen), two_classes(seen.reading)[0]
        st.fragment(guarded(_map))(seen.rgb, explanation, seen.reading.classes, first, seen.reading.image_sha256)
    with right:
        _references(reader, seen)


def _map(rgb: Any, explanation: Explanation, classes: tuple[str, ...], first: str, sha256: str) -> None:
    names = [first, *(name for name in classes if name != first)]
    st.markdown(f"**{LABEL}**")
    place = st.container()
    strength = st.slider("Strength of the map", 0, 100, 65, 5, format="%d %%", key="why_strength", width=FRAME)
    class_ = st.selectbox("What speaks for", names, format_func=name_of, key=f"why_class_{sha256}_{first}", width=FRAME)
    map_ = explanation.maps[classes.index(class_)]
    laid = explanation.over(rgb, classes.index(class_), strength / 100)
    with place:
        view(laid, f"Where the network looked for {name_of(class_)}, as colour over the image")
        st.caption(plain(explanation.words))
    if not (map_ > 0).any():
        st.caption(f"No place of this image speaks for {plain(name_of(class_))}.")


def _references(reader: Reader, seen: Seen) -> None:
    """The nearest training images of the chosen class and of the runner-up, side by side."""
    st.markdown("**Reference cells: the training images nearest in the network's eyes.**")
    by = reader.entry.trial_ids[reader.main]
    try:
        references = _loaded(by)
        if references is None:
            st.caption("This model has no reference cells yet; calibrating it makes them.")
            return
        features = seen.looks[reader.main].features[0]
        nearest = {
            name: references.nearest(features, name, NEAREST) for name in two_classes(seen.reading) if name is not None
        }
    except ReferencesError as error:
        st.caption(plain(str(error)))
        return
    dataset = record("dataset", reader.entry.dataset_id)
    root = None if dataset is None or missing(dataset["root"]) else Path(str(dataset["root"]))
    if root is None or not root.is_dir():
        st.caption("The training images are not on this machine any more, so only their numbers and likeness are told.")
        root = None
    for place, (name, found), said in zip(
        st.columns(len(nearest)), nearest.items(), _said(seen.reading), strict=False
    ):  # fmt: skip
        with place:
            st.markdown(f"{plain(name_of(name).capitalize())} :gray[({said})]")
            _cells(reader.entry.dataset_id, root, name, found)
    fused = f" These are the features of the member {by}." if len(reader.members) > 1 else ""
    st.caption(f"Below each: cosine similarity of the features, at most 1.{fused} The classes are those of the labels.")


def _said(reading: Reading) -> tuple[str, str]:
    if not reading.decision.classes:
        return "most probable", "next"
    return "decided on", "decided on" if len(reading.decision.classes) > 1 else "next"


def _cells(dataset_id: str, root: Path | None, name: str, found: list[tuple[int, float]]) -> None:
    if not found:
        st.caption("No training image of this class.")
    grid = st.grid(2, min_column_width=90, gap="small")
    for image_id, similar in found:
        with grid.container(gap="xsmall"):
            row = None if root is None else record("image_record", dataset_id, image_id)
            if root is not None and row is not None:
                said = f"training image of {name_of(name)}"
                draw_picture(root, str(row["path"]), row["sha256"], SIDE, said, inline=True)
            st.caption(f"{similar:.2f}" if row is not None else f"No. {image_id}: {similar:.2f}")


def _loaded(trial_id: str) -> References | None:
    """Raises ReferencesError for what cannot be used."""
    file = trial_folder(home(), trial_id) / FACTS
    return _cached(str(file.parent), file.stat().st_mtime_ns) if file.is_file() else None


@st.cache_resource(max_entries=2, show_spinner=False)
def _cached(folder: str, written: int) -> References | None:
    """Kept for the next images, until it is written anew (`written`)."""
    return load_references(Path(folder))
