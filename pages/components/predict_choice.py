"""What Predict decides by: one of the model's saved operating points, or the prediction set."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.evaluation.decision import DecisionError
from core.prediction.reader import Point
from pages.components.data import read
from pages.components.models import Model
from pages.components.notes import plain
from pages.components.whatif_address import put, unique
from pages.components.whatif_decision_parts import rule_of
from pages.components.whatif_decision_tables import in_words

POINT = "point"  # in the address
NO_POINT = "prediction set"
INSTEAD = "The prediction set decides."


@dataclass(frozen=True)
class Chosen:
    """A saved operating point, ready to decide; `words` says how."""

    point: Point
    words: str


def point_choice(model: Model) -> Chosen | None:
    """A box to choose one of the model's operating points; None: the prediction set decides."""
    rows = {str(row["operating_point_id"]): row for row in read("operating_points", model.model_id).to_dict("records")}
    asked = st.query_params.get(POINT, "")
    if asked and asked not in rows:
        st.warning(f"The operating point in this link is not one of this model's. {INSTEAD}")
        put(**{POINT: None})
        asked = ""
    names = unique({"": NO_POINT} | {one: str(row["name"]) for one, row in rows.items()})
    key = f"point_box_{model.model_id}_{asked}_{names[asked]}"  # named after what it shows, as in choose.py
    st.selectbox(
        "Decide by", list(names), index=list(names).index(asked), format_func=names.__getitem__, key=key,
        on_change=_changed, args=(key,),
        help="The prediction set holds the classes that cannot be excluded. Operating points are saved on the page "
        "What-if: the decision.",
    )  # fmt: skip
    if not asked:
        return None
    try:
        rule = rule_of(rows[asked], len(model.classes))
        if [str(name) for name in rows[asked]["classes"]] != list(model.classes):
            raise DecisionError("This operating point was made for other classes than the model's.")
    except DecisionError as error:
        st.warning(plain(f"{error} {INSTEAD}"))
        return None
    return Chosen(Point(str(rows[asked]["name"]), rule, asked), in_words(rule, model.classes))


def fusion_words(model: Model) -> str:
    """Who answers in a fusion, and what its numbers are."""
    members = ", ".join(f"{one} {weight:.3g}" for one, weight in zip(model.trial_ids, model.weights, strict=True))
    vote = " The numbers are shares of their votes, not probabilities." if model.rule == "vote" else ""
    return f"{model.rule.capitalize()} of {len(model.trial_ids)} trials, with their weights: {members}.{vote}"


def _changed(key: str) -> None:
    put(**{POINT: st.session_state[key] or None})
