"""One-vs-rest ROC curves: per class, micro and macro average. scikit-learn computes the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_curve

from core.evaluation.metrics import binary_auc

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A ROC curve: rates in [0, 1] from (0, 0) to (1, 1), and the area under it."""

    name: str
    false_positive_rate: Floats  # (points,)
    true_positive_rate: Floats  # (points,)
    auc: float


def class_curves(true: ArrayLike, probabilities: ArrayLike, classes: list[str]) -> dict[str, Curve | None]:
    """The curve of every class against the rest; None where the class or the rest has no image.

    `true` are class indices (n,), `probabilities` (n, C), `classes` the C names.
    """
    true, probabilities = np.asarray(true), np.asarray(probabilities, dtype=np.float64)
    return {name: _curve(name, true == index, probabilities[:, index]) for index, name in enumerate(classes)}


def micro_curve(true: ArrayLike, probabilities: ArrayLike) -> Curve | None:
    """All (image, class) decisions pooled into one curve; None without images."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    indicator = np.asarray(true)[:, None] == np.arange(probabilities.shape[1])[None, :]
    return _curve("micro", indicator.ravel(), probabilities.ravel())


def macro_curve(curves: dict[str, Curve | None]) -> Curve | None:
    """The mean of the classes' curves; None when a class has none, since a mean over fewer would not compare.

    Its AUC is the mean of the classes' AUCs.
    """
    known = [curve for curve in curves.values() if curve is not None]
    if not known or len(known) < len(curves):
        return None
    grid = np.unique(np.concatenate([curve.false_positive_rate for curve in known]))
    heights = [np.interp(grid, curve.false_positive_rate, curve.true_positive_rate) for curve in known]
    mean = np.mean(heights, axis=0)
    return Curve("macro", np.r_[0.0, grid], np.r_[0.0, mean], float(np.mean([curve.auc for curve in known])))


def _curve(name: str, positive: NDArray[np.bool_], score: Floats) -> Curve | None:
    auc = binary_auc(positive, score)
    if auc is None:
        return None
    false_rate, true_rate, _ = roc_curve(positive, score)
    return Curve(name, false_rate, true_rate, auc)
