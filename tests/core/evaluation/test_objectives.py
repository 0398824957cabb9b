"""Objectives: hand-computed cases, scikit-learn as the oracle, weights as repeated images."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, log_loss

from core.evaluation.bootstrap import redraws
from core.evaluation.metrics import confusion_matrix, report
from core.evaluation.objectives import OBJECTIVES, Objective, ObjectiveError, scores

# Six images of three classes: 0 0 0 1 1 2. Called 0 0 1 1 1 0.
TRUE = [0, 0, 0, 1, 1, 2]
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]]
)
ONES = np.ones((1, 6))


def one(objective: Objective, weights: np.ndarray = ONES) -> float:
    return float(scores(objective, TRUE, PROBABILITIES[None], weights)[0, 0])


def test_each_objective_by_hand():
    assert one(Objective("accuracy")) == 4 / 6
    # Recalls 2/3, 2/2, 0/1.
    assert one(Objective("balanced_accuracy")) == pytest.approx((2 / 3 + 1 + 0) / 3)
    # Specificities: of class 0 two of three others right, of class 1 three of four, of class 2 all five.
    assert one(Objective("macro_specificity")) == pytest.approx((2 / 3 + 3 / 4 + 1) / 3)
    of_true = [0.8, 0.6, 0.3, 0.7, 0.8, 0.4]
    assert one(Objective("loss")) == pytest.approx(sum(math.log(p) for p in of_true) / 6)


def test_the_sensitivity_of_a_class_at_a_specificity_by_hand():
    """Class 0: its images have 0.8, 0.6, 0.3, the others 0.5, 0.2, 0.1."""
    assert one(Objective("sensitivity", 0, 1.0)) == 2 / 3  # above 0.5: two of three
    assert one(Objective("sensitivity", 0, 0.67)) == 2 / 3  # one of three let through would be 0.667
    assert one(Objective("sensitivity", 0, 2 / 3)) == 1.0  # the other with 0.5 may pass: all three are above 0.2
    assert one(Objective("sensitivity", 2, 1.0)) == 1.0
    # Class 1: its images have 0.7, 0.8, the others at most 0.5.
    assert one(Objective("sensitivity", 1, 0.99)) == 1.0
    tied = np.array([[0.5, 0.5], [0.5, 0.5], [0.4, 0.6], [0.9, 0.1]])
    # Class 0 (images 0 and 3) and a negative share 0.5: only 0.9 lies above it, and 1 of 2 negatives may be wrong.
    for specificity, expected in ((1.0, 0.5), (0.5, 1.0)):
        found = scores(Objective("sensitivity", 0, specificity), [0, 1, 1, 0], tied[None], np.ones((1, 4)))
        assert found[0, 0] == expected


def test_a_weight_counts_an_image_that_often():
    weights = np.array([[3, 0, 1, 0, 2, 1]])
    repeated = np.repeat(np.arange(6), weights[0])
    for name in OBJECTIVES:
        objective = Objective(name, 0, 0.75)
        true, probabilities = np.array(TRUE)[repeated], PROBABILITIES[repeated]
        plain = scores(objective, true, probabilities[None], np.ones((1, len(repeated))))[0, 0]
        assert one(objective, weights) == pytest.approx(plain, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(5, 40))
def test_they_equal_the_oracles_on_random_images(seed: int, classes: int, images: int):
    random = np.random.default_rng(seed)
    true = np.r_[np.arange(classes), random.integers(0, classes, images)]
    random.shuffle(true)
    probabilities = random.dirichlet(np.ones(classes), size=(2, len(true)))
    ones = np.ones((1, len(true)))
    for trial, matrix in enumerate(probabilities):
        called = matrix.argmax(axis=1)
        expected = {
            "accuracy": float((called == true).mean()),
            "balanced_accuracy": balanced_accuracy_score(true, called),
            "macro_specificity": report(confusion_matrix(true, called, classes)).macro["specificity"],
            "loss": -log_loss(true, matrix, labels=np.arange(classes)),
        }
        for name, value in expected.items():
            assert scores(Objective(name), true, probabilities, ones)[0, trial] == pytest.approx(value, abs=1e-9)
        specificity = float(random.choice([0.5, 0.8, 0.9, 1.0]))
        positive, p = true == 0, np.round(matrix[:, 0], 1)  # rounded: with ties
        best = 0.0
        for threshold in [*np.unique(p), math.inf]:
            if (p[~positive] < threshold).mean() >= specificity - 1e-12:
                best = max(best, float((p[positive] >= threshold).mean()))
        rounded = np.round(probabilities, 1)
        found = scores(Objective("sensitivity", 0, specificity), true, rounded, ones)[0, trial]
        assert found == pytest.approx(best, abs=1e-12)


def test_equal_means_compare_equal_in_whatever_order_they_are_summed():
    """Recalls (0.9, 0.8, 0.7, 0.6, 0.3) and the same in another order tie exactly."""
    true = np.repeat(np.arange(5), 10)
    trials = []
    for right in ((9, 8, 7, 6, 3), (3, 6, 7, 8, 9)):
        called = np.concatenate([[c] * n + [(c + 1) % 5] * (10 - n) for c, n in enumerate(right)])
        trials.append(np.eye(5)[called])
    ones = np.ones((1, 50))
    for name in ("balanced_accuracy", "macro_specificity"):
        first, second = scores(Objective(name), true, np.array(trials), ones)[0]
        assert first == second


def test_what_cannot_be_scored_is_refused_with_a_sentence():
    for objective, words in (
        (Objective("beauty"), "no objective 'beauty'"),
        (Objective("sensitivity", 7), "no class 7"),
        (Objective("sensitivity", 0, 0.0), "specificity is 0.0"),
    ):
        with pytest.raises(ObjectiveError, match=words):
            one(objective)
    assert Objective("accuracy").needs_predictions is Objective("loss").needs_predictions is False
    assert Objective("sensitivity").needs_predictions


def test_a_probability_of_nothing_has_a_finite_loss_and_a_class_without_images_a_rate_of_0():
    none = np.array([[[1.0, 0.0], [1.0, 0.0]]])
    assert np.isfinite(scores(Objective("loss"), [1, 1], none, np.ones((1, 2)))).all()
    assert scores(Objective("balanced_accuracy"), [0, 0], none, np.ones((1, 2)))[0, 0] == 0.5
    assert scores(Objective("sensitivity", 1), [0, 0], none, np.ones((1, 2)))[0, 0] == 0.0


def test_a_thousand_redraws_of_sixteen_trials_take_about_a_second():
    random = np.random.default_rng(0)
    true = np.repeat(np.arange(5), 45)
    probabilities = random.dirichlet(np.ones(5), size=(16, 225)).astype(np.float32)
    began = time.perf_counter()
    weights = np.concatenate(list(redraws(true, 5)), axis=1).T
    for name in OBJECTIVES:
        assert scores(Objective(name), true, probabilities, weights).shape == (1000, 16)
    assert time.perf_counter() - began < 3  # all five together; about 0.3 s on an idle core
