"""Areas and their intervals: DeLong against MLstatkit and against all pairs, and where DeLong has no width."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from MLstatkit import Delong_test
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from core.evaluation.delong import DELONG, EXACT, HOEFFDING, area, delong, without_width


def scores(seed: int, m: int, k: int, decimals: int, gain: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """m positives and k negatives; few decimals give ties."""
    rng = np.random.default_rng(seed)
    positive = np.arange(m + k) < m
    score = (rng.normal(size=m + k) + gain * positive).round(decimals)
    order = rng.permutation(m + k)
    return positive[order], score[order]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40), st.sampled_from([0, 1, 8]))
def test_the_variance_is_that_of_mlstatkit_and_of_all_pairs(seed: int, m: int, k: int, decimals: int):
    positive, score = scores(seed, m, k, decimals)
    value, variance = delong(positive, score)
    assert value == pytest.approx(roc_auc_score(positive, score))

    pairs = np.sign(score[positive][:, None] - score[~positive][None, :]) / 2 + 0.5
    by_pairs = pairs.mean(axis=1).var(ddof=1) / m + pairs.mean(axis=0).var(ddof=1) / k
    assert variance == pytest.approx(by_pairs, abs=1e-12)

    *_, (low, high), _, oracle, _, _ = Delong_test(positive.astype(int), score, -score)  # its interval is the plain one
    assert value == pytest.approx(oracle)
    half = norm.ppf(0.975) * math.sqrt(variance)
    assert (low, high) == pytest.approx((max(0, value - half), min(1, value + half)), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from([0, 1, 8]),
    st.sampled_from([0.0, 1.0, 3.0, 30.0, -30.0]),
)
def test_an_interval_holds_its_area_and_has_a_width(seed: int, m: int, k: int, decimals: int, gain: float):
    found = area(*scores(seed, m, k, decimals, gain))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0
    if found.method == DELONG:
        assert 0 < found.value < 1
        wider = area(*scores(seed, m, k, decimals, gain), level=0.99)
        assert wider.low < found.low
        assert wider.high > found.high


def test_the_logit_interval_by_hand():
    """Positives 0.9, 0.7, 0.4 and negatives 0.5, 0.3, 0.1: one of nine pairs is out of order."""
    positive, score = [1, 1, 1, 0, 0, 0], [0.9, 0.7, 0.4, 0.5, 0.3, 0.1]
    found = area(positive, score)
    assert found.value == pytest.approx(8 / 9)
    # placements: positives 1, 1, 2/3; negatives 2/3, 1, 1: each variance (1/3)^2 / 3, over 3 images, twice
    variance = 2 * (1 / 27) / 3
    assert delong(positive, score)[1] == pytest.approx(variance)
    logit, half = math.log(8), norm.ppf(0.975) * math.sqrt(variance) / (8 / 9 * 1 / 9)
    assert found.low == pytest.approx(1 / (1 + math.exp(half - logit)))
    assert found.high == pytest.approx(1 / (1 + math.exp(-half - logit)))
    assert found.method == DELONG


def test_a_perfect_area_has_the_exact_bound_of_disjoint_pairs():
    positive = np.arange(750) < 150
    found = area(positive, positive.astype(float))
    assert (found.value, found.high, found.method) == (1.0, 1.0, EXACT)
    assert found.low == pytest.approx(0.025 ** (1 / 150))
    turned = area(positive, -positive.astype(float))
    assert (turned.value, turned.low, turned.method) == (0.0, 0.0, EXACT)
    assert turned.high == pytest.approx(1 - 0.025 ** (1 / 150))


def test_the_exact_bound_covers_in_its_worst_case():
    """A share q of the positives lies below all negatives, the others above: the area is 1 - q. That the bound of a
    perfect area excludes a true area just below it must happen in 2.5 % of samples, and not in more."""
    m, k = 30, 400
    bound = without_width(1.0, min(m, k)).low
    below = np.random.default_rng(0).random((200_000, m)) < 1 - bound  # the true area is the bound itself
    perfect = ~below.any(axis=1)
    assert perfect.mean() == pytest.approx(0.025, abs=0.002)


def test_all_tied_or_a_single_image_is_no_certainty():
    tied = area([1] * 50 + [0] * 50, [0.5] * 100)
    assert (tied.value, tied.method) == (0.5, HOEFFDING)
    assert tied.high - 0.5 == pytest.approx(math.sqrt(math.log(40) / 100))
    single = area([1, 0, 0, 0], [0.5, 0.7, 0.1, 0.2])
    assert (single.low, single.high, single.method) == (0, 1, HOEFFDING)
    assert math.isnan(delong([1, 0, 0], [1.0, 2.0, 0.0])[1])


@pytest.mark.parametrize(
    ("positive", "score", "message"),
    [([1, 0], [0.1], "as many"), ([1, 1], [0.1, 0.2], "0 others"), ([0], [0.1], "0 of the class"), ([], [], "both")],
)
def test_wrong_input_is_named(positive: list[int], score: list[float], message: str):
    with pytest.raises(ValueError, match=message):
        delong(positive, score)
