"""What a classifier's rates become where the classes are as frequent as elsewhere: PPV, NPV, specificity, mean cost.

A blast is one of five images in a balanced test split and one of 200 cells in a smear. What stays is how the images of
each class are decided: the rows of the matrix of decisions, divided by their sums, R (assumption: the images of a
class look alike in both places). Weighting the rows by the prevalence pi gives every rate (Bayes):

    PPV_k = pi_k R_kk / sum_i pi_i R_ik        NPV_k = sum_{i != k} pi_i (1 - R_ik) / sum_i pi_i (1 - R_ik)

References: D. G. Altman, J. M. Bland, Diagnostic tests 2: predictive values, BMJ 309 (1994) 102; M. Saerens,
P. Latinne, C. Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14
(2002) 21-41.

Intervals. At the data's own prevalence a predictive value is a share of images and has a Wilson interval. At another
one it is a ratio of shares from separate classes. There, each R_ik is drawn from its Jeffreys posterior,
Beta(x + 1/2, n - x + 1/2), the rows independent; the interval holds the middle 95 % of what the formula makes of the
draws, widened to hold the estimate (as Jeffreys intervals are at 0 and n). A bootstrap or the delta method would give
no width where no error was seen, which is the common case here.
References: L. D. Brown, T. T. Cai, A. DasGupta, Interval estimation for a binomial proportion, Statistical Science 16
(2001) 101-133; N. D. Mercaldo, K. F. Lau, X. H. Zhou, Confidence intervals for predictive values with an emphasis to
case-control studies, Statistics in Medicine 26 (2007) 2170-2183, for the problem and its logit intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MEASURES = ("sensitivity", "specificity", "ppv", "npv")
DRAWS = 4000


@dataclass(frozen=True)
class Rates:
    """A rate of each class (C,) and its interval (C, 2), all in [0, 1]; NaN where there is nothing to divide by."""

    value: Floats
    interval: Floats


def shares_of(counts: ArrayLike) -> Floats:
    """Prevalence (C,) from numbers of cells or images of each class. Raises ValueError unless some are above 0."""
    numbers: Floats = np.asarray(counts, dtype=np.float64)
    if not np.isfinite(numbers).all() or (numbers < 0).any() or not numbers.sum() > 0:
        raise ValueError("A prevalence needs numbers of at least 0, and one above 0.")
    return numbers / float(numbers.sum())


def rates_at(matrix: ArrayLike, prevalence: ArrayLike, *, level: float = 0.95, seed: int = 0) -> dict[str, Rates]:
    """Each of MEASURES of every class at a prevalence (C,), sum 1, from a matrix of decisions (C, D), D >= C.

    A class without images has unknown rates; where it has a share, so has every other class. The draws come from
    `seed`: the same matrix gives the same interval.
    """
    counts, shares = np.asarray(matrix, dtype=np.float64), np.asarray(prevalence, dtype=np.float64)
    n = counts.sum(axis=1)
    n_classes = len(n)
    called = counts[:, :n_classes]
    with np.errstate(invalid="ignore", divide="ignore"):
        estimates = _measures((called / n[:, None])[None], shares)
    drawn = np.random.default_rng(seed).beta(called + 0.5, n[:, None] - called + 0.5, (DRAWS, n_classes, n_classes))
    simulated = _measures(drawn, shares)
    return {name: _rates(estimates[name][0], simulated[name], level) for name in MEASURES}


def mean_at(
    matrix: ArrayLike, values: ArrayLike, prevalence: ArrayLike, *, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """(estimate, low, high) of the mean value an image, such as its cost, at a prevalence (C,), sum 1.

    Each row is drawn by `posterior_shares`, so the interval has a width where no costly decision was seen. NaN where a
    class with a share has no image.

    Args:
        matrix: images (C, D) of each true class by decision.
        values: value (C, D) of each decision, such as its cost.
    """
    counts, worth = np.asarray(matrix, dtype=np.float64), np.asarray(values, dtype=np.float64)
    shares = np.asarray(prevalence, dtype=np.float64)
    present = shares > 0
    n = counts.sum(axis=1)
    if (n[present] == 0).any():
        return float("nan"), float("nan"), float("nan")
    estimate = sum(float(shares[i] * (counts[i] @ worth[i]) / n[i]) for i in np.flatnonzero(present))
    rng = np.random.default_rng(seed)
    drawn = np.zeros(DRAWS)
    for i in np.flatnonzero(present):
        drawn += shares[i] * (posterior_shares(counts[i], rng) @ worth[i])
    return estimate, *middle(estimate, drawn, level)


def posterior_shares(row: ArrayLike, rng: np.random.Generator, *, weight: float = 1.0) -> Floats:
    """Draws (DRAWS, D) of the shares of the images of one true class that get each of D decisions, from counts (D,).

    From a Dirichlet posterior whose prior weighs as much as `weight` images, spread evenly over the decisions: one
    (W. Perks, Some observations on inverse probability, Journal of the Institute of Actuaries 73 (1947) 285-334; for
    two decisions it is Jeffreys'), or none, where some count is above 0 (the Bayesian bootstrap, D. B. Rubin, Annals of
    Statistics 9 (1981) 130-134).
    """
    counts = np.asarray(row, dtype=np.float64)
    return rng.dirichlet(counts + weight / len(counts), DRAWS)


def middle(estimate: float, drawn: Floats, level: float) -> tuple[float, float]:
    """(low, high) of the middle `level` of the draws (b,), widened to hold the estimate."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), estimate), max(float(high), estimate)


def _measures(called: Floats, shares: Floats) -> dict[str, Floats]:
    """MEASURES, each (b, C), of rows (b, C, C): the share of the images of class i that are decided as class k."""
    weighted = np.where(shares[:, None] > 0, shares[:, None] * called, 0.0)  # a class without a share may be unknown
    hits = np.diagonal(weighted, axis1=1, axis2=2)
    false = np.maximum(weighted.sum(axis=1) - hits, 0.0)
    others = np.maximum(1 - shares, 0.0)
    free = np.maximum(others - false, 0.0)
    missed = np.maximum(shares - hits, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "sensitivity": np.diagonal(called, axis1=1, axis2=2),
            "specificity": free / others,
            "ppv": hits / (hits + false),
            "npv": free / (free + missed),
        }


def _rates(estimate: Floats, drawn: Floats, level: float) -> Rates:
    interval = np.full((len(estimate), 2), np.nan)
    known = np.isfinite(estimate)
    if known.any():
        low, high = np.nanquantile(drawn[:, known], [(1 - level) / 2, (1 + level) / 2], axis=0)
        interval[known] = np.stack([np.minimum(low, estimate[known]), np.maximum(high, estimate[known])], axis=1)
    return Rates(estimate, interval)
