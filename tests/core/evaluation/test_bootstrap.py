"""Redrawn images: every redraw against scikit-learn, intervals that hold and repeat, and perfect models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.evaluation import bootstrap
from core.evaluation.bootstrap import BOOTSTRAP, CLASS_BOUNDS, IMAGE_PAIRS, NO_WIDTH, areas, redraws
from core.evaluation.delong import DELONG, HOEFFDING, area

CLASSES = 3


def case(seed: int, n: int, decimals: int = 8, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = np.r_[np.arange(CLASSES), rng.integers(0, CLASSES, n)]
    raw = np.exp(rng.normal(size=(len(true), CLASSES)) + gain * np.eye(CLASSES)[true])
    return true, (raw / raw.sum(axis=1, keepdims=True)).round(decimals)


def test_a_redraw_keeps_the_number_of_each_class(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "_WEIGHTS", 5_000)  # so that it comes in parts
    true, _ = case(1, 40)
    parts = list(redraws(true, CLASSES, 4))
    assert len(parts) > 1
    weights = np.concatenate(parts, axis=1)
    assert weights.shape == (len(true), bootstrap.REDRAWS)
    for index in range(CLASSES):
        assert (weights[true == index].sum(axis=0) == (true == index).sum()).all()
    assert weights.mean(axis=1) == pytest.approx(np.ones(len(true)), abs=0.2)  # no image is favoured
    assert weights.max() > 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 40), st.sampled_from([1, 8]))
def test_weighted_areas_are_those_of_scikit_learn(seed: int, n: int, decimals: int):
    true, probabilities = case(seed, n, decimals)
    weights = next(redraws(true, CLASSES))[:, :6]
    images = np.arange(len(true))
    positive = true[:, None] == np.arange(CLASSES)
    pooled = np.repeat(images, CLASSES), positive.ravel(), probabilities.ravel()
    for where, yes, score in [*((images, positive[:, c], probabilities[:, c]) for c in range(CLASSES)), pooled]:
        roc, precision = bootstrap._Curve(where, yes, score, len(true)).both(weights)
        for column in range(6):
            told = weights[where, column]
            assert roc[column] == pytest.approx(sk.roc_auc_score(yes, score, sample_weight=told), abs=1e-6)
            expected = sk.average_precision_score(yes, score, sample_weight=told)
            assert precision[column] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 90))
def test_figures_and_intervals(seed: int, n: int):
    true, probabilities = case(seed, n)
    roc, precision = areas(true, probabilities)
    for index in range(CLASSES):
        assert roc.classes[index] == area(true == index, probabilities[:, index])
        expected = sk.average_precision_score(true == index, probabilities[:, index])
        assert precision.classes[index].value == pytest.approx(expected, abs=1e-6)
    indicator = true[:, None] == np.arange(CLASSES)
    for found, function in ((roc, sk.roc_auc_score), (precision, sk.average_precision_score)):
        for average in ("macro", "micro"):
            one = getattr(found, average)
            assert one.value == pytest.approx(function(indicator, probabilities, average=average), abs=1e-6)
            assert one.low < one.value <= one.high <= 1
            assert one.method == BOOTSTRAP
    assert areas(true, probabilities) == (roc, precision)  # the seed is fixed
    assert roc.classes[0].method == DELONG


def test_the_interval_of_the_mean_agrees_with_delong_on_independent_images():
    """With two classes both areas are the same one, so the redraws of their mean must find DeLong's width."""
    rng = np.random.default_rng(3)
    true = np.repeat([0, 1], 400)
    score = 1 / (1 + np.exp(-rng.normal(size=800) - 1.2 * true))
    roc, _ = areas(true, np.stack([1 - score, score], axis=1))
    assert roc.macro.value == pytest.approx(roc.classes[0].value)
    assert roc.macro.low == pytest.approx(roc.classes[0].low, abs=0.006)
    assert roc.macro.high == pytest.approx(roc.classes[0].high, abs=0.006)


def test_a_perfect_model_is_not_certain():
    true = np.repeat(np.arange(5), 20)
    roc, precision = areas(true, np.eye(5)[true])
    assert roc.macro.value == roc.micro.value == 1
    assert roc.macro.low == pytest.approx(0.005 ** (1 / 20))  # 5 % over five classes, to both sides
    assert roc.macro.method == CLASS_BOUNDS
    assert roc.micro.low == pytest.approx(0.025 ** (1 / 50))
    assert roc.micro.method == IMAGE_PAIRS
    assert precision.macro.method == NO_WIDTH
    assert np.isnan(precision.macro.low)


def test_a_model_that_says_the_same_of_all_is_not_certain_either():
    roc, _ = areas(np.repeat([0, 1], 10), np.full((20, 2), 0.5))
    assert roc.micro.method == HOEFFDING
    assert (roc.macro.value, roc.macro.method) == (0.5, CLASS_BOUNDS)
    assert roc.macro.low < 0.3


def test_a_class_without_images_takes_nothing_from_the_others():
    true, probabilities = case(0, 30)
    keep = true != 2
    true, probabilities = true[keep], probabilities[keep]
    roc, precision = areas(true, probabilities)
    assert roc.classes[2] is precision.classes[2] is roc.macro is precision.macro is None
    indicator = true[:, None] == np.arange(CLASSES)
    for index in (0, 1):
        assert roc.classes[index] == area(true == index, probabilities[:, index])
        one = precision.classes[index]
        assert one.value == pytest.approx(sk.average_precision_score(true == index, probabilities[:, index]), abs=1e-6)
        assert one.low < one.value <= one.high
    for found, function in ((roc, sk.roc_auc_score), (precision, sk.average_precision_score)):
        expected = function(indicator.ravel(), probabilities.ravel())
        assert found.micro.value == pytest.approx(expected, abs=1e-6)
        assert found.micro.low < found.micro.value <= found.micro.high


def test_one_class_alone_has_only_micro():
    roc, precision = areas([1, 1, 1, 1], np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.1, 0.5, 0.4]]))
    assert roc.classes == precision.classes == [None] * 3
    assert roc.macro is precision.macro is None
    assert 0.5 < roc.micro.value < 1
    for nothing in (areas([], np.empty((0, 3))), areas([0, 0], np.ones((2, 1)))):
        assert all(one.micro is one.macro is None and not any(one.classes) for one in nothing)
