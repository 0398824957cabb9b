"""Precision-recall curves, each class against the rest; scikit-learn computes the points.

Unlike ROC they depend on the share of the class among the images: a rare class has a low curve with a good score too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PrecisionRecall:
    """A precision-recall curve, from the lowest threshold (recall 1) to above the highest (recall 0, precision 1)."""

    name: str
    recall: Floats  # (points,), falling
    precision: Floats  # (points,)
    average_precision: float  # sum of precision times gain in recall, without interpolation
    share: float  # of positives among the decisions: the precision of a score that knows nothing


def class_precision_recall(
    true: ArrayLike, probabilities: ArrayLike, classes: list[str]
) -> dict[str, PrecisionRecall | None]:
    """The curve of every class against the rest; None where the class or the rest has no image.

    `true` are class indices (n,), `probabilities` (n, C), `classes` the C names.
    """
    true, probabilities = np.asarray(true), np.asarray(probabilities, dtype=np.float64)
    return {name: _curve(name, true == index, probabilities[:, index]) for index, name in enumerate(classes)}


def micro_precision_recall(true: ArrayLike, probabilities: ArrayLike) -> PrecisionRecall | None:
    """All (image, class) decisions pooled into one curve; None without images."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    indicator = np.asarray(true)[:, None] == np.arange(probabilities.shape[1])[None, :]
    return _curve("micro", indicator.ravel(), probabilities.ravel())


def _curve(name: str, positive: NDArray[np.bool_], score: Floats) -> PrecisionRecall | None:
    if not positive.any() or positive.all():
        return None
    precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
    average = float(average_precision_score(positive, score))
    return PrecisionRecall(name, recall, precision, average, float(positive.mean()))
