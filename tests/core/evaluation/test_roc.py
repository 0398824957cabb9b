"""ROC curves against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.evaluation.roc import class_curves, macro_curve, micro_curve

NAMES = ["a", "b", "c"]


def case(seed: int, n: int, decimals: int):
    rng = np.random.default_rng(seed)
    true = np.r_[0, 1, 2, rng.integers(0, 3, n)]
    raw = rng.random((len(true), 3)).round(decimals) + 0.01
    raw[np.arange(len(true)), true] += 0.4
    return true, raw / raw.sum(axis=1, keepdims=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.sampled_from([1, 7]))
def test_areas_and_points(seed: int, n: int, decimals: int):
    true, probabilities = case(seed, n, decimals)
    curves = class_curves(true, probabilities, NAMES)
    for index, name in enumerate(NAMES):
        curve = curves[name]
        assert curve is not None
        assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0, 0)
        assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1, 1)
        assert curve.auc == pytest.approx(sk.roc_auc_score(true == index, probabilities[:, index]))
        assert curve.auc == pytest.approx(sk.auc(curve.false_positive_rate, curve.true_positive_rate))
    micro, macro = micro_curve(true, probabilities), macro_curve(curves)
    assert micro is not None
    assert macro is not None
    indicator = true[:, None] == np.arange(3)
    assert micro.auc == pytest.approx(sk.roc_auc_score(indicator, probabilities, average="micro"))
    assert macro.auc == pytest.approx(sk.roc_auc_score(true, probabilities, multi_class="ovr", average="macro"))
    assert (np.diff(macro.true_positive_rate) >= 0).all()


def test_an_absent_class_has_no_curve_and_leaves_no_macro():
    true, probabilities = case(1, 20, 7)
    keep = true != 2
    curves = class_curves(true[keep], probabilities[keep], NAMES)
    assert curves["c"] is None
    assert curves["a"] is not None
    assert macro_curve(curves) is None
    assert micro_curve(true[keep], probabilities[keep]) is not None
    assert micro_curve([], np.empty((0, 3))) is None
