"""Rates, losses and areas against scikit-learn, and on the published confusion matrix."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as sk

from core.evaluation.metrics import (
    class_counts,
    class_loss,
    confusion_matrix,
    counts_of,
    one_vs_rest_auc,
    report,
)

PUBLISHED = np.diag([150, 144, 150, 150, 150])
PUBLISHED[1, 2] = 6

classes_and_labels = st.integers(2, 6).flatmap(
    lambda c: st.tuples(
        st.just(c), st.lists(st.tuples(st.integers(0, c - 1), st.integers(0, c - 1)), min_size=1, max_size=60)
    )
)


def probabilities_of(seed: int, n: int, n_classes: int, decimals: int = 7) -> np.ndarray:
    raw = np.random.default_rng(seed).random((n, n_classes)).round(decimals) + 1e-6
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


@given(classes_and_labels)
def test_counts_and_rates_are_those_of_scikit_learn(case: tuple):
    n_classes, pairs = case
    true, predicted = np.array(pairs).T
    labels = list(range(n_classes))
    matrix = confusion_matrix(true, predicted, n_classes)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(true, predicted, labels=labels))

    counts = class_counts(true, predicted, n_classes)
    each = sk.multilabel_confusion_matrix(true, predicted, labels=labels)
    np.testing.assert_array_equal(counts["tn"], each[:, 0, 0])
    np.testing.assert_array_equal(counts["fp"], each[:, 0, 1])
    np.testing.assert_array_equal(counts["fn"], each[:, 1, 0])
    np.testing.assert_array_equal(counts["tp"], each[:, 1, 1])

    found = report(matrix)
    precision, recall, f1, support = sk.precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    np.testing.assert_array_equal(counts["support"], support)
    assert found.accuracy == pytest.approx(sk.accuracy_score(true, predicted))
    for name, function in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        expected = function(true, predicted, labels=labels, average="macro", zero_division=0)
        assert found.macro[name] == pytest.approx(expected)
    for index in labels:  # specificity is the recall of "not this class"
        expected = sk.recall_score(true != index, predicted != index, zero_division=0)
        assert found.specificity[index] == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(classes_and_labels, st.integers(0, 10_000), st.sampled_from([1, 2, 7]))
def test_auc_and_loss_are_those_of_scikit_learn(case: tuple, seed: int, decimals: int):
    n_classes, pairs = case
    true = np.array(pairs)[:, 0]
    probabilities = probabilities_of(seed, len(true), n_classes, decimals)  # few decimals give ties
    areas, losses = one_vs_rest_auc(true, probabilities), class_loss(true, probabilities)
    for index in range(n_classes):
        mine = true == index
        if mine.any() and not mine.all():
            assert areas[index] == pytest.approx(sk.roc_auc_score(mine, probabilities[:, index]))
        else:
            assert areas[index] is None
        if mine.any():
            expected = -np.log(probabilities[mine, index].astype(float)).mean()
            assert losses[index] == pytest.approx(expected)
        else:
            assert losses[index] is None
    weighted = sum(loss * (true == index).sum() for index, loss in enumerate(losses) if loss is not None)
    assert weighted / len(true) == pytest.approx(
        sk.log_loss(true, probabilities, labels=list(range(n_classes))), rel=1e-4
    )


def test_the_published_matrix_gives_the_published_table():
    found = report(PUBLISHED)
    assert found.accuracy == pytest.approx(0.9920)
    assert found.macro["specificity"] == pytest.approx(0.9980)
    np.testing.assert_allclose(100 * found.precision, [100, 100, 96.15, 100, 100], atol=0.005)
    np.testing.assert_allclose(100 * found.recall, [100, 96, 100, 100, 100])
    np.testing.assert_allclose(100 * found.f1, [100, 97.96, 98.04, 100, 100], atol=0.005)  # the paper prints 98.03
    np.testing.assert_allclose(100 * found.specificity, [100, 100, 99, 100, 100])
    assert counts_of(PUBLISHED)["fp"].tolist() == [0, 0, 6, 0, 0]


@given(arrays.arrays(np.int64, st.integers(1, 5).map(lambda c: (c, c)), elements=st.integers(0, 50)))
def test_counts_add_up(matrix: np.ndarray):
    counts = counts_of(matrix)
    total = counts["tp"] + counts["fp"] + counts["tn"] + counts["fn"]
    assert (total == matrix.sum()).all()
    assert (counts["support"] == counts["tp"] + counts["fn"]).all()
    found = report(matrix)
    for name in ("precision", "recall", "f1", "specificity"):
        values = getattr(found, name)
        assert ((values >= 0) & (values <= 1)).all()


def test_a_probability_of_zero_has_a_finite_loss():
    losses = class_loss([0, 1], np.array([[0.0, 1.0], [0.0, 1.0]], np.float32))
    assert losses[0] is not None
    assert math.isfinite(losses[0])
    assert losses[1] == 0.0
    json.dumps(losses, allow_nan=False)


def test_empty_input_has_no_loss_and_no_area():
    empty = np.empty((0, 3))
    assert class_loss([], empty) == [None, None, None]
    assert one_vs_rest_auc([], empty) == [None, None, None]
    assert report(confusion_matrix([], [], 3)).accuracy == 0


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [([0, 3], [0, 1], "class index 3"), ([0], [-1], "class index -1"), ([0, 1], [0], "as many")],
)
def test_wrong_input_is_named(true: list[int], predicted: list[int], message: str):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(true, predicted, 3)
