"""One image under one shift at every severity, so that people see what a 3 means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.dataset import DatasetError
from core.data.intake import to_square
from core.data.preview import unchanged_pixels
from core.evaluation.shifts import SEVERITIES, SHIFTS, Pixels, image_seed, shifted
from pages.charts.wording import missing
from pages.components.data import read, record
from pages.components.evaluate_view import View

SHIFT, CELL, NUMBER = "robust_shift", "robust_cell", "robust_image"  # in the address
USUAL_SIZE = 224  # px, where the trial does not say


def example(view: View) -> None:
    """Choose a shift and a test image; see it at severities 0 to 5, as the model does."""
    st.subheader("What the severities look like", anchor=False)
    dataset_id = view.search["dataset_id"]
    dataset = None if missing(dataset_id) else record("dataset", dataset_id)
    root = None if dataset is None or missing(dataset["root"]) else Path(str(dataset["root"]))
    if root is None or not root.is_dir():
        where = "Their folder is not known." if root is None else f"Their folder {root} is not on this machine."
        st.info(f"The images themselves cannot be shown. {where}", icon=":material/hide_image:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Shift", list(SHIFTS), format_func=lambda name: SHIFTS[name].label, key=SHIFT, bind="query-params",
            width=220,
        )  # fmt: skip
        cell = st.selectbox("Cell", view.names, key=CELL, bind="query-params", width=220)
        images = judged_images(read("images", dataset_id, "ok"), str(cell))
        if images.empty:
            st.info(f"No {cell} among the judged images.", icon=":material/info:")
            return
        number = st.number_input(
            "Image", 1, len(images), key=NUMBER, bind="query-params", width=130,
            help=f"Of {len(images):,}, in the order in which fewer images a class are taken.",
        )  # fmt: skip
    row = {str(key): value for key, value in images.iloc[int(number) - 1].to_dict().items()}
    _strip(root, row, str(name), _size(view.trial))


def judged_images(images: pd.DataFrame, cell: str) -> pd.DataFrame:
    """The images of a class that are judged, in the order of `core.evaluation.robustness.sample`."""
    split = "test" if (images["split"] == "test").any() else "val"
    rows = images[(images["split"] == split) & (images["class"] == cell)]
    return rows.assign(sha256=rows["sha256"].fillna("")).sort_values(["sha256", "image_id"], ignore_index=True)


def _strip(root: Path, row: Mapping[str, Any], name: str, size: int) -> None:
    shift = SHIFTS[name]
    try:
        shown = _severities(str(root), str(row["path"]), str(row["sha256"]), int(row["image_id"]), name, size)
    except DatasetError as error:
        st.info(str(error), icon=":material/hide_image:")
        return
    grid = st.grid(6, min_column_width=105, gap="small")
    for severity, pixels in zip((0, *SEVERITIES), shown, strict=True):
        with grid.cell():
            strength = "unchanged" if not severity else shift.strength(severity)
            st.image(
                pixels, width="stretch", output_format="PNG", alt=f"{shift.label}, severity {severity}: {strength}"
            )
            st.caption(f"**{severity}** {'unchanged' if not severity else f'{shift.strengths[severity - 1]:g}'}")
    st.caption(
        f"{shift.label}: {shift.what}; at severity 3: {shift.strength(3)}. {row['path']}, at the model's {size} px. "
        f"Kind of shift after {shift.source}."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _severities(root: str, path: str, sha256: str, image_id: int, name: str, size: int) -> list[Pixels]:
    """The image (size, size, 3) at severities 0 to 5. Raises DatasetError where its file is gone or another one."""
    square = to_square(unchanged_pixels(Path(root), path, sha256 or None), size)[None]
    seed = image_seed(sha256 or None, image_id)
    return [np.ascontiguousarray(shifted(square, name, severity, [seed])[0]) for severity in (0, *SEVERITIES)]


def _size(trial: Mapping[str, Any]) -> int:
    """Side of the images that the trial was trained on."""
    told = trial.get("settings")
    settings = json.loads(told) if isinstance(told, str) else {}
    return int(settings.get("image_size") or USUAL_SIZE)
