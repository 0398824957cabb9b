"""What-if: fusion. Several trials answer together; chosen on validation, shown on test beside it."""

import streamlit as st

from core.evaluation.fusion import FusionError
from pages.components import whatif_fusion_parts as parts
from pages.components.facts import classes
from pages.components.whatif_fusion_choice import (
    Candidates,
    candidates,
    ensemble_controls,
    members_and_weights,
    rule_choice,
)
from pages.components.whatif_fusion_tables import FUSION


def fusion(found: Candidates) -> None:
    """The controls, and what the fusion does on both splits."""
    with st.container(border=True):
        weights = members_and_weights(found)
        rule = rule_choice()
        by_validation = ensemble_controls(found, rule, weights)
    lacking = parts.no_members(weights)
    if lacking:
        st.info(lacking, icon=":material/info:")
    else:
        shown = {member: weight for member, weight in weights.items() if weight > 0}
        scores = parts.judged(shown, rule)
        names = {member: found.labels[member] for member in shown}
        grid = st.grid(2, min_column_width=400)
        for split, of in scores.items():
            with grid.cell():
                parts.headline(split, of[FUSION], found.dataset_id)
        st.subheader("Against its best member", anchor=False)
        parts.against_best(scores, names)
        st.subheader("Beside its members", anchor=False)
        parts.beside_members(scores, names, shown)
        st.subheader("Every class", anchor=False)
        parts.per_class(scores, classes(found.dataset_id))
    st.subheader("Fusions of trials on these data", anchor=False)
    parts.saved_fusions(found, weights, rule, by_validation=by_validation)


found = candidates()
if found is not None:
    if parts.synthetic(found.dataset_id):
        st.caption("Synthetic cells: these figures say nothing of medicine.")
    try:
        fusion(found)
    except FusionError as error:
        st.error(str(error), icon=":material/error:")
