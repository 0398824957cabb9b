"""McNemar's exact test and Holm's adjustment against statsmodels; hand-computed cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.contingency_tables import mcnemar as oracle
from statsmodels.stats.multitest import multipletests

from core.evaluation.paired import Paired, compare, holm, mcnemar

COUNT = st.integers(0, 400)


@given(COUNT, COUNT, COUNT, COUNT)
def test_mcnemar_is_that_of_statsmodels(both: int, first: int, second: int, neither: int):
    expected = oracle([[both, first], [second, neither]], exact=True).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-12)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_mcnemar_by_hand():
    assert mcnemar(9, 2) == pytest.approx(2 * (1 + 11 + 55) / 2**11)  # 0.065
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 0) == 1.0
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 1000).map(lambda whole: whole / 1000)))
@settings(max_examples=25)  # the oracle is slow
def test_holm_is_that_of_statsmodels(p_values: np.ndarray):
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], atol=1e-12)


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert len(holm([])) == 0
    for wrong in ([0.5, 1.5], [-0.1], [float("nan")]):
        with pytest.raises(ValueError, match="between 0 and 1"):
            holm(wrong)


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(0, 30))))
def test_pairs_count_what_only_one_has_right(right: np.ndarray):
    pairs = compare(right)
    assert [(i, j) for i, j, _ in pairs] == [(i, j) for i in range(len(right)) for j in range(i + 1, len(right))]
    for i, j, pair in pairs:
        assert pair.first_only == int((right[i] & ~right[j]).sum())
        assert pair.second_only == int((~right[i] & right[j]).sum())
        assert pair.n == right.shape[1]
        low, high = pair.interval()
        assert -1 <= low < high <= 1
        if pair.n:
            assert pair.difference == pytest.approx(right[i].mean() - right[j].mean())


def test_interval_by_hand_and_by_its_coverage():
    low, high = Paired(9, 2, 98).interval()  # shares 0.10 and 0.03 of 98 + 2 images
    reach = 1.959964 * np.sqrt((0.13 - 0.07**2) / 100)
    assert (low, high) == pytest.approx((0.07 - reach, 0.07 + reach), abs=1e-6)
    # The example of statpsych's ci.prop.ps(.05, 12, 4, 26, 6), which computes the same interval.
    assert Paired(26, 4, 48).interval() == pytest.approx((0.2548067, 0.6251933), abs=1e-7)
    assert Paired(0, 0, 0).interval() == (-1.0, 1.0)
    assert Paired(0, 0, 0).difference == 0
    rng = np.random.default_rng(0)
    shares = (0.04, 0.01, 0.95)  # only the first right, only the second right, the rest
    draws = rng.multinomial(300, shares, size=4000)
    inside = [low <= 0.03 <= high for low, high in (Paired(int(b), int(c), 300).interval() for b, c, _ in draws)]
    assert 0.94 < np.mean(inside) < 0.97


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="models, images"):
        compare([True, False])
