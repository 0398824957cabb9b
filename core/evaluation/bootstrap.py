"""Intervals by redrawing the images: of means over classes and of average precision, which have no own formula.

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
from core.evaluation.intervals import Estimate, clopper_pearson
from core.evaluation.metrics import RATES, counts_of, report_of

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
    """One figure a class (None where the class or the rest has no image), the pooled one and the classes' mean."""

    classes: list[Estimate | None]
    micro: Estimate | None
    macro: Estimate | None


def areas(true: ArrayLike, probabilities: ArrayLike, level: float = 0.95) -> tuple[Areas, Areas]:
    """(areas under ROC curves, average precisions): each class against the rest, pooled, and the mean; with intervals.

    The ROC area of a class has DeLong's interval (`delong.area`), all else that of the redraws. Where every redraw
    gives the same ROC area (all classes are told apart perfectly, say), the macro area takes the mean of the classes'
    intervals at the level that holds for all at once, and the micro area that of n // 2 disjoint pairs of images. An
    average precision that no redraw changes has no interval.

    `true` are class indices (n,), `probabilities` (n, C). Micro and macro are None unless every class has images and
    there are two classes or more.
    """
    true, probabilities = np.asarray(true, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    n_classes = probabilities.shape[1]
    positive = true[:, None] == np.arange(n_classes)  # (n, C)
    known = [bool(positive[:, c].any() and not positive[:, c].all()) for c in range(n_classes)]

    def class_areas(level: float) -> list[Estimate | None]:
        return [area(positive[:, c], probabilities[:, c], level) if known[c] else None for c in range(n_classes)]

    if not all(known):
        return Areas(class_areas(level), None, None), Areas([None] * n_classes, None, None)
    images = np.arange(len(true))
    curves = [_Curve(images, positive[:, c], probabilities[:, c], len(true)) for c in range(n_classes)]
    curves.append(_Curve(np.repeat(images, n_classes), positive.ravel(), probabilities.ravel(), len(true)))
    as_drawn = np.ones((len(true), 1), dtype=np.float32)
    values = np.array([curve.both(as_drawn) for curve in curves])[:, :, 0]  # (C + 1, 2)
    redrawn = np.concatenate(
        [[curve.both(weights) for curve in curves] for weights in redraws(true, n_classes, n_classes)], axis=2
    )  # (C + 1, 2, redraws)
    values = np.concatenate([values, values[:-1].mean(axis=0, keepdims=True)])  # micro at -2, macro at -1
    redrawn = np.concatenate([redrawn, redrawn[:-1].mean(axis=0, keepdims=True)])
    roc = [_percentiles(value, drawn, level) for value, drawn in zip(values[:, 0], redrawn[:, 0], strict=True)]
    precision = [_percentiles(value, drawn, level) for value, drawn in zip(values[:, 1], redrawn[:, 1], strict=True)]
    if roc[-2].method == NO_WIDTH:
        bound = without_width(roc[-2].value, len(true) // 2, level)
        roc[-2] = Estimate(bound.value, bound.low, bound.high, IMAGE_PAIRS if bound.value in (0, 1) else bound.method)
    if roc[-1].method == NO_WIDTH:
        each = [found for found in class_areas(1 - (1 - level) / n_classes) if found is not None]
        low, high = float(np.mean([one.low for one in each])), float(np.mean([one.high for one in each]))
        roc[-1] = Estimate(roc[-1].value, low, high, CLASS_BOUNDS)
    return Areas(class_areas(level), roc[-2], roc[-1]), Areas([*precision[:-2]], precision[-2], precision[-1])


def macro_rates(matrix: ArrayLike, level: float = 0.95) -> dict[str, Estimate]:
    """Macro precision, recall, F1 and specificity of a confusion matrix (C, C), row = true class, with intervals.

    To redraw the images of a class is to redraw its row of the matrix, so the matrix is all that is needed. Where every
    redraw gives the same (no image is misclassified), precision, recall and specificity take the mean of the classes'
    exact intervals at the level that holds for all at once; F1 is no share of images and has none.
    """
    matrix = np.asarray(matrix, dtype=np.int64)
    counts = counts_of(matrix)
    found = report_of(counts)
    rng = np.random.default_rng(SEED)
    rows = [
        rng.multinomial(row.sum(), row / max(1, row.sum()) if row.any() else [1 / len(row)] * len(row), size=REDRAWS)
        for row in matrix
    ]
    drawn = np.stack(rows, axis=1)  # (redraws, C, C)
    tp = np.diagonal(drawn, axis1=1, axis2=2)
    fn, fp = drawn.sum(axis=2) - tp, drawn.sum(axis=1) - tp
    tn = found.n - tp - fn - fp
    redrawn = {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "specificity": _ratio(tn, tn + fp),
    }
    shares = {
        "precision": (counts["tp"], counts["tp"] + counts["fp"]),
        "recall": (counts["tp"], counts["support"]),
        "specificity": (counts["tn"], counts["tn"] + counts["fp"]),
    }
    out = {}
    for name in RATES:
        out[name] = _percentiles(found.macro[name], redrawn[name].mean(axis=1), level)
        if out[name].method == NO_WIDTH and name in shares:
            at_once = 1 - (1 - level) / len(matrix)
            bounds = [clopper_pearson(int(good), int(n), at_once) for good, n in zip(*shares[name], strict=True)]
            low, high = np.mean(bounds, axis=0)
            out[name] = Estimate(found.macro[name], float(low), float(high), CLASS_BOUNDS)
    return out


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


def _ratio(part: Ints, whole: Ints) -> Floats:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
