"""How far a model's probabilities can be taken at their word: reliability diagram and expected calibration error.

Top-label: of each image only the class that it is called and the probability of that class (the confidence) count. A
model is calibrated when, of the images that it calls with a confidence of 0.8, it is right on 80 %.

References: C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (equations 2 and 3); J. Bröcker and
L. A. Smith, Weather and Forecasting 22 (2007) 651-661 (consistency resampling).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 10
REDRAWS = 1000
SEED = 0
_CELLS = 2_000_000  # draws held at a time


@dataclass(frozen=True)
class Reliability:
    """Equal-width bins of the confidence, B of them, and what they add up to.

    Attributes:
        edges: (B + 1,) from 0 to 1; a bin holds its upper edge and not its lower one.
        images: (B,) in each bin.
        right: (B,) of them called right.
        confidence: (B,) mean confidence in the bin; NaN where it is empty.
        error: expected calibration error, the mean over the images of |accuracy - confidence| of their bins.
        chance: error that a calibrated model with these confidences stays below in 95 % of such samples; NaN with no
            images. The error of a calibrated model is not 0: in few images accuracy differs from confidence by chance.
    """

    edges: Floats
    images: Ints
    right: Ints
    confidence: Floats
    error: float
    chance: float


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = BINS, level: float = 0.95) -> Reliability:
    """Bin the confidences (n,) in [0, 1] of images that were called right or not (n,).

    `chance` is the `level` quantile of the error over 1,000 redraws (seed 0) in which each image is right with the
    probability that the model gave it. Raises ValueError when the lengths differ or a confidence leaves [0, 1].
    """
    confidence, right = np.asarray(confidence, dtype=np.float64).reshape(-1), np.asarray(right, dtype=bool).reshape(-1)
    if len(confidence) != len(right):
        raise ValueError(f"confidence has {len(confidence)} entries and right {len(right)}; they must be as many.")
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1 + 1e-6):
        raise ValueError("A confidence is a probability and lies in 0 to 1; give softmax outputs, not logits.")
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    images = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    sums: Floats = np.bincount(place, weights=confidence, minlength=bins).astype(np.float64)
    mean = np.divide(sums, images, out=np.full(bins, np.nan), where=images > 0)
    if not len(confidence):
        return Reliability(edges, images, hits.astype(np.int64), mean, float("nan"), float("nan"))
    error = float(np.abs(hits - sums).sum() / len(confidence))
    chance = float(np.quantile(_chance(confidence, place, sums), level))
    return Reliability(edges, images, hits.astype(np.int64), mean, error, chance)


def _chance(confidence: Floats, place: Ints, sums: Floats) -> Floats:
    """Errors (redraws,) of a calibrated model with these confidences."""
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(place[order]) > 0])
    expected = sums[place[order][starts]]
    rng = np.random.default_rng(SEED)
    step = max(1, _CELLS // len(confidence))
    errors = []
    for start in range(0, REDRAWS, step):
        drawn = rng.random((min(step, REDRAWS - start), len(confidence))) < confidence[order]
        hits = np.add.reduceat(drawn, starts, axis=1, dtype=np.int64)
        errors.append(np.abs(hits - expected).sum(axis=1) / len(confidence))
    return np.concatenate(errors)
