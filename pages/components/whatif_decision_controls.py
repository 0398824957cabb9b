"""The controls of an operating point: thresholds or costs, the prevalence, a goal for one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluation.decision import (
    REFER,
    STEP,
    Costs,
    DecisionError,
    Rule,
    Thresholds,
    equal_costs,
    equal_thresholds,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from core.evaluation.fusion import Outputs
from core.evaluation.prevalence import shares_of
from pages.components.whatif_address import anew, compact, held, key_of, numbers, precise, put
from pages.components.whatif_decision_tables import Shares

RULE, THRESHOLDS, REFERRAL, COSTS, CELLS = "rule", "t", "refer", "c", "cells"
KINDS = {"thresholds": "A threshold for each class", "costs": "One cost matrix"}
GOALS = {"sensitivity": "Sensitivity at least", "specificity": "Specificity at least"}
ROUND = 200  # cells of a common differential count


def rule_of_address(n_classes: int) -> Rule:
    """The rule that the address says; what it cannot mean for so many classes is told and left out."""
    costs = st.query_params.get(RULE) == "costs"
    name, count = (COSTS, n_classes * (n_classes + 1)) if costs else (THRESHOLDS, n_classes)
    found = numbers(st.query_params.get(name), count)
    try:
        if found is not None and costs:
            return Costs(tuple(found[at : at + n_classes + 1] for at in range(0, count, n_classes + 1)))
        if found is not None and min(found) >= STEP:  # a slider holds no less
            return Thresholds(found, refer=st.query_params.get(REFERRAL) != "0")
    except DecisionError:
        pass
    if name in st.query_params:
        st.warning(f"The {'costs' if costs else 'thresholds'} in this link do not fit {n_classes} classes; left out.")
        put(**{name: None})
    return equal_costs(n_classes) if costs else replace(equal_thresholds(n_classes), refer=_refers())


def write_rule(rule: Rule) -> None:
    """Put a rule into the address and draw the controls anew."""
    if isinstance(rule, Costs):
        put(**{RULE: "costs", COSTS: compact(cost for row in rule.matrix for cost in row)})
    else:
        plain = rule.values == equal_thresholds(len(rule.values)).values
        put(**{
            RULE: None, THRESHOLDS: None if plain else compact(rule.values), REFERRAL: None if rule.refer else "0"
        })  # fmt: skip
    anew()


def write_cells(cells: Sequence[float] | None) -> None:
    """Put a prevalence, as cells of each class, into the address and draw the controls anew."""
    put(**{CELLS: None if cells is None else precise(cells)})
    anew()


def rule_controls(classes: Sequence[str]) -> Rule:
    """Choose and set the rule; returns it."""
    rule = rule_of_address(len(classes))
    kind = "costs" if isinstance(rule, Costs) else "thresholds"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Decide by", list(KINDS), format_func=KINDS.__getitem__, required=True, key=held("rule_kind", kind),
            on_change=_kind_changed,
        )  # fmt: skip
        st.button(
            "As the highest probability", icon=":material/restart_alt:", key="rule_reset", on_click=_reset,
            help="Equal thresholds, or a cost of 1 for every error: what the model does without an operating point.",
        )  # fmt: skip
    if isinstance(rule, Costs):
        return _cost_editor(rule, classes)
    grid = st.grid(len(classes), min_column_width=170, key="threshold_grid")
    for index, (name, value) in enumerate(zip(classes, rule.values, strict=True)):
        grid.slider(
            name, STEP, 1.0, step=STEP, format="%.4f", key=held(f"threshold_{index}", value),
            on_change=_thresholds_moved, args=(len(classes),),
        )  # fmt: skip
    st.toggle(
        "Refer an image to an expert when no class reaches its threshold", key=held("threshold_refer", rule.refer),
        on_change=_thresholds_moved, args=(len(classes),),
    )  # fmt: skip
    st.caption(
        "Decided is the class whose probability is the largest multiple of its threshold, and at least its threshold. "
        "A lower threshold finds more of a class and calls more of the others so. The arrow keys move by 0.0001."
    )
    return rule


def prevalence_controls(classes: Sequence[str], counts: Sequence[int], focus: str) -> Shares | None:
    """How frequent the classes are where the model will be used; None: as in the images.

    `counts` are the validation images of each class, `focus` is the class that the quick button makes rare.
    """
    cells = numbers(st.query_params.get(CELLS), len(classes))
    if cells is not None and min(cells) < 0:  # of a link that means nothing
        cells = None
    try:
        shares = None if cells is None else shares_of(cells)
    except ValueError:
        shares = None
    options = {"data": "As in these images", "set": "As I set it"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "How frequent the classes are", list(options), format_func=options.__getitem__, required=True,
            key=held("prevalence_kind", "data" if cells is None else "set"),
            on_change=_prevalence_kind_changed, args=(tuple(counts),),
        )  # fmt: skip
        if cells is not None:
            one_in = st.number_input("One cell in", min_value=2, value=ROUND, step=10, key="one_in", width=130)
            st.button(
                f"is a {focus}", key="rare", on_click=_make_rare,
                args=(tuple(counts), list(classes).index(focus), one_in),
                help="The other classes share the rest as they do in the images.",
            )  # fmt: skip
    if cells is None:
        return None
    grid = st.grid(len(classes), min_column_width=150, key="cells_grid")
    for index, (name, number) in enumerate(zip(classes, cells, strict=True)):
        share = "" if shares is None else f" ({shares[index]:.2%})"
        grid.number_input(
            f"{name}{share}", min_value=0.0, step=1.0, format="%.5g", key=held(f"cells_{index}", number),
            on_change=_cells_changed, args=(len(classes),), help="Cells of this class; only the proportions count.",
        )  # fmt: skip
    if shares is None:
        st.warning("Give at least one class some cells. Until then the prevalence is that of the images.")
    return shares


def goal_controls(rule: Thresholds, outputs: Outputs, classes: Sequence[str], focus: str) -> None:
    """Set the threshold of one class by what it must reach on the validation images."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="goal"):
        kind = st.segmented_control(
            f"Goal for {focus}, on validation", list(GOALS), format_func=GOALS.__getitem__, default="sensitivity",
            required=True, key="goal_kind",
        )  # fmt: skip
        goal = st.number_input(
            "Goal", 0.01, 1.0, 0.95, step=0.01, format="%.3f", key="goal_value", label_visibility="collapsed", width=130
        )
        index = list(classes).index(focus)
        st.button(
            f"Set the threshold of {focus}", icon=":material/target:", key="goal_set", on_click=_set_goal,
            args=(rule, outputs, index, kind or "sensitivity", goal),
            help="The highest threshold that reaches the sensitivity, or the lowest that reaches the specificity, on "
            "the validation images, while the other thresholds stay.",
        )  # fmt: skip
    told = st.session_state.pop("goal_error", None)
    if told:
        st.warning(told, icon=":material/target:")


def _set_goal(rule: Thresholds, outputs: Outputs, index: int, kind: str, goal: float) -> None:
    find = threshold_for_sensitivity if kind == "sensitivity" else threshold_for_specificity
    try:
        write_rule(find(rule, outputs.true, outputs.probabilities, index, goal))
    except DecisionError as error:
        st.session_state["goal_error"] = str(error)


def _cost_editor(rule: Costs, classes: Sequence[str]) -> Costs:
    columns = [*classes, REFER]
    table = pd.DataFrame(rule.matrix, index=pd.Index(classes, name="true class"), columns=columns, dtype=float)
    number = st.column_config.NumberColumn(min_value=0, required=True, format="%g")
    edited = st.data_editor(
        table, key=key_of("cost_editor"), column_config=dict.fromkeys(columns, number), num_rows="fixed",
        alt="Cost matrix: a row a true class, a column a decision, the last one the referral to an expert",
    )  # fmt: skip
    st.caption(
        "Rows are the true classes, columns the decisions. Taken is the decision with the smallest expected cost. A "
        "referral that costs 1, as an error does, is never taken; a cheaper one is where the model is unsure."
    )
    try:
        changed = Costs(tuple(tuple(float(cost) for cost in row) for row in edited.to_numpy(dtype=float)))
    except DecisionError as error:
        st.warning(f"{error} The matrix before this change is used.")
        return rule
    if changed != rule:
        put(**{COSTS: compact(cost for row in changed.matrix for cost in row)})
    return changed


def _refers() -> bool:
    return st.query_params.get(REFERRAL) != "0"


def _kind_changed() -> None:
    put(**{RULE: "costs" if st.session_state[key_of("rule_kind")] == "costs" else None})


def _reset() -> None:
    put(**{THRESHOLDS: None, REFERRAL: None, COSTS: None})
    anew()


def _thresholds_moved(n_classes: int) -> None:
    values = tuple(round(float(st.session_state[key_of(f"threshold_{index}")]), 4) for index in range(n_classes))
    plain = values == equal_thresholds(n_classes).values
    refer = bool(st.session_state[key_of("threshold_refer")])
    put(**{THRESHOLDS: None if plain else compact(values), REFERRAL: None if refer else "0"})


def _prevalence_kind_changed(counts: tuple[int, ...]) -> None:
    put(**{CELLS: precise(counts) if st.session_state[key_of("prevalence_kind")] == "set" else None})


def _cells_changed(n_classes: int) -> None:
    put(**{CELLS: precise(float(st.session_state[key_of(f"cells_{index}")]) for index in range(n_classes))})


def _make_rare(counts: tuple[int, ...], index: int, one_in: int) -> None:
    others = np.array(counts, dtype=float)
    others[index] = 0
    if not others.sum():
        others[:] = 1.0
        others[index] = 0
    cells = others / others.sum() * (one_in - 1)
    cells[index] = 1.0
    write_cells([float(number) for number in cells])
