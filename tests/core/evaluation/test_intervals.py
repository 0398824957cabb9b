"""Intervals of shares against statsmodels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from core.evaluation.intervals import clopper_pearson, wilson


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95, 0.99])
)
def test_wilson_is_that_of_statsmodels(case: tuple, level: float):
    successes, n = case
    low, high = wilson(successes, n, level)
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= successes / n <= high <= 1


def test_nothing_known_without_trials():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 5), (1, 0)])
def test_impossible_counts_are_refused(successes: int, n: int):
    with pytest.raises(ValueError, match="impossible"):
        wilson(successes, n)


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95, 0.99])
)
def test_clopper_pearson_is_that_of_statsmodels(case: tuple, level: float):
    successes, n = case
    low, high = clopper_pearson(successes, n, level)
    expected = proportion_confint(successes, n, alpha=1 - level, method="beta")
    assert (low, high) == pytest.approx(expected, abs=1e-9)


def test_all_of_n_leaves_an_exact_bound():
    assert clopper_pearson(150, 150) == (pytest.approx(0.025 ** (1 / 150)), 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
