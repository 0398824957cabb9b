"""Whether an image is like those that a model was trained on: a score for "none of these cells", and a p-value of it.

Two scores, higher for stranger images. *Mahalanobis*: the least squared distance of the L2-normalised pooled features
to the mean of a class, under one covariance that all classes share. *Energy*: minus the log of the summed exponentials
of the logits. Neither needs an image from out of scope, and none is ever used to fit or to choose.

References: K. Lee et al., NeurIPS 2018 (class means and a shared covariance); M. Mueller and M. Hein, Mahalanobis++,
ICML 2025 (features of length 1); O. Ledoit and M. Wolf, J. Multivariate Analysis 88 (2004) 365-411 (the covariance);
W. Liu et al., NeurIPS 2020 (energy); S. Bates et al., Annals of Statistics 51 (2023) 149-178 (conformal p-values).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.special import logsumexp
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import normalize

Floats = NDArray[np.float64]

MAHALANOBIS: Final = "mahalanobis"
ENERGY: Final = "energy"
METHODS: Final = (MAHALANOBIS, ENERGY)  # the first one decides whether an image is flagged
LABELS: Final = {MAHALANOBIS: "Mahalanobis distance", ENERGY: "Energy"}
ALPHA: Final = 0.05  # level of an alarm where nothing else is asked for
VERSION: Final = 1  # raise it when the same images give other scores


class ScopeError(ValueError):
    """No score can be had; the message says why and what to do."""


@dataclass(frozen=True)
class Gaussians:
    """One normal distribution a class, with the same covariance for all, in D features.

    Attributes:
        whiten: (D, D) lower triangular W with W' W = the inverse of the covariance.
        means: (C, D) class means, whitened: W times each.
        shrinkage: weight of the identity in the covariance, in [0, 1].
    """

    whiten: NDArray[np.float32]
    means: NDArray[np.float32]
    shrinkage: float

    def distances(self, features: ArrayLike) -> Floats:
        """Squared Mahalanobis distances (n,) of features (n, D), as the network gives them, to the nearest mean.

        Raises ScopeError for features of another length, or that are not finite.
        """
        unit = _unit(features)
        if unit.shape[1] != self.whiten.shape[1]:
            raise ScopeError(
                f"The network gives {unit.shape[1]} features, the fitted score wants {self.whiten.shape[1]}; fit it "
                "again for this model."
            )
        white = unit @ self._exact.T  # (n, D)
        each = [((white - mean) ** 2).sum(axis=1) for mean in self.means.astype(np.float64)]
        return np.asarray(np.min(each, axis=0), dtype=np.float64)

    @cached_property
    def _exact(self) -> Floats:
        """`whiten` in double precision: made once, since to make it takes longer than to use it."""
        return self.whiten.astype(np.float64)


def fit(features: ArrayLike, labels: ArrayLike) -> Gaussians:
    """Fit class means and the covariance around them, with Ledoit and Wolf's shrinkage.

    Args:
        features: (n, D) pooled features of training images, of any length (norm).
        labels: (n,) class of each; a class without images has no mean.

    Raises ScopeError when the numbers differ, a feature is not finite, or the features do not vary within the classes.
    """
    unit, labels = _unit(features), np.asarray(labels).reshape(-1)
    if len(unit) != len(labels) or not len(unit):
        raise ScopeError(f"There are {len(unit)} rows of features and {len(labels)} labels; they must be as many.")
    names, index = np.unique(labels, return_inverse=True)
    means = np.stack([unit[labels == name].mean(axis=0) for name in names])  # (C, D)
    around = LedoitWolf(store_precision=False, assume_centered=True).fit(unit - means[index])
    try:
        root = cholesky(around.covariance_, lower=True)
    except LinAlgError as error:
        raise ScopeError(
            "The network's features do not vary within the classes of the training images, so no distance can be "
            "told; use a trial that was trained on more images."
        ) from error
    whiten = solve_triangular(root, np.eye(len(root)), lower=True)
    return Gaussians(whiten.astype(np.float32), (means @ whiten.T).astype(np.float32), float(around.shrinkage_))


def energy(logits: ArrayLike) -> Floats:
    """The energy (n,) of logits (n, C): -log sum exp. Raises ScopeError where a logit is not finite."""
    logits = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(logits).all():
        raise ScopeError("The network's outputs are not finite, so no score can be told; train the trial again.")
    return np.asarray(-logsumexp(logits, axis=1), dtype=np.float64)


def p_values(calibration: ArrayLike, scores: ArrayLike) -> Floats:
    """Conformal p-values (m,) of scores (m,) from those (n,) of calibration images: (1 + #{c >= s}) / (n + 1).

    Of an image that is exchangeable with the calibration images, P(p <= alpha) <= alpha, on average over calibration
    sets (Bates et al. 2023, section 2). The least possible value is 1 / (n + 1).
    """
    known = np.sort(np.asarray(calibration, dtype=np.float64).reshape(-1))
    at_least = len(known) - np.searchsorted(known, np.asarray(scores, dtype=np.float64).reshape(-1), side="left")
    return np.asarray((1 + at_least) / (len(known) + 1), dtype=np.float64)


def threshold(calibration: ArrayLike, alpha: float) -> float | None:
    """The score beyond which an image's p-value is at most `alpha`; None where no score can be so high.

    `calibration` are the scores (n,) of the calibration images.
    """
    known = np.sort(np.asarray(calibration, dtype=np.float64).reshape(-1))[::-1]
    allowed = int((np.arange(1, len(known) + 1) / (len(known) + 1) <= alpha).sum())
    return float(known[allowed - 1]) if allowed else None


def least_p(n: int) -> float:
    """The least p-value that n calibration images allow: at a lower level nothing can ever be flagged."""
    return 1 / (n + 1)


def _unit(features: ArrayLike) -> Floats:
    """Rows of length 1; rows of zeros stay."""
    features = np.asarray(features, dtype=np.float64)
    if not np.isfinite(features).all():
        raise ScopeError("The network's features are not finite, so no score can be told; train the trial again.")
    return np.asarray(normalize(features), dtype=np.float64)
