"""Fitting a trial's out-of-scope score from the page, and judging it by an imported data set or by a folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.external import ExternalError, described
from core.data.outside import OutsideError, outside_of
from core.evaluation.scoping import KIND, arguments
from core.jobs import command_line
from core.paths import dataset_file, trial_folder
from pages.components.data import home, read
from pages.components.evaluate_view import View
from pages.components.jobs import begin, progress, standing


def scoping(view: View, *, fitted: bool, known: set[str]) -> None:
    """The job's progress while it runs, else what can be started; `known` are the sets that have been read."""
    status, _ = standing(KIND, view.trial_id)
    if status not in (None, "COMPLETE"):  # of a finished one the figures speak
        progress(KIND, view.trial_id)
    if status == "RUNNING":
        return
    if why := _impossible(view):
        st.info(why, icon=":material/info:")
        return
    if not fitted:
        st.info("No score has been fitted for this trial yet, so nothing tells its images from others.",
                icon=":material/radar:")  # fmt: skip
    _start(view, fitted, known)


def _impossible(view: View) -> str | None:
    """Why no score can be fitted."""
    if view.trial["status"] != "COMPLETE":
        return "This trial has not finished its training; its score can be fitted once it has."
    counts = read("dataset_counts", view.search["dataset_id"])
    if not counts.loc[counts["split"] == "calibration", "count"].sum():
        return (
            "The data of this search have no calibration images (the published preset makes none), so no p-value can "
            "be told. A search with the preset 'own' keeps a calibration split."
        )
    if not (trial_folder(home(), view.trial_id) / "weights.json").exists():
        return "The weights of this trial are not here, so it cannot read images."
    return None


def _start(view: View, fitted: bool, known: set[str]) -> None:
    dataset_id = str(view.search["dataset_id"])
    datasets = read("datasets")
    others = datasets[~datasets["dataset_id"].isin([*known, dataset_id]) & datasets["root"].notna()]
    names = {
        str(row["dataset_id"]): f"{row['name']} ({int(row['images']):,} images, {row['dataset_id']})"
        for row in others.to_dict("records")
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox(
            "Images that show none of the classes", list(names), format_func=names.__getitem__, index=None,
            key=f"scope_new_{len(names)}_{view.trial_id}", placeholder="Pick an imported dataset", width=420,
            help="They judge the score and are used for nothing else; no threshold is chosen by them.",
        )  # fmt: skip
        folder = str(st.text_input(
            "Or a folder, zip or .npz that is not imported yet", key=f"scope_folder_{view.trial_id}",
            placeholder="/data/other-cells", width=320, disabled=picked is not None,
            help="On this machine; a folder has one sub-folder a class, of any number of classes.",
        ) or "").strip()  # fmt: skip
        outside = picked or (str(Path(folder).expanduser().absolute()) if folder else None)
        refused = None if picked is None else _refused(dataset_id, picked)
        st.button(
            "Judge the score" if outside else "Fit the score", key="scope_run", type="primary",
            icon=":material/play_arrow:", disabled=bool(refused) or (fitted and outside is None),
            on_click=_begin, args=(view.trial_id, outside),
            help="Runs in the background; it can be cancelled, and goes on where it was.",
        )  # fmt: skip
    if refused:
        st.warning(refused, icon=":material/block:")
    st.code(command_line(arguments(view.trial_id, outside)), language="bash", wrap_lines=True)


def _refused(dataset_id: str, picked: str) -> str | None:
    """Why a data set cannot stand for what is out of scope; what counts of it is said where it can."""
    if not dataset_file(home(), dataset_id).is_file():
        return "The images of this search's data are not described here, so they cannot be compared."
    try:
        st.caption(outside_of(described(home(), dataset_id), described(home(), picked)).sentence())
    except (OutsideError, ExternalError) as error:
        return str(error)
    return None


def _begin(trial_id: str, outside: str | None) -> None:
    begin(KIND, trial_id, arguments(trial_id, outside))
