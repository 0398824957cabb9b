"""Rates at another prevalence: Bayes by hand, plain counts at the data's own, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from core.evaluation.decision import decision_matrix
from core.evaluation.metrics import report
from core.evaluation.prevalence import DRAWS, MEASURES, mean_at, rates_at, shares_of


def test_a_rare_class_by_hand():
    # Sensitivity 0.9, specificity 0.95, prevalence 1 in 200: PPV = 0.0045 / (0.0045 + 0.04975).
    found = rates_at([[90, 10], [10, 190]], [0.005, 0.995])
    assert found["ppv"].value[0] == pytest.approx(0.0045 / (0.0045 + 0.04975))
    assert found["npv"].value[0] == pytest.approx(0.94525 / (0.94525 + 0.0005))
    assert found["sensitivity"].value[0] == pytest.approx(0.9)
    assert found["specificity"].value[0] == pytest.approx(0.95)


def test_three_classes_and_referrals_by_hand():
    matrix = [[8, 1, 0, 1], [2, 6, 1, 1], [0, 0, 20, 0]]  # the last column is a referral
    found = rates_at(matrix, [0.1, 0.2, 0.7])
    false = 0.2 * 0.2 + 0.7 * 0
    assert found["ppv"].value[0] == pytest.approx(0.08 / (0.08 + false))
    assert found["specificity"].value[0] == pytest.approx(1 - false / 0.9)
    assert found["npv"].value[0] == pytest.approx((0.9 - false) / (0.9 - false + 0.02))
    assert found["sensitivity"].value.tolist() == pytest.approx([0.8, 0.6, 1.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_datas_own_prevalence_gives_the_plain_counts(rows: list[list[int]]):
    matrix = np.array(rows)
    if not matrix.sum(axis=1).all():
        return
    found = rates_at(matrix, shares_of(matrix.sum(axis=1)))
    plain = report(matrix)
    for name, values in (("sensitivity", plain.recall), ("specificity", plain.specificity), ("ppv", plain.precision)):
        known = np.isfinite(found[name].value)
        assert found[name].value[known] == pytest.approx(values[known])
    assert (np.isfinite(found["ppv"].value) == (matrix.sum(axis=0) > 0)).all()
    for name in MEASURES:
        known = np.isfinite(found[name].value)
        low, high = found[name].interval[known].T
        assert (low <= found[name].value[known]).all()
        assert (found[name].value[known] <= high).all()
        assert (low >= 0).all()
        assert (high <= 1).all()


def test_perfect_counts_still_have_a_width():
    found = rates_at(np.diag([30, 30]), [0.005, 0.995])
    assert found["ppv"].value[0] == 1
    low, high = found["ppv"].interval[0]
    assert high == 1
    assert low < 0.5  # 30 images without an error do not show that one in 200 is called rightly


def test_the_interval_is_that_of_numerical_integration():
    matrix, prevalence = np.array([[40, 10], [6, 94]]), 0.02
    low, high = rates_at(matrix, [prevalence, 1 - prevalence])["ppv"].interval[0]
    grid = (np.arange(4000) + 0.5) / 4000
    sensitivity, false = beta.ppf(grid, 40.5, 10.5), beta.ppf(grid, 6.5, 94.5)
    odds = np.sort((prevalence * sensitivity[:, None] / ((1 - prevalence) * false[None, :])).ravel()[::13])
    exact = odds / (1 + odds)
    assert low == pytest.approx(np.quantile(exact, 0.025), rel=0.06)
    assert high == pytest.approx(np.quantile(exact, 0.975), rel=0.06)


def test_the_interval_covers_what_it_should():
    """Of PPVs at 1 in 50 from 60 images a class, 93 % or more lie in their interval (nominally 95 %)."""
    rng = np.random.default_rng(5)
    truth = np.array([[0.90, 0.06, 0.04], [0.03, 0.95, 0.02], [0.01, 0.02, 0.97]])
    prevalence = np.array([0.02, 0.28, 0.70])
    joint = prevalence[:, None] * truth
    ppv = np.diagonal(joint) / joint.sum(axis=0)
    inside = []
    for _ in range(150):
        interval = rates_at(np.stack([rng.multinomial(60, row) for row in truth]), prevalence)["ppv"].interval
        inside.append((interval[:, 0] <= ppv) & (ppv <= interval[:, 1]))
    assert np.mean(inside) >= 0.93


def test_a_class_without_images_is_unknown_unless_it_has_no_share():
    matrix = [[5, 1, 0], [1, 5, 0], [0, 0, 0]]
    found = rates_at(matrix, [0.3, 0.3, 0.4])
    assert np.isnan(found["ppv"].value).all()
    assert np.isnan(found["sensitivity"].value[2])
    found = rates_at(matrix, [0.5, 0.5, 0])
    assert found["ppv"].value[:2] == pytest.approx([5 / 6, 5 / 6])
    assert np.isnan(found["ppv"].value[2])
    assert np.isnan(found["ppv"].interval[2]).all()


def test_mean_cost_by_hand_and_its_interval():
    matrix = decision_matrix([0] * 10 + [1] * 10, [0] * 9 + [1] + [1] * 8 + [2] * 2, 2)
    costs = [[0, 5, 1], [1, 0, 1]]
    cost, low, high = mean_at(matrix, costs, [0.1, 0.9])
    assert cost == pytest.approx(0.1 * 0.1 * 5 + 0.9 * 0.2 * 1)
    assert low < cost < high
    none, low, high = mean_at(np.diag([10, 10, 10])[:2, :], costs, [0.5, 0.5])
    assert none == 0
    assert low == 0 < high
    assert np.isnan(mean_at([[0, 0], [1, 1]], np.ones((2, 2)), [0.5, 0.5])).all()
    assert mean_at([[0, 0], [1, 3]], [[0, 1], [1, 0]], [0, 1])[0] == pytest.approx(0.25)


def test_the_same_matrix_gives_the_same_interval():
    first, second = (rates_at([[9, 1], [2, 8]], [0.5, 0.5])["npv"].interval for _ in range(2))
    assert (first == second).all()
    assert DRAWS >= 2000


@pytest.mark.parametrize("counts", [[0, 0], [1, -1], [np.nan, 1], [np.inf, 1]])
def test_a_prevalence_needs_cells(counts: list[float]):
    with pytest.raises(ValueError, match="at least 0, and one above 0"):
        shares_of(counts)
