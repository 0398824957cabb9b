"""Scores for "none of these cells" against scikit-learn and SciPy, and what conformal p-values promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import normalize

from core.evaluation.scope import ScopeError, energy, fit, least_p, p_values, threshold


def cells(n: int, seed: int, dimensions: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Features of three classes that are stretched along some directions, and their classes."""
    centres, stretch = np.random.default_rng(0).normal(size=(2, 3, dimensions))
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return 4 * centres[labels] + rng.normal(size=(n, dimensions)) * np.exp(stretch[0]), labels


def test_distances_are_those_of_scikit_learn():
    features, labels = cells(90, seed=1)
    fitted = fit(features, labels)
    unit = normalize(features)
    means = np.stack([unit[labels == name].mean(axis=0) for name in range(3)])
    oracle = LedoitWolf(assume_centered=True).fit(unit - means[labels])
    other = np.random.default_rng(2).normal(size=(40, 12)) * 50
    each = [oracle.mahalanobis(normalize(other) - mean) for mean in means]
    assert fitted.distances(other) == pytest.approx(np.min(each, axis=0), rel=1e-4)
    assert fitted.shrinkage == pytest.approx(oracle.shrinkage_)
    assert 0 < fitted.shrinkage < 1


def test_the_length_of_features_does_not_count():
    features, labels = cells(60, seed=1)
    fitted = fit(features, labels)
    scale = np.random.default_rng(3).uniform(0.1, 9, (60, 1))
    assert fitted.distances(features * scale) == pytest.approx(fitted.distances(features))
    assert np.isfinite(fitted.distances(np.zeros((1, 12)))).all()


def test_more_features_than_images_can_be_fitted_and_strange_ones_lie_farther():
    features, labels = cells(30, seed=1, dimensions=200)
    fitted = fit(features, labels)
    inside, strange = cells(60, seed=2, dimensions=200)[0], -cells(60, seed=3, dimensions=200)[0]
    assert fitted.distances(strange).min() > fitted.distances(inside).max()


def test_a_class_without_images_has_no_mean():
    features, labels = cells(60, seed=1)
    some = labels != 1
    assert len(fit(features[some], labels[some]).means) == 2


def test_energy_is_that_of_scipy_and_bears_large_logits():
    logits = np.random.default_rng(0).normal(size=(20, 5)) * 3
    assert energy(logits) == pytest.approx(-logsumexp(logits, axis=1))
    assert energy([[1e4, 0.0], [0.0, 0.0]]) == pytest.approx([-1e4, -np.log(2)])


def test_p_values_by_hand():
    calibration = [3.0, 1.0, 2.0, 2.0]
    assert p_values(calibration, [0.0, 1.0, 2.0, 2.5, 3.0, 9.0]).tolist() == [1, 1, 0.8, 0.4, 0.4, 0.2]
    assert p_values([], [1.0]).tolist() == [1.0]
    assert least_p(4) == p_values(calibration, [9.0])[0]
    assert (p_values(np.arange(19), [99]) <= 0.05).all()  # 1 of 20: the least p is the level itself
    assert not (p_values(np.arange(18), [99]) <= 0.05).any()


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.29, 0.5])
def test_beyond_the_threshold_the_p_value_is_at_most_the_level(alpha: float):
    calibration = np.random.default_rng(0).normal(size=99).round(1)  # with ties
    limit = threshold(calibration, alpha)
    assert limit is not None
    scores = np.r_[calibration, calibration + 0.05]
    assert ((p_values(calibration, scores) <= alpha) == (scores > limit)).all()
    assert threshold(calibration, 0.009) is None


def test_false_alarms_stay_at_the_level_on_average():
    rng = np.random.default_rng(0)
    shares = [(p_values(rng.exponential(size=39), rng.exponential(size=50)) <= 0.1).mean() for _ in range(2000)]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.005)  # 4 of 40: met exactly where there are no ties


@pytest.mark.parametrize(
    ("features", "labels", "sentence"),
    [
        (np.ones((4, 3)), [0, 0, 1, 1], "do not vary within the classes"),
        (np.full((4, 3), np.nan), [0, 0, 1, 1], "features are not finite"),
        (np.ones((4, 3)), [0, 1], "4 rows of features and 2 labels"),
    ],
)
def test_what_cannot_be_fitted_is_one_sentence(features: np.ndarray, labels: list[int], sentence: str):
    with pytest.raises(ScopeError, match=sentence):
        fit(features, labels)


def test_features_of_another_network_are_refused():
    features, labels = cells(60, seed=1)
    with pytest.raises(ScopeError, match="gives 5 features, the fitted score wants 12"):
        fit(features, labels).distances(np.ones((1, 5)))
    with pytest.raises(ScopeError, match="outputs are not finite"):
        energy([[np.inf, 0]])
