"""Measuring a trial's robustness from the page: how many images, how long it will take, run, go on, cancel."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluation.robustness import KIND
from core.evaluation.robustness_summary import Matrices
from core.evaluation.shifts import SEVERITIES, SHIFTS
from core.jobs import command_line
from core.paths import trial_folder
from pages.components.data import home, read
from pages.components.evaluate_view import SPLIT_WORDS, View
from pages.components.jobs import begin, progress, standing
from pages.components.robustness_tables import left, seconds_an_image
from pages.components.words import span

PER_CLASS = "robust_n"  # in the address
ALL = "All"
CONDITIONS = 1 + len(SHIFTS) * len(SEVERITIES)


def measuring(view: View, rows: pd.DataFrame, matrices: Matrices) -> None:
    """The job's progress while it runs, else what can be started; `rows` and `matrices` are what is known."""
    status, _ = standing(KIND, view.trial_id)
    if status not in (None, "COMPLETE"):  # of a finished one the figures speak
        progress(KIND, view.trial_id)
    if status == "RUNNING":
        return
    if not (trial_folder(home(), view.trial_id) / "weights.json").exists():
        st.info("The weights of this trial are not here, so it cannot be judged on other images.",
                icon=":material/info:")  # fmt: skip
        return
    split, counts = _images(view)
    if not sum(counts):
        st.info("The data have no test and no validation image, so there is nothing to judge on.",
                icon=":material/info:")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.segmented_control(
            "Images a class", ["10", "25", "50", ALL], default=ALL, required=True, key=PER_CLASS, bind="query-params",
            help=f"Always the same ones. {SPLIT_WORDS[split].capitalize()} has {min(counts):,} to {max(counts):,}.",
        ) or ALL  # fmt: skip
        support = counts if picked == ALL else [min(count, int(picked)) for count in counts]
        missing = left(matrices, support)
        arguments = ["robustness", view.trial_id, *([] if picked == ALL else ["--per-class", picked])]
        st.button(
            "Go on" if matrices and missing else "Measure", key="robust_run", type="primary",
            icon=":material/play_arrow:", disabled=not missing, on_click=_start, args=(view.trial_id, arguments),
            help="Runs in the background; it can be cancelled, and goes on where it was.",
        )  # fmt: skip
    st.caption(_plan(view, rows, missing, sum(support)))
    st.code(command_line(arguments), language="bash", wrap_lines=True)


def _images(view: View) -> tuple[str, list[int]]:
    """The split that is judged, and its images of each class."""
    found = read("dataset_counts", view.search["dataset_id"])
    for split in ("test", "val"):
        own = found[found["split"] == split].set_index("class")["count"]
        if own.sum():
            return split, [int(own.get(name, 0)) for name in view.names]
    return "test", [0] * len(view.names)


def _plan(view: View, rows: pd.DataFrame, missing: int, images: int) -> str:
    """What starting it means."""
    if not missing:
        return f"All {CONDITIONS} conditions are measured on at least so many images."
    epochs = read("epochs", [view.trial_id], ["train"])["images_per_second"].dropna()
    each, how = seconds_an_image(rows, float(epochs.median()) if len(epochs) else None)
    words = f"{missing} of {CONDITIONS} conditions to measure, {images:,} images each"
    if each is None:
        return f"{words}; how long it takes is told once the first is done."
    return f"{words}: about {span(each * images * missing)} when nothing else runs ({how})."


def _start(trial_id: str, arguments: list[str]) -> None:
    begin(KIND, trial_id, arguments)
