"""Images of a search's own data, to try its model on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.charts.wording import missing
from pages.components.data import read, record


@dataclass(frozen=True)
class Sample:
    """One image file of the test split."""

    path: Path
    name: str
    true_class: str


def sample_choice(dataset_id: Any) -> Sample | None:
    """A box with a few images of the test split and a button for others; None where the data are not at hand."""
    dataset = None if missing(dataset_id) else record("dataset", dataset_id)
    if dataset is None or missing(dataset["root"]):
        return None
    images = read("images", dataset_id, "ok")
    images = images[images["split"] == "test"]
    root = Path(str(dataset["root"]))
    if images.empty or not root.is_dir():
        return None
    draw = st.session_state.setdefault("sample_draw", 0)
    chosen = random.Random(draw).sample(range(len(images)), min(12, len(images)))
    rows = [images.iloc[index] for index in sorted(chosen)]
    samples = [Sample(root / str(row["path"]), str(row["path"]), str(row["class"])) for row in rows]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox("Image of the test split", samples, format_func=lambda sample: sample.name, key="sample")
        st.button("Others", icon=":material/shuffle:", on_click=_draw_again, key="sample_others")
    return picked


def _draw_again() -> None:
    st.session_state["sample_draw"] += 1
