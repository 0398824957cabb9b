"""Several models that answer together: their probabilities averaged, or a vote of the classes they call. NumPy only.

`average` is the weighted mean of the members' probabilities (the sum rule), `vote` the weighted share of the members
that call a class. To a vote a millionth of the average is added: members that are split evenly are decided by their
probabilities, not by the order of the classes. Both give (n, C) rows that sum to 1, which are decided as one model's.
References: J. Kittler, M. Hatef, R. P. W. Duin, J. Matas, On combining classifiers, IEEE TPAMI 20 (1998) 226-239.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.metrics import SMALLEST_PROBABILITY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RULES = ("average", "vote")
TIE_SHARE = 1e-6  # of the average, in a vote


class FusionError(ValueError):
    """These models cannot answer together; the message says why."""


@dataclass(frozen=True)
class Outputs:
    """What one model says of a set of images: ids (n,), true classes (n,), probabilities (n, C)."""

    image_ids: Ints
    true: Ints
    probabilities: Floats

    @property
    def n(self) -> int:
        return len(self.true)


def fuse(probabilities: ArrayLike, weights: ArrayLike, rule: str = "average") -> Floats:
    """The answer (n, C) of members whose probabilities are (m, n, C), weighted by (m,); weights need not sum to 1.

    Raises FusionError for an unknown rule, for a negative weight and where no weight is above 0.
    """
    p, w = np.asarray(probabilities, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if rule not in RULES:
        raise FusionError(f"There is no fusion rule {rule!r}; there are {' and '.join(RULES)}.")
    if p.ndim != 3 or w.shape != (len(p),):
        raise FusionError(f"{len(w)} weights for {len(p)} models; give one a model.")
    if (w < 0).any() or not w.sum() > 0:
        raise FusionError("Give at least one member a weight above 0.")
    w = w / w.sum()
    mean: Floats = np.tensordot(w, p, axes=1)
    if rule == "average":
        return mean
    votes = np.zeros(p.shape[1:])
    for weight, called in zip(w, p.argmax(axis=2), strict=True):
        votes[np.arange(len(called)), called] += weight
    return (1 - TIE_SHARE) * votes + TIE_SHARE * mean


def fuse_outputs(members: Sequence[Outputs], weights: Sequence[float], rule: str = "average") -> Outputs:
    """The fusion of what several models say of the same images.

    Raises FusionError when there is no member, or when the members were not judged on the same images and classes.
    """
    first = aligned(members)
    return Outputs(first.image_ids, first.true, fuse(np.stack([m.probabilities for m in members]), weights, rule))


def aligned(members: Sequence[Outputs]) -> Outputs:
    """The first member, once all were found to speak of the same images and classes. Raises FusionError otherwise."""
    if not members:
        raise FusionError("A fusion needs at least one model.")
    first = members[0]
    for member in members[1:]:
        if member.probabilities.shape[1] != first.probabilities.shape[1]:
            raise FusionError("These models know different numbers of classes, so they cannot answer together.")
        same = np.array_equal(member.image_ids, first.image_ids) and np.array_equal(member.true, first.true)
        if not same:
            raise FusionError("These models were not judged on the same images, so they cannot be compared or fused.")
    return first


def mean_loss(true: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean cross-entropy -ln p of the true class over images; `true` (n,) class indices, `probabilities` (n, C)."""
    p, true = np.asarray(probabilities, dtype=np.float64), np.asarray(true)
    return float(-np.log(np.maximum(p[np.arange(len(true)), true], SMALLEST_PROBABILITY)).mean())
