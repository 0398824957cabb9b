"""Intervals of macro rates (precision, recall, F1, specificity) from a confusion matrix.

The shares of each row, the images of one true class, are drawn from their Dirichlet posterior
(`prevalence.posterior_shares`), the rows independent; every draw gives each rate. This is done twice, with a prior that
weighs one image a class and without a prior. The interval spans the middle 95 % of both, and the figure itself.

Why both: few errors are the common case. Without a prior (and in a bootstrap) no error leaves no width at all and one
error hardly any, so that an error would make a figure look more certain. With one, the prior's own errors (most of an
image in every class) can outweigh those seen and push the upper end down to the figure. Exact intervals of a share too
take each end from the posterior that is the more careful there (Clopper and Pearson, 1934).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.intervals import Estimate
from core.evaluation.metrics import RATES, counts_of, report_of
from core.evaluation.prevalence import DRAWS, middle, posterior_shares

Floats = NDArray[np.float64]

SEED = 0
POSTERIOR = (
    f"Dirichlet posteriors of each class's decisions, with and without prior ({DRAWS:,} draws each, seed {SEED})"
)


def macro_rates(matrix: ArrayLike, level: float = 0.95) -> dict[str, Estimate]:
    """Macro precision, recall, F1 and specificity of a confusion matrix (C, C), row = true class, with intervals.

    As in `metrics.report` a rate with nothing to divide by is 0, in the draws too: the recall of a class without images
    is 0 in all of them. Without any image the intervals are 0 to 1.
    """
    matrix = np.asarray(matrix, dtype=np.int64)
    found = report_of(counts_of(matrix))
    if not found.n:
        return {name: Estimate(found.macro[name], 0.0, 1.0, POSTERIOR) for name in RATES}
    rng = np.random.default_rng(SEED)
    ends = {name: [found.macro[name]] for name in RATES}
    for weight in (1.0, 0.0):
        for name, drawn in _drawn(matrix, rng, weight).items():
            ends[name] += middle(found.macro[name], drawn, level)
    return {name: Estimate(found.macro[name], min(ends[name]), max(ends[name]), POSTERIOR) for name in RATES}


def _drawn(matrix: NDArray[np.int64], rng: np.random.Generator, weight: float) -> dict[str, Floats]:
    """Draws (DRAWS,) of each macro rate. A row at a time: all draws of many classes would not fit into memory."""
    support = matrix.sum(axis=1)
    tp, called = np.zeros((2, DRAWS, len(matrix)))
    for index in np.flatnonzero(support):
        row = support[index] * posterior_shares(matrix[index], rng, weight=weight)
        tp[:, index] = row[:, index]
        called += row
    fn, fp = np.maximum(support - tp, 0.0), np.maximum(called - tp, 0.0)
    tn = np.maximum(support.sum() - support - fp, 0.0)
    rates = {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "specificity": _ratio(tn, tn + fp),
    }
    return {name: rate.mean(axis=1) for name, rate in rates.items()}


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
