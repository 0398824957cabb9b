"""How good a model of a search is: rates, curves, confusions, calibration and the images behind them."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.charts.wording import missing, point
from pages.components import evaluate_parts
from pages.components.choose import search_choice
from pages.components.data import read, record
from pages.components.evaluate_calibration import calibration
from pages.components.evaluate_choices import choices, evaluated, remark
from pages.components.evaluate_confusion import matrix
from pages.components.evaluate_curves import curves
from pages.components.evaluate_external import other_sources
from pages.components.evaluate_gallery import gallery, one_image
from pages.components.evaluate_robustness import robustness
from pages.components.evaluate_scope import out_of_scope
from pages.components.evaluate_view import SPLIT_WORDS, View, view_of
from pages.components.facts import synthetic, trials_of


def evaluation(view: View) -> None:
    """Everything about one trial on one split after one epoch; only the open tab is computed."""
    evaluate_parts.figures(view)
    if not view.counted:
        st.info(nothing(view), icon=":material/info:")
        return
    for tab, (part, lacking) in zip(st.tabs(list(TABS), key="view", bind="query-params"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                part(view) if view.single_images or not lacking else without_images(view, lacking)
    evaluate_parts.predictions_csv(view)


def confused(view: View) -> None:
    """The matrix and the images of its cells, as far as they are known."""
    if view.pairs.empty:
        without_images(view, "no confusion matrix and no image")
        return
    if view.single_images:
        one_image(view)
    grid = st.grid(2, min_column_width=400, gap="large")
    left, right = grid.cell(), grid.cell()
    true, called = matrix(view, left, right)
    with right:
        if view.single_images:
            gallery(view, true, called)
        else:
            without_images(view, "no image of a cell")


def without_images(view: View, lacking: str) -> None:
    """Why a part cannot be computed."""
    who = "The study prints no probabilities" if view.published else "This epoch has no recorded probabilities"
    st.info(f"{who} of single images, so there is {lacking} to show.", icon=":material/info:")


TABS: dict[str, tuple[Callable[[View], None], str]] = {  # what is drawn, and what there is not without single images
    "Per class": (evaluate_parts.per_class, ""),
    "Curves": (curves, "no ROC and no precision-recall curve"),
    "Confusion and images": (confused, ""),
    "Calibration": (calibration, "no reliability diagram"),
    "Robustness": (robustness, ""),
    "Other sources": (other_sources, ""),
    "Out of scope": (out_of_scope, ""),
}


def nothing(view: View) -> str:
    """Why there is nothing per class."""
    if view.published:
        return "The study prints no per-class results of this trial on this split. Its final model has them, on test."
    if view.split == "test" and view.trial["status"] != "COMPLETE":
        return "This trial has no results on test: they are measured once, after its last epoch."
    return f"This trial has no per-class results on {SPLIT_WORDS[view.split]} yet."


def page(search: dict[str, Any]) -> None:
    """Choose trial, split and epoch; show all of them."""
    trials = trials_of(search)
    known = evaluated(trials)
    default = search["best_trial_id"] if missing(search["model_trial_id"]) else search["model_trial_id"]
    chosen, split, epoch, epochs = choices(known, None if missing(default) else str(default))
    row = known[known["trial_id"] == chosen]
    if row.empty:
        st.info("No trial of this search has finished an epoch yet; its results appear here.",
                icon=":material/hourglass_top:")  # fmt: skip
        return
    trial = {str(name): value for name, value in row.iloc[0].to_dict().items()}
    model = "The search's model. " if chosen == search["model_trial_id"] else ""
    after = f" After epoch {epoch} of {epochs}." if epochs > 1 else ""
    origin = " Synthetic cells: these figures say nothing of medicine." if synthetic(search) else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        remark(split)
        st.caption(f"{model}{point(trial)}.{after}{origin}", width="content")
    evaluate_parts.spread(trials)
    evaluation(view_of(search, trial, split, epoch, epochs))


search_id = search_choice(read("listing"))
found = None if search_id is None else record("search", search_id)
if found is None:
    st.info("There is no search yet. Launch one on the page Searches.", icon=":material/rocket_launch:")
else:
    page(found)
