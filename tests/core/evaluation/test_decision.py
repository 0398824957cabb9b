"""Thresholds and costs: hand-computed decisions, goals that are reached, curves that agree with the decisions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.decision import (
    STEP,
    Costs,
    DecisionError,
    Rule,
    Thresholds,
    as_record,
    crossing,
    decide,
    decision_matrix,
    equal_costs,
    equal_thresholds,
    from_record,
    sweep,
    threshold_for_sensitivity,
    threshold_for_specificity,
)

P = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.34, 0.33, 0.33], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize(
    ("rule", "decided"),
    [
        (Thresholds((0.3, 0.3, 0.3)), [0, 1, 0, 2]),  # the highest probability, all above their threshold
        (Thresholds((0.5, 0.6, 0.1)), [2, 2, 2, 2]),  # ratios of the first: 1, 0.5, 2
        (Thresholds((0.6, 0.6, 0.6)), [3, 3, 3, 2]),  # three reach none and are referred
        (Thresholds((0.6, 0.6, 0.6), refer=False), [0, 1, 0, 2]),
        (Thresholds((0.5, 0.3, 0.9)), [0, 1, 1, 3]),  # first: 1 and 1 tie, the first class wins
        (equal_costs(3), [0, 1, 0, 2]),
        (Costs(((0, 1, 1, 0.75), (1, 0, 1, 0.75), (9, 9, 0, 0.75))), [3, 2, 2, 2]),  # first: 2.1, 2.3, 0.8, 0.75
    ],
)
def test_decisions_by_hand(rule: Rule, decided: list[int]) -> None:
    assert decide(rule, P).tolist() == decided


def test_a_cheap_referral_is_taken_where_all_else_is_dearer() -> None:
    rule = Costs(((0, 1, 1, 0.4), (1, 0, 1, 0.4), (1, 1, 0, 0.4)))  # Chow: refer where 1 - max p > 0.4
    assert decide(rule, P).tolist() == [3, 3, 3, 2]


def test_the_matrix_of_decisions_counts_referrals_last() -> None:
    matrix = decision_matrix([0, 0, 1, 2], [0, 3, 3, 1], 3)
    assert matrix.tolist() == [[1, 0, 0, 1], [0, 0, 0, 1], [0, 1, 0, 0]]


@pytest.mark.parametrize("n_classes", range(2, 12))
def test_equal_rules_decide_as_the_highest_probability(n_classes: int) -> None:
    p = np.random.default_rng(n_classes).dirichlet(np.full(n_classes, 0.7), 300).astype(np.float32)
    p = np.concatenate([p, np.full((1, n_classes), 1 / n_classes, np.float32)])
    for rule in (equal_thresholds(n_classes), equal_costs(n_classes)):
        assert decide(rule, p)[:-1].tolist() == p[:-1].argmax(axis=1).tolist()
    assert decide(equal_thresholds(n_classes), p)[-1] < n_classes  # never refers


@st.composite
def judged(draw: st.DrawFn) -> tuple[Thresholds, np.ndarray, np.ndarray, int]:
    n_classes, n = draw(st.integers(2, 5)), draw(st.integers(4, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.05, 0.5, 2.0]))), n).astype(np.float32)
    if draw(st.booleans()):
        p = np.round(p, 2)  # ties
    true = np.r_[np.arange(2), rng.integers(0, n_classes, n - 2)]
    values = tuple(float(value) for value in np.round(rng.uniform(STEP, 1, n_classes), 4))
    return Thresholds(values, refer=draw(st.booleans())), true, p, draw(st.integers(0, n_classes - 1))


@settings(max_examples=150, deadline=None)
@given(judged(), st.floats(STEP, 1))
def test_a_class_is_decided_up_to_its_crossing(case: tuple, threshold: float) -> None:
    rule, _, p, index = case
    at = crossing(rule, p, index)
    moved = Thresholds((*rule.values[:index], threshold, *rule.values[index + 1 :]), rule.refer)
    called = decide(moved, p) == index
    clear = ~np.isclose(at, threshold, rtol=1e-9)  # at the crossing itself rounding and the order of classes decide
    assert (called == (threshold <= at))[clear].all()


@settings(max_examples=150, deadline=None)
@given(judged(), st.floats(0, 1, exclude_min=True))
def test_goals_are_reached_and_not_overshot(case: tuple, goal: float) -> None:
    rule, true, p, index = case
    positive = true == index
    for find, mask, sign in (
        (threshold_for_sensitivity, positive, 1), (threshold_for_specificity, ~positive, -1),
    ):  # fmt: skip
        try:
            found = find(rule, true, p, index, goal)
        except DecisionError:
            if not mask.any():
                continue
            edge = STEP if sign > 0 else 1.0  # not even at the end of the scale
            found = Thresholds((*rule.values[:index], edge, *rule.values[index + 1 :]), rule.refer)
            assert _share(found, p, index, mask, sign) < goal
            continue
        assert found.values[:index] + found.values[index + 1 :] == rule.values[:index] + rule.values[index + 1 :]
        assert _share(found, p, index, mask, sign) >= goal - 1e-9
        beyond = found.values[index] + sign * 2.5 * STEP  # rounding may cost a step
        if 0 < beyond <= 1:
            moved = Thresholds((*rule.values[:index], beyond, *rule.values[index + 1 :]), rule.refer)
            assert _share(moved, p, index, mask, sign) < goal


def _share(rule: Thresholds, p: np.ndarray, index: int, mask: np.ndarray, sign: int) -> float:
    called = decide(rule, p)[mask] == index
    return float(np.mean(called if sign > 0 else ~called))


def test_goals_without_images_or_out_of_reach_are_told() -> None:
    rule = Thresholds((0.5, 0.5))
    p = np.array([[1.0, 0.0], [1.0, 0.0]])
    with pytest.raises(DecisionError, match="no image of this class"):
        threshold_for_sensitivity(rule, [0, 0], p, 1, 0.9)
    with pytest.raises(DecisionError, match="no image of another class"):
        threshold_for_specificity(rule, [0, 0], p, 0, 0.9)
    with pytest.raises(DecisionError, match=r"No threshold of 0.0001 or more reaches a sensitivity of 1"):
        threshold_for_sensitivity(rule, [0, 1], p, 1, 1.0)
    with pytest.raises(DecisionError, match="No threshold up to 1"):
        threshold_for_specificity(rule, [0, 1], p, 0, 1.0)


@settings(max_examples=100, deadline=None)
@given(judged())
def test_the_curves_are_what_the_decisions_give(case: tuple) -> None:
    rule, true, p, index = case
    n_classes = len(rule.values)
    counts = np.bincount(true, minlength=n_classes)
    curves = sweep(rule, true, p, index, counts / counts.sum())
    middles = np.r_[curves.thresholds[0] / 2, (curves.thresholds[1:] + curves.thresholds[:-1]) / 2]
    for position, threshold in enumerate(middles):  # a rate holds up to its threshold
        if threshold < STEP / 2 or np.isclose(crossing(rule, p, index), threshold, rtol=1e-9).any():
            continue
        if position == 0 and (crossing(rule, p, index) < STEP).any():
            continue  # what never reaches the scale is drawn at its lower end
        moved = Thresholds((*rule.values[:index], float(threshold), *rule.values[index + 1 :]), rule.refer)
        matrix = decision_matrix(true, decide(moved, p), n_classes)
        tp, called = matrix[index, index], matrix[:, index].sum()
        if counts[index]:
            assert curves.sensitivity[position] == pytest.approx(tp / counts[index])
        if len(true) > counts[index]:
            assert curves.specificity[position] == pytest.approx(1 - (called - tp) / (len(true) - counts[index]))
        if called and counts[index]:
            assert curves.ppv[position] == pytest.approx(tp / called)


def test_a_long_curve_is_thinned() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet([1, 1, 1], 5000)
    curves = sweep(equal_thresholds(3), rng.integers(0, 3, 5000), p, 0, [0.2, 0.3, 0.5], most=100)
    assert len(curves.thresholds) <= 100
    assert (np.diff(curves.sensitivity) <= 0).all()
    assert (np.diff(curves.specificity) >= 0).all()


@pytest.mark.parametrize("rule", [Thresholds((0.2, 0.05, 1.0)), Thresholds((0.5,) * 3, refer=False), equal_costs(3)])
def test_a_rule_comes_back_from_its_record(rule: Rule) -> None:
    assert from_record(json.loads(json.dumps(as_record(rule))), 3) == rule


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"kind": "x"}, "not known to this version"),
        ({}, "cannot be read"),
        ({"kind": "thresholds", "thresholds": "a"}, "cannot be read"),
        ({"kind": "thresholds", "thresholds": None}, "cannot be read"),
        ({"kind": "thresholds", "thresholds": [0.5, 0.5]}, "made for 2 classes, the model has 3"),
        ({"kind": "thresholds", "thresholds": [0.5, 0.5, 0]}, "above 0 and is at most 1; got 0"),
        ({"kind": "costs", "costs": [[0, 1], [1, 0]]}, "has 3 columns"),
        ({"kind": "costs", "costs": [[0, 1, -1], [1, 0, 1]]}, "at least 0"),
    ],
)
def test_a_record_that_is_no_rule_is_refused(record: dict, said: str) -> None:
    with pytest.raises(DecisionError, match=said):
        from_record(record, 3)


def test_probabilities_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(DecisionError, match="made for 2 classes"):
        decide(Thresholds((0.5, 0.5)), P)
