"""What a search may maximise: one score a trial from its predictions on one set of images. NumPy only.

Every image carries a weight, how often it is counted: 1 for the images as they are, other whole numbers for a redrawn
set (`core.evaluation.bootstrap.redraws`). So one function scores the real set and a thousand redrawn ones, vectorised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.metrics import SMALLEST_PROBABILITY

Floats = NDArray[np.float64]

OBJECTIVES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_specificity": "macro specificity",
    "loss": "loss",
    "sensitivity": "sensitivity at a fixed specificity",
}
_DIGITS = 12


class ObjectiveError(ValueError):
    """An objective cannot score these images; the message says why."""


@dataclass(frozen=True)
class Objective:
    """`name` is a key of OBJECTIVES; class index and specificity in (0, 1] are the sensitivity's alone."""

    name: str = "accuracy"
    class_index: int = 0
    specificity: float = 0.95

    @property
    def needs_predictions(self) -> bool:
        """Whether it cannot be had from a trial's recorded accuracy and loss."""
        return self.name not in ("accuracy", "loss")


def scores(objective: Objective, true: ArrayLike, probabilities: ArrayLike, weights: ArrayLike) -> Floats:
    """The score (R, T) of every trial on every weighted set of images; higher is better.

    - accuracy: share of images whose most probable class is the true one.
    - balanced accuracy: the plain mean of the classes' recalls.
    - macro specificity: the plain mean of the classes' specificities, one class against the rest.
    - loss: mean cross-entropy per image, negated.
    - sensitivity: of one class, at the threshold on its probability that lets as many of its images through as it can
      while the specificity stays at least the one given. Equal probabilities fall on one side of it.

    A rate without images is 0, as everywhere in this software.

    Args:
        true: class indices (n,).
        probabilities: (T, n, C), of T trials on the same images in the same order.
        weights: (R, n), how often each image counts; a row must not be all 0.

    Raises ObjectiveError for an unknown name, a class index that does not exist, or a specificity outside (0, 1].
    """
    true = np.asarray(true, dtype=np.int64)
    probabilities = np.asarray(probabilities)
    weights = np.asarray(weights, dtype=np.float64)
    classes = probabilities.shape[2]
    if objective.name == "accuracy":
        right = (probabilities.argmax(axis=2) == true).astype(np.float64)
        return _mean(weights, right)
    if objective.name == "loss":
        of_true = np.take_along_axis(probabilities, true[None, :, None], axis=2)[:, :, 0].astype(np.float64)
        return np.asarray(-_mean(weights, -np.log(np.maximum(of_true, SMALLEST_PROBABILITY))))
    if objective.name == "balanced_accuracy":
        called = probabilities.argmax(axis=2)
        rates = [_mean(weights[:, true == c], (called[:, true == c] == c).astype(np.float64)) for c in range(classes)]
        return _plain_mean(rates)
    if objective.name == "macro_specificity":
        called = probabilities.argmax(axis=2)
        rates = [_mean(weights[:, true != c], (called[:, true != c] != c).astype(np.float64)) for c in range(classes)]
        return _plain_mean(rates)
    if objective.name == "sensitivity":
        if not 0 <= objective.class_index < classes:
            raise ObjectiveError(
                f"There is no class {objective.class_index}; the classes count from 0 to {classes - 1}."
            )
        if not 0 < objective.specificity <= 1:
            raise ObjectiveError(f"specificity is {objective.specificity}; it must lie above 0 and not above 1.")
        return _sensitivities(probabilities[:, :, objective.class_index], true == objective.class_index, weights,
                              objective.specificity)  # fmt: skip
    raise ObjectiveError(f"There is no objective {objective.name!r}; there are {', '.join(OBJECTIVES)}.")


def _plain_mean(rates: list[Floats]) -> Floats:
    """The mean (R, T) of the classes' rates, rounded so that equal means compare equal in whatever order summed."""
    return np.asarray(np.round(np.mean(rates, axis=0), _DIGITS), dtype=np.float64)


def _mean(weights: Floats, values: Floats) -> Floats:
    """Weighted means (R, T) of values (T, m) over m images with the weights (R, m); 0 without images."""
    total = weights.sum(axis=1, keepdims=True)
    out = np.zeros((len(weights), len(values)))
    np.divide(weights @ values.T, total, out=out, where=total > 0)
    return out


def _sensitivities(
    probability: NDArray[np.floating], positive: NDArray[np.bool_], weights: Floats, specificity: float
) -> Floats:
    """Sensitivity (R, T) of a class with the probabilities (T, n), at a specificity that is at least the given one.

    The first negative image, counted from the most probable one, that is one too many sets the threshold: whatever lies
    above its probability is called the class.
    """
    of_negatives = np.ascontiguousarray(weights[:, ~positive].T, dtype=np.float32)  # (negatives, R), whole numbers
    of_positives = np.ascontiguousarray(weights[:, positive].T, dtype=np.float32)
    negatives, positives = (group.sum(axis=0, dtype=np.float64) for group in (of_negatives, of_positives))
    allowed = np.floor((1 - specificity) * negatives + 1e-9)  # whole images; 0.05 * 180 is a little above 9
    found = np.zeros((len(weights), len(probability)))
    for trial, row in enumerate(probability):
        threshold = _thresholds(row[~positive], of_negatives, allowed)
        ranked = np.argsort(-row[positive], kind="stable")
        caught = np.pad(np.cumsum(of_positives[ranked], axis=0), ((1, 0), (0, 0)))
        above = np.searchsorted(-row[positive][ranked], -threshold, side="left")  # positives above the threshold
        reached = caught[above, np.arange(len(above))].astype(np.float64)
        found[:, trial] = np.divide(reached, positives, out=np.zeros_like(positives), where=positives > 0)
    return found


def _thresholds(probability: NDArray[np.floating], weights: NDArray[np.float32], allowed: Floats) -> Floats:
    """For each weighting (n, R) of negatives the probability of the first that is one too many; -inf without one."""
    order = np.argsort(-probability, kind="stable")
    most = int(allowed.max(initial=0))
    for looked_at in (2 * most + 32, len(order)):  # nearly always the few most probable ones decide
        first = order[:looked_at]
        too_many = np.cumsum(weights[first], axis=0) > allowed
        if not len(first):
            break
        at = too_many.argmax(axis=0)
        exceeded = too_many[at, np.arange(len(at))]
        if exceeded.all() or looked_at >= len(order):
            return np.where(exceeded, probability[first][at], -np.inf)
    return np.full(weights.shape[1], -np.inf)
