"""What-if: the decision. Thresholds or costs on a model's probabilities, chosen on validation, test beside it."""

from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.decision import Thresholds
from core.evaluation.fusion import FusionError
from pages.components import whatif_decision_parts as parts
from pages.components.choose import search_choice
from pages.components.data import home, read, record
from pages.components.facts import synthetic
from pages.components.models import Model, model_choice, outputs_of
from pages.components.whatif_decision_controls import goal_controls, prevalence_controls, rule_controls


def decision(search_id: str, model: Model) -> None:
    """The controls, and what they do on both splits."""
    classes = list(model.classes)
    splits = {"validation": outputs_of(model, "val")}
    try:
        splits["test"] = outputs_of(model, "test")
    except FusionError as error:
        st.info(f"Validation alone is shown. {error}", icon=":material/info:")
    counts = np.bincount(splits["validation"].true, minlength=len(classes)).tolist()
    with st.container(border=True):
        rule = rule_controls(classes)
        focus = st.selectbox(
            "Class in focus", classes, index=0, key="class", bind="query-params", width=260,
            help="The class that the goal, the curves and the quick prevalence below are about.",
        )  # fmt: skip
        if isinstance(rule, Thresholds):
            goal_controls(rule, splits["validation"], classes, focus)
        shares = prevalence_controls(classes, counts, focus)
    found = {
        split: parts.judged(rule, outputs, (str(home()), model, split), classes, shares)
        for split, outputs in splits.items()
    }
    grid = st.grid(2, min_column_width=400)
    for split, one in found.items():
        with grid.cell():
            parts.headline(split, one, shares is not None, model.dataset_id)
    if isinstance(rule, Thresholds):
        st.subheader(f"{focus} against its threshold", anchor=False)
        parts.one_class(rule, splits, found, classes, focus, shares)
    st.subheader("Every class", anchor=False)
    parts.per_class(found, classes, model.model_id, shares)
    st.subheader("What is decided as what", anchor=False)
    parts.matrices(found, classes, model.model_id)
    st.subheader("Operating points of this model", anchor=False)
    parts.saved_points(search_id, model, classes)


def chosen(search: dict[str, Any]) -> None:
    """The page for a search of one's own."""
    model = model_choice(search)
    if model is None:
        st.info("This search has no finished trial yet.", icon=":material/hourglass_top:")
        return
    if synthetic(search):
        st.caption("Synthetic cells: these figures say nothing of medicine.")
    try:
        decision(str(search["search_id"]), model)
    except FusionError as error:
        st.error(str(error), icon=":material/error:")


search_id = search_choice(read("listing"))
search = None if search_id is None else record("search", search_id)
if search is None:
    st.info("There is no search yet. Launch one on the page Searches.", icon=":material/rocket_launch:")
elif search["origin"] == "published":
    st.info(
        "The study prints no probabilities of single images, so its decisions cannot be made anew. Choose a search of "
        "your own.",
        icon=":material/info:",
    )
else:
    chosen(search)
