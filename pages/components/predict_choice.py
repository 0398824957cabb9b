"""What Predict decides with: a model's weights, and one of its saved operating points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.decision import DecisionError, Rule, decide
from pages.components.data import home, read
from pages.components.models import Model
from pages.components.whatif_address import put, unique
from pages.components.whatif_decision_parts import rule_of
from pages.components.whatif_decision_tables import in_words

POINT = "point"  # in the address
HIGHEST = "highest probability"


@dataclass(frozen=True)
class Point:
    """A saved operating point, ready to decide; `words` says how."""

    name: str
    rule: Rule
    words: str

    def decision(self, probabilities: np.ndarray, classes: Sequence[str]) -> str | None:
        """The decided class of one image's probabilities (C,); None: refer to an expert."""
        decided = int(decide(self.rule, probabilities[None, :])[0])
        return None if decided == len(classes) else classes[decided]


def predictor_of(model: Model) -> Any:
    """Anything that reads an image with the model's weights; its Raises are those of `core.prediction`."""
    return _predictor(str(home()), model.trial_ids, model.weights, model.rule)


@st.cache_resource(max_entries=2, show_spinner="Loading the model: the first time takes a few seconds.")
def _predictor(folder: str, trial_ids: tuple[str, ...], weights: tuple[float, ...], rule: str) -> Any:
    """Kept for the next images."""
    if len(trial_ids) == 1:
        from core.prediction.predictor import load  # brings torch

        return load(home(), trial_ids[0])
    from core.prediction.fused import load_fused

    return load_fused(home(), trial_ids, weights, rule)


def point_choice(model: Model) -> Point | None:
    """A box to choose one of the model's operating points; None: the highest probability decides."""
    rows = {str(row["operating_point_id"]): row for row in read("operating_points", model.model_id).to_dict("records")}
    asked = st.query_params.get(POINT, "")
    if asked and asked not in rows:
        st.warning("The operating point in this link is not one of this model's; the highest probability decides.")
        put(**{POINT: None})
        asked = ""
    names = unique({"": HIGHEST} | {one: str(row["name"]) for one, row in rows.items()})
    key = f"point_box_{model.model_id}_{asked}_{names[asked]}"  # named after what it shows, as in choose.py
    st.selectbox(
        "Decide by", list(names), index=list(names).index(asked), format_func=names.__getitem__, key=key,
        on_change=_changed, args=(key,), help="Operating points are saved on the page What-if: the decision.",
    )  # fmt: skip
    if not asked:
        return None
    try:
        rule = rule_of(rows[asked], len(model.classes))
        if [str(name) for name in rows[asked]["classes"]] != list(model.classes):
            raise DecisionError("This operating point was made for other classes than the model's.")
    except DecisionError as error:
        st.warning(f"{error} The highest probability decides.")
        return None
    return Point(str(rows[asked]["name"]), rule, in_words(rule, model.classes))


def fusion_words(model: Model) -> str:
    """Who answers in a fusion, and what its numbers are."""
    members = ", ".join(f"{one} {weight:.3g}" for one, weight in zip(model.trial_ids, model.weights, strict=True))
    vote = " The numbers are shares of their votes, not probabilities." if model.rule == "vote" else ""
    return f"{model.rule.capitalize()} of {len(model.trial_ids)} trials, with their weights: {members}.{vote}"


def _changed(key: str) -> None:
    put(**{POINT: st.session_state[key] or None})
