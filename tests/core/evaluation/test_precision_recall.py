"""Precision-recall curves against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.evaluation.precision_recall import class_precision_recall, micro_precision_recall

NAMES = ["a", "b", "c"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.sampled_from([1, 7]))
def test_curves_and_average_precision(seed: int, n: int, decimals: int):
    rng = np.random.default_rng(seed)
    true = np.r_[0, 1, 2, rng.integers(0, 3, n)]
    probabilities = rng.random((len(true), 3)).round(decimals)
    curves = class_precision_recall(true, probabilities, NAMES)
    for index, name in enumerate(NAMES):
        curve = curves[name]
        assert curve is not None
        assert (curve.recall[0], curve.recall[-1], curve.precision[-1]) == (1, 0, 1)
        assert curve.precision[0] == pytest.approx(curve.share) or curve.precision[0] > curve.share
        assert curve.share == pytest.approx((true == index).mean())
        expected = sk.average_precision_score(true == index, probabilities[:, index])
        assert curve.average_precision == pytest.approx(expected)
        assert -np.sum(np.diff(curve.recall) * curve.precision[:-1]) == pytest.approx(expected)
    micro = micro_precision_recall(true, probabilities)
    assert micro is not None
    indicator = true[:, None] == np.arange(3)
    expected = sk.average_precision_score(indicator, probabilities, average="micro")
    assert micro.average_precision == pytest.approx(expected)
    assert micro.share == pytest.approx(1 / 3)


def test_an_absent_class_has_no_curve():
    curves = class_precision_recall([0, 1], np.array([[0.9, 0.1, 0], [0.2, 0.8, 0]]), NAMES)
    assert curves["c"] is None
    assert micro_precision_recall([], np.empty((0, 3))) is None
