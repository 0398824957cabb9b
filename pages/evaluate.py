"""How good a model of a search is: ROC, confusion matrix, Table 4, for any finished trial, on test or validation."""

from typing import Any

import streamlit as st

from pages.charts.confusion import confusion
from pages.charts.rates import class_rates
from pages.charts.roc import roc
from pages.charts.wording import missing, point
from pages.components import outcome, evaluate_parts
from pages.components.choose import search_choice, trial_choice
from pages.components.data import read, record
from pages.components.drawing import show
from pages.components.facts import classes, synthetic, trials_of

SPLITS = {"test": "Test", "val": "Validation"}


def evaluation(search: dict[str, Any], trial: dict[str, Any], split: str) -> None:
    """Everything about one trial on one split."""
    trial_id = str(trial["trial_id"])
    published = search["origin"] == "published"
    rows = outcome.last_epoch(read("class_epochs", trial_id, split))
    evaluate_parts.figures(search, trial, split, rows)
    if not outcome.counted(rows):
        st.info(
            "The study prints no per-class results of this trial on this split. Its final model has them, on test."
            if published
            else f"This trial has no per-class results on {SPLITS[split].lower()} yet.",
            icon=":material/info:",
        )
        return
    names = classes(search["dataset_id"]) or [str(name) for name in rows["class"]]
    predictions = read("predictions", trial_id, split)
    grid = st.grid(2, min_column_width=400)
    with grid.cell():
        st.subheader("ROC, each class against the rest", anchor=False)
        show(
            roc(outcome.roc_points(predictions, names)), key="roc",
            alt="ROC curve of each class against the rest, with the area under each in the legend",
        )  # fmt: skip
    with grid.cell():
        st.subheader("Confusion matrix", anchor=False)
        show(
            confusion(read("confusion", trial_id, split), names), key="confusion",
            alt="Confusion matrix: rows are true classes, columns what they were called",
        )  # fmt: skip
    st.subheader("Per class", anchor=False)
    evaluate_parts.table4(rows, trial_id, reported_auc=published)
    show(
        class_rates(outcome.rates(rows)), key="rates",
        alt="Recall, precision and specificity of each class with 95 % Wilson intervals",
    )  # fmt: skip
    evaluate_parts.predictions_csv(predictions, names, trial_id)


search_id = search_choice(read("searches"))
search = None if search_id is None else record("search", search_id)
if search is None:
    st.info("There is no search yet. Launch one on the page Searches.", icon=":material/rocket_launch:")
else:
    trials = trials_of(search)
    finished = trials[trials["status"] == "COMPLETE"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        default = search["best_trial_id"] if missing(search["model_trial_id"]) else search["model_trial_id"]
        chosen = trial_choice(finished, default, label="Model of")
        split = st.segmented_control(
            "Images", list(SPLITS), format_func=SPLITS.__getitem__, default="test", required=True, key="split",
            bind="query-params",
        )  # fmt: skip
    row = finished[finished["trial_id"] == chosen]
    if row.empty:
        st.info("No trial of this search has finished yet; its results appear here.", icon=":material/hourglass_top:")
    else:
        trial = {str(name): value for name, value in row.iloc[0].to_dict().items()}
        model = "The search's model. " if chosen == search["model_trial_id"] else ""
        origin = " Synthetic cells: these figures say nothing of medicine." if synthetic(search) else ""
        st.caption(f"{model}{point(trial)}.{origin}")
        evaluate_parts.spread(trials)
        evaluation(search, trial, split or "test")
