"""What a classifier got right and wrong, per class: counts, rates, loss and one-vs-rest AUC. NumPy only, no torch.

Conventions are scikit-learn's: rows of a confusion matrix are the true classes, columns the predicted ones; a rate
whose denominator is zero (`zero_division=0`) is 0. What has no value at all (the loss or the AUC of a class without
images) is None, since JSON has no NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COUNTS = ("support", "tp", "fp", "tn", "fn")
RATES = ("precision", "recall", "f1", "specificity")
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)  # a probability that underflowed to 0 has no finite loss


@dataclass(frozen=True)
class Report:
    """Per-class rates (each an array of C values in [0, 1]), their plain means, and the share that is right."""

    precision: Floats
    recall: Floats
    f1: Floats
    specificity: Floats
    macro: Mapping[str, float]  # mean over all C classes, one for each name in RATES
    accuracy: float
    n: int


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> Ints:
    """Counts (C, C): row = true class, column = predicted class.

    `true` and `predicted` are class indices (n,). Raises ValueError when they differ in length or leave 0..C-1.
    """
    true, predicted = _indices(true, n_classes, "true"), _indices(predicted, n_classes, "predicted")
    if len(true) != len(predicted):
        raise ValueError(f"true has {len(true)} entries and predicted {len(predicted)}; they must be as many.")
    pairs = np.bincount(true * n_classes + predicted, minlength=n_classes * n_classes)
    return pairs.reshape(n_classes, n_classes).astype(np.int64)


def counts_of(matrix: ArrayLike) -> dict[str, Ints]:
    """support, tp, fp, tn, fn of every class, each (C,), from a confusion matrix (C, C)."""
    matrix = np.asarray(matrix, dtype=np.int64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square; got the shape {matrix.shape}.")
    tp = np.diagonal(matrix).copy()
    support = matrix.sum(axis=1)
    fp = matrix.sum(axis=0) - tp
    fn = support - tp
    return {"support": support, "tp": tp, "fp": fp, "tn": matrix.sum() - tp - fp - fn, "fn": fn}


def class_counts(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> dict[str, Ints]:
    """support, tp, fp, tn, fn of every class, each (C,), from class indices (n,)."""
    return counts_of(confusion_matrix(true, predicted, n_classes))


def report(matrix: ArrayLike) -> Report:
    """Every rate of a confusion matrix (C, C). An empty matrix has rates of 0."""
    return report_of(counts_of(matrix))


def report_of(counts: Mapping[str, Ints]) -> Report:
    """Every rate from the counts of each class: `support`, `tp`, `fp`, `tn`, `fn`, each (C,)."""
    tp, fp, tn, fn = (counts[name].astype(np.float64) for name in ("tp", "fp", "tn", "fn"))
    rates = {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "specificity": _ratio(tn, tn + fp),
    }
    n = int(counts["support"].sum())
    macro = {name: float(rates[name].mean()) if len(tp) else 0.0 for name in RATES}
    return Report(**rates, macro=macro, accuracy=float(tp.sum() / n) if n else 0.0, n=n)


def class_loss(true: ArrayLike, probabilities: ArrayLike) -> list[float | None]:
    """Mean cross-entropy (-ln p of the true class) over the images of each class; None for a class without images.

    `true` are class indices (n,), `probabilities` (n, C).
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    n_classes = probabilities.shape[1]
    true = _indices(true, n_classes, "true")
    of_true = np.maximum(probabilities[np.arange(len(true)), true], SMALLEST_PROBABILITY)
    images = np.bincount(true, minlength=n_classes)
    sums = np.bincount(true, weights=-np.log(of_true), minlength=n_classes)
    return [max(0.0, float(total / count)) if count else None for total, count in zip(sums, images, strict=True)]


def one_vs_rest_auc(true: ArrayLike, probabilities: ArrayLike) -> list[float | None]:
    """Area under the ROC curve of each class against the rest; None where the class or the rest has no image.

    `true` are class indices (n,), `probabilities` (n, C).
    """
    probabilities = np.asarray(probabilities)
    true = _indices(true, probabilities.shape[1], "true")
    return [binary_auc(true == index, probabilities[:, index]) for index in range(probabilities.shape[1])]


def binary_auc(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> float | None:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney); None if one is missing.

    `positive` and `score` are (n,).
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    ranks = rankdata(score)  # tied scores share their mean rank
    above = float(ranks[positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def _indices(values: ArrayLike, n_classes: int, name: str) -> Ints:
    indices = np.asarray(values, dtype=np.int64).reshape(-1)
    if len(indices) and not (indices.min() >= 0 and indices.max() < n_classes):
        wrong = indices[(indices < 0) | (indices >= n_classes)][0]
        raise ValueError(f"{name} holds the class index {wrong}; allowed are 0 to {n_classes - 1}.")
    return indices


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
