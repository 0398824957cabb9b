"""Intervals by redrawing the images: of pooled and mean areas and of average precision, which have no own formula.

Stratified: each true class is redrawn, with replacement, to its own number of images, so that no redraw loses a class.
Percentile intervals of a fixed number of redraws from a fixed seed, so that the same images give the same interval.

References: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from core.evaluation.delong import area, without_width
from core.evaluation.intervals import Estimate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Weights = NDArray[np.float32]  # whole numbers, exact up to 16 million

REDRAWS = 1000
SEED = 0
BOOTSTRAP = f"stratified bootstrap ({REDRAWS:,} redraws, seed {SEED})"
CLASS_BOUNDS = "mean of the classes' intervals (Bonferroni)"
IMAGE_PAIRS = "exact over disjoint pairs of images"
NO_WIDTH = "unknown: every redraw gives the same"
_WEIGHTS = 1_000_000  # held at a time


@dataclass(frozen=True)
class Areas:
    """One figure a class (None where the class or the rest has no image), the pooled one and the classes' mean.

    The pooled one (micro) is None without images or with one class only, the mean (macro) where a class has none.
    """

    classes: list[Estimate | None]
    micro: Estimate | None
    macro: Estimate | None


def areas(true: ArrayLike, probabilities: ArrayLike, level: float = 0.95) -> tuple[Areas, Areas]:
    """(areas under ROC curves, average precisions): each class against the rest, pooled, and the mean; with intervals.

    The ROC area of a class has DeLong's interval (`delong.area`), all else that of the redraws. Where every redraw
    gives the same ROC area (all classes are told apart perfectly, say), the macro area takes the mean of the classes'
    intervals at the level that holds for all at once, and the micro area that of n // 2 disjoint pairs of images. An
    average precision that no redraw changes has no interval.

    `true` are class indices (n,), `probabilities` (n, C). A class that is None takes nothing from the others or from
    micro, which pools what there is; a mean over fewer classes would not compare, so macro is None then.
    """
    true, probabilities = np.asarray(true, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    n_classes = probabilities.shape[1]
    positive = true[:, None] == np.arange(n_classes)  # (n, C)
    known = [bool(positive[:, c].any() and not positive[:, c].all()) for c in range(n_classes)]

    def class_areas(level: float) -> list[Estimate | None]:
        return [area(positive[:, c], probabilities[:, c], level) if known[c] else None for c in range(n_classes)]

    if not len(true) or n_classes < 2:
        return Areas([None] * n_classes, None, None), Areas([None] * n_classes, None, None)
    images = np.arange(len(true))
    of = np.flatnonzero(known)
    curves = [_Curve(images, positive[:, c], probabilities[:, c], len(true)) for c in of]
    curves.append(_Curve(np.repeat(images, n_classes), positive.ravel(), probabilities.ravel(), len(true)))
    as_drawn = np.ones((len(true), 1), dtype=np.float32)
    values = np.array([curve.both(as_drawn) for curve in curves])[:, :, 0]  # (known + 1, 2), micro last
    redrawn = np.concatenate(
        [[curve.both(weights) for curve in curves] for weights in redraws(true, n_classes, n_classes)], axis=2
    )  # (known + 1, 2, redraws)
    micro = [_percentiles(values[-1, kind], redrawn[-1, kind], level) for kind in (0, 1)]
    if micro[0].method == NO_WIDTH:
        bound = without_width(micro[0].value, len(true) // 2, level)
        micro[0] = Estimate(bound.value, bound.low, bound.high, IMAGE_PAIRS if bound.value in (0, 1) else bound.method)
    macro: list[Estimate | None] = [None, None]
    if all(known):
        roc, precision = (
            _percentiles(values[:-1, kind].mean(), redrawn[:-1, kind].mean(axis=0), level) for kind in (0, 1)
        )
        if roc.method == NO_WIDTH:
            each = [found for found in class_areas(1 - (1 - level) / n_classes) if found is not None]
            low, high = float(np.mean([one.low for one in each])), float(np.mean([one.high for one in each]))
            roc = Estimate(roc.value, low, high, CLASS_BOUNDS)
        macro = [roc, precision]
    average_precision: list[Estimate | None] = [None] * n_classes
    for place, c in enumerate(of):
        average_precision[c] = _percentiles(values[place, 1], redrawn[place, 1], level)
    return Areas(class_areas(level), micro[0], macro[0]), Areas(average_precision, micro[1], macro[1])


def redraws(true: ArrayLike, n_classes: int, width: int = 1) -> Iterator[Weights]:
    """How often each image is in each redraw, (n, redraws) in parts that add up to REDRAWS.

    `true` are class indices (n,). Every column holds as many images of each class as there are. `width` is how many
    numbers the caller makes of each, so that the parts stay small.
    """
    true = np.asarray(true, dtype=np.int64)
    rng = np.random.default_rng(SEED)
    step = min(REDRAWS, max(1, _WEIGHTS // max(1, len(true) * width)))
    for start in range(0, REDRAWS, step):
        columns = min(step, REDRAWS - start)
        weights = np.zeros((len(true), columns), dtype=np.float32)
        for index in range(n_classes):
            rows = np.flatnonzero(true == index)
            drawn = rng.integers(0, max(1, len(rows)), (len(rows), columns)) * columns + np.arange(columns)
            weights[rows] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        yield weights


class _Curve:
    """A score's order, once; its area and average precision under any weights of the images, many at a time."""

    def __init__(self, images: Ints, positive: NDArray[np.bool_], score: Floats, n_images: int) -> None:
        """`images` (k,) says whose decision each of the k is; `positive` and `score` (k,) as of `delong`."""
        yes, no = np.flatnonzero(positive), np.flatnonzero(~positive)
        yes, no = yes[np.argsort(score[yes], kind="stable")], no[np.argsort(score[no], kind="stable")]
        self.positives = images[yes]
        self.before = np.searchsorted(score[yes], score[yes], side="left")  # positives below each positive
        below = np.searchsorted(score[no], score[yes], side="left")  # negatives below it
        up_to = np.searchsorted(score[no], score[yes], side="right")  # and those that tie with it too
        # Negatives between the same two positives only count together: most of a good score's lie below all positives.
        cuts, where = np.unique(np.concatenate([below, up_to]), return_inverse=True)
        self.below, self.up_to = where[: len(yes)], where[len(yes) :]
        groups = np.searchsorted(cuts, np.arange(len(no)), side="right")
        ones = np.ones(len(no), dtype=np.float32)
        self.negatives = csr_array((ones, (groups, images[no])), shape=(len(cuts) + 1, n_images))

    def both(self, weights: Weights) -> tuple[Floats, Floats]:
        """(areas under the ROC curve, average precisions), each (redraws,), from weights (n, redraws)."""
        own = weights[self.positives]  # (positives, redraws)
        positives = np.cumsum(own, axis=0)
        negatives = np.cumsum(self.negatives @ weights, axis=0)
        total, others = positives[-1].astype(np.float64), negatives[-1].astype(np.float64)
        below, up_to = negatives[self.below], negatives[self.up_to]
        roc = (own * (below + up_to)).sum(axis=0, dtype=np.float64) / (2 * total * others)
        at_least = positives[-1] - (positives - own)[self.before]  # positives that score as high or higher
        called = np.maximum(at_least + (negatives[-1] - below), 1)
        return roc, (own * at_least / called).sum(axis=0, dtype=np.float64) / total


def _percentiles(value: float, redrawn: Floats, level: float) -> Estimate:
    low, high = np.quantile(redrawn, [(1 - level) / 2, (1 + level) / 2])
    if np.ptp(redrawn) < 1e-12:
        return Estimate(float(value), float("nan"), float("nan"), NO_WIDTH)
    return Estimate(float(value), float(low), float(high), BOOTSTRAP)
