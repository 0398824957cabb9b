"""Suspected label errors of a dataset on the page Data: the check, what it is worth, and the images to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.evaluation.label_check import WORTH, caution, worth
from core.evaluation.label_command import FEATURES, KIND, to_arguments
from core.evaluation.label_features import WEAK, is_weak
from core.jobs import command_line
from core.paths import dataset_file
from pages.charts.wording import missing, share
from pages.components.data import home, read, record
from pages.components.data_labels_gallery import gallery
from pages.components.facts import accuracy_interval
from pages.components.figures import Figure, figure_row
from pages.components.jobs import begin, progress, standing

NAMES = {"both": "Both", "backbone": "Backbone", "simple": "Simple"}
EXPLAINED = (
    "Logistic regression is fitted five times, each time without a fifth of the images, and asked about those; "
    "duplicates stay together. Where it is sure of another class than the label, the label is suspected "
    "(confident learning, by cleanlab). Images of all splits are checked, and nothing is changed."
)
TAKES = "InceptionV3's features take about a minute a thousand images on two cores; simple ones some seconds."


def section(dataset_id: str) -> None:
    """Everything about the labels of one dataset."""
    counts = read("dataset_counts", dataset_id)
    if counts.empty:
        st.info("The images of this dataset are not listed, so their labels cannot be checked.", icon=":material/info:")
        return
    checked = record("label_check", dataset_id)
    st.markdown("Which labels are probably wrong? A suspicion is a reason to look at the image, no proof.",
                anchors=False)  # fmt: skip
    _run(dataset_id, checked)
    if checked is None:
        return
    _worth(dataset_id, checked, int(counts.groupby("class")["count"].sum().max()))
    if not int(checked["suspected"]):
        st.success(f"Nothing is suspected among {int(checked['n']):,} images.", icon=":material/check_circle:")
        return
    gallery(dataset_id)


def _run(dataset_id: str, checked: dict[str, Any] | None) -> None:
    """The controls that run the check, its progress, and the same from a terminal."""
    status, _ = standing(KIND, dataset_id)
    if status != "COMPLETE":  # how many are suspected stands below
        progress(KIND, dataset_id)
    if status == "RUNNING":
        return
    if checked is None and status is None:
        st.info(f"The labels have not been checked yet. {EXPLAINED} {TAKES}", icon=":material/help:")
    problem = _problem(dataset_id)
    if problem:
        st.caption(f":material/folder_off: {problem}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        features = st.segmented_control(
            "Features", list(FEATURES), format_func=NAMES.__getitem__, default=FEATURES[0], required=True,
            key="labels_features", persist_state="session",
            help="Backbone: InceptionV3's averaged last feature map at 128 px. Simple: a 16 x 16 thumbnail and a "
            "colour histogram, which alone make a weak check; they are all there is where no weights are at hand.",
        ) or FEATURES[0]  # fmt: skip
        weights = "auto"
        if features != "simple":
            weights = st.text_input(
                "Weights", "auto", key="labels_weights", persist_state="session", width=260,
                help="auto: those that an earlier search kept here, else the model hub's; or a file on this machine.",
            )  # fmt: skip
        arguments = to_arguments(dataset_id, features, _whole(weights))
        pressed = st.button(
            "Check the labels" if checked is None else "Check again", key="labels_run", icon=":material/play_arrow:",
            type="primary" if checked is None else "secondary", disabled=problem is not None,
        )  # fmt: skip
    when = "" if checked is None else f"Checked {checked['at']:%d %b %Y, %H:%M} UTC. "
    st.caption(f"{when}The same from a terminal: `{command_line(arguments)}`.")
    if pressed and begin(KIND, dataset_id, arguments):
        st.rerun()


def _problem(dataset_id: str) -> str | None:
    """Why the check cannot run here."""
    if not dataset_file(home(), dataset_id).is_file():
        return "This home folder has no description of the dataset, so its labels cannot be checked; import it again."
    root = (record("dataset", dataset_id) or {}).get("root")
    if missing(root) or not Path(str(root)).is_dir():
        return f"The images are not on this machine ({root}), so their labels cannot be checked here."
    return None


def _whole(weights: str | None) -> str:
    """The weights as the background process finds them: it runs in another folder."""
    text = (weights or "").strip() or "auto"
    return text if text in ("auto", "none") else str(Path(text).expanduser().absolute())


def _worth(dataset_id: str, checked: dict[str, Any], largest: int) -> None:
    """How many are suspected, how good the classifier is, and what its suspicions are worth."""
    n, accuracy, suspected = int(checked["n"]), float(checked["accuracy"]), int(checked["suspected"])
    figure_row(
        [
            Figure("Suspected labels", f"{suspected:,}", f"of {n:,} images", "Least believed first, below."),
            Figure("Out-of-fold accuracy", share(accuracy), f"{accuracy_interval(accuracy, n)}, n {n:,}",
                   "How often the classifier agrees with the label of an image that it was not fitted on, with the "
                   "95 % Wilson interval. It is no measure of a trained model."),
        ],
        key="labels_figures",
    )  # fmt: skip
    images = read("image_sources", dataset_id)
    sources = [None if missing(source) else str(source) for source in images["source"]]
    value = worth(round(accuracy * n), n, largest)
    weak = WEAK if is_weak(str(checked["method"])) else None
    warning = caution(images["class"].astype(str).tolist(), sources)
    said = " ".join(sentence for sentence in (value, weak, warning) if sentence)
    if said == WORTH:
        st.caption(said)
    else:
        st.warning(said, icon=":material/priority_high:")
    with st.expander("How it was checked", icon=":material/functions:"):
        st.markdown(f"{EXPLAINED}\n\nThis time: {checked['method']}.", anchors=False)
