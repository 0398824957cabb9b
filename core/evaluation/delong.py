"""The area under one ROC curve with its interval.

DeLong's interval is taken on the logit scale: near 1, where good classifiers are, the plain one leaves [0, 1] and
covers too little (M. S. Pepe, The Statistical Evaluation of Medical Tests, Oxford 2003, chapter 5). Where DeLong has
no width, and would claim to know the area exactly, a method that assumes nothing about the scores takes its place.

References: E. R. DeLong et al., Biometrics 44 (1988) 837-845; X. Sun and W. Xu, IEEE Signal Processing Letters 21
(2014) 1389-1393 (midranks instead of all pairs: n log n).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from core.evaluation.intervals import Estimate, clopper_pearson

DELONG = "DeLong (logit scale)"
EXACT = "exact over disjoint pairs"  # Clopper-Pearson
HOEFFDING = "Hoeffding's bound"


def delong(positive: ArrayLike, score: ArrayLike) -> tuple[float, float]:
    """(area, variance of the area) of one score; the variance is NaN with fewer than two images on either side.

    `positive` (n,) says which images are of the class, `score` (n,) is higher for those that look like it. With m
    positives and k negatives and midranks R over all images and r over the positives alone, the placement of a
    positive is (R - r) / k: the share of negatives below it, ties counting half (Sun and Xu 2014, section III).
    The variance is var(placements of positives) / m + var(placements of negatives) / k.

    Raises ValueError when the lengths differ or one side is empty.
    """
    positive, score = np.asarray(positive, dtype=bool).reshape(-1), np.asarray(score, dtype=np.float64).reshape(-1)
    if len(positive) != len(score):
        raise ValueError(f"positive has {len(positive)} entries and score {len(score)}; they must be as many.")
    m = int(positive.sum())
    k = len(positive) - m
    if not m or not k:
        raise ValueError(f"An area needs images on both sides; there are {m} of the class and {k} others.")
    ranks = rankdata(score)
    above = (ranks[positive] - rankdata(score[positive])) / k  # (m,)
    below = 1 - (ranks[~positive] - rankdata(score[~positive])) / m  # (k,)
    variance = float(above.var(ddof=1) / m + below.var(ddof=1) / k) if min(m, k) > 1 else math.nan
    # The sum is a whole number of half pairs: this way a perfect area is 1 and not 1 less a rounding error.
    pairs = float(ranks[positive].sum()) - m * (m + 1) / 2
    return pairs / (m * k), variance


def area(positive: ArrayLike, score: ArrayLike, level: float = 0.95) -> Estimate:
    """The area under the ROC curve of one score, with an interval of that level. Arguments as of `delong`."""
    positive = np.asarray(positive, dtype=bool).reshape(-1)
    value, variance = delong(positive, score)
    if variance > 0 and 0 < value < 1:
        half = float(norm.ppf((1 + level) / 2)) * math.sqrt(variance) / (value * (1 - value))
        return Estimate(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)), DELONG)
    m = int(positive.sum())
    return without_width(value, min(m, len(positive) - m), level)


def without_width(value: float, pairs: int, level: float = 0.95) -> Estimate:
    """The interval of an area whose estimated variance is 0 or unknown.

    `pairs` is how many pairs (one image of the class, one other) can be made so that no image is used twice: the
    smaller of the two numbers. Such pairs are independent, each in order with the probability that the area estimates.

    An area of 1 means that all of them are in order, so no area below the Clopper-Pearson bound of `pairs` out of
    `pairs` is likely, whatever the scores' distribution; likewise 0. In between (all scores tied, or a single image on
    a side) it is the bound for two-sample U-statistics, sqrt(ln(2 / (1 - level)) / (2 pairs)) to both sides
    (W. Hoeffding, JASA 58 (1963) 13-30, section 5).
    """
    if value in (0.0, 1.0):
        return Estimate(value, *clopper_pearson(pairs if value else 0, pairs, level), EXACT)
    half = math.sqrt(math.log(2 / (1 - level)) / (2 * pairs)) if pairs else 1.0
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), HOEFFDING)
