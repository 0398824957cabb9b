"""Prediction sets that hold the true class with a stated probability, for each class by itself.

An image's score for class k is 1 - p_k, with p the model's probabilities before any calibration: nothing that was
fitted to the calibration images stands in a score, so a new image of class k is exchangeable with the n_k calibration
images of that class. Its p-value for k, (1 + #{calibration images of k that score at least as high}) / (n_k + 1), is
at most alpha with probability at most alpha, on average over calibration sets; the set holds every class whose p-value
is above alpha. The least p-value is 1 / (n_k + 1): few images cannot vouch for a small alpha, so each class has the
larger of the two as its level.

References: V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, 2005 (section 4.5, label-
conditional); M. Sadinle, J. Lei, L. Wasserman, J. American Statistical Association 114 (2019) 223-234 (the score).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ALPHA: Final = 0.05  # share of images whose set may miss their class
FEWEST: Final = 9  # calibration images of a class: with fewer not even 90 % can be vouched for


class ConformalError(ValueError):
    """No sets can be told; the message says why."""


@dataclass(frozen=True)
class ClassConditional:
    """What the calibration images say of each class.

    Attributes:
        known: for each class, the sorted probabilities (n_k,) that the model gave the true class.
        alpha: the level that is wanted.
    """

    known: tuple[Floats, ...]
    alpha: float = ALPHA

    def levels(self) -> Floats:
        """(C,) the level that each class can have: alpha, or 1 / (n_k + 1) where its images are too few for that."""
        return np.array([max(self.alpha, 1 / (len(one) + 1)) for one in self.known])

    def p_values(self, probabilities: ArrayLike) -> Floats:
        """(n, C) conformal p-values of uncalibrated probabilities (n, C)."""
        p = np.atleast_2d(np.asarray(probabilities, dtype=np.float64))
        columns = [
            (1 + np.searchsorted(one, p[:, index], side="right")) / (len(one) + 1)
            for index, one in enumerate(self.known)
        ]
        return np.stack(columns, axis=1)

    def members(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """(n, C): which classes each image's set holds."""
        return np.asarray(self.p_values(probabilities) > self.levels() + 1e-12)

    def least(self, index: int, alpha: float) -> tuple[float, float]:
        """A threshold on the probability of one class, and the sensitivity that it has at least, on average.

        Of new images of the class, at most `alpha` (or 1 / (n + 1) where the images are too few) lie below it.
        """
        known = self.known[index]
        allowed = max(1, int(np.floor(alpha * (len(known) + 1) + 1e-9)))
        return float(known[allowed - 1]), 1 - allowed / (len(known) + 1)


def class_conditional(
    probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str], alpha: float = ALPHA
) -> ClassConditional:
    """Learn from uncalibrated probabilities (n, C) of calibration images with labels (n,).

    Raises ConformalError when a class has fewer than FEWEST of them, or `alpha` is not in (0, 1).
    """
    p, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64).reshape(-1)
    if not 0 < alpha < 1:
        raise ConformalError(f"alpha is {alpha:g}; the share of sets that may miss their class lies between 0 and 1.")
    known = tuple(np.sort(p[labels == index, index]) for index in range(len(classes)))
    few = [f"{name} {len(one)}" for name, one in zip(classes, known, strict=True) if len(one) < FEWEST]
    if few:
        raise ConformalError(
            f"Too few calibration images: {', '.join(few)}; with fewer than {FEWEST} of a class nothing worth saying "
            "can be vouched for. Keep a larger calibration split."
        )
    return ClassConditional(known, alpha)
