"""Temperature scaling: one number that makes a model's probabilities mean what they say.

Logits are divided by a temperature T > 0, chosen so that the labels of calibration images are the most likely; the
class that is called stays the same. Of probabilities p, whose logarithms are logits up to a constant, this is
p^(1/T), scaled to sum 1, so a fusion's answers can be calibrated too.

Where every calibration image is called right, T = 0 would be the most likely: certainty, from a few images. So the
labels are counted as Platt counted them: of n images, the label has 1 - 1 / (n + 2) and the other classes share the
rest, as if one more image had been right and one more wrong.

References: C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (section 4.2); J. Platt, Probabilistic
Outputs for Support Vector Machines, 1999 (section 2.2, the targets).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = NDArray[np.float64]

RANGE: Final = (0.05, 20.0)  # of T; an optimum at its edge means that the images say nothing of it
LEAST: Final = 1e-30  # of a probability: float32 softmax gives 0 for what is smaller


def fit_temperature(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """The temperature within RANGE with the least cross-entropy to Platt's targets of the labels (n,).

    `probabilities` (n, C) are those of images that neither training nor a choice has used. Raises ValueError without
    images, or where the numbers differ.
    """
    p, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64).reshape(-1)
    if p.ndim != 2 or len(p) != len(labels) or not len(p):
        raise ValueError(f"Probabilities {p.shape} and {len(labels)} labels cannot be calibrated; give one a row.")
    found = minimize_scalar(
        lambda log_t: cross_entropy(tempered(p, float(np.exp(log_t))), labels),
        bounds=tuple(np.log(RANGE)), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


def tempered(probabilities: ArrayLike, temperature: float) -> Floats:
    """Probabilities (..., C) after dividing their logits by the temperature."""
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), LEAST))
    return np.asarray(np.exp(log_softmax(logits / temperature, axis=-1)))


def cross_entropy(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over images (n, C) of the cross-entropy to Platt's targets of the labels (n,)."""
    n, classes = probabilities.shape
    targets = np.full((n, classes), 1 / (n + 2) / max(1, classes - 1))
    targets[np.arange(n), labels] = 1 - 1 / (n + 2)
    return float(-(targets * np.log(np.maximum(probabilities, LEAST))).sum(axis=1).mean())


def negative_log_likelihood(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over images (n, C) of -log of the probability of the label (n,)."""
    chosen = np.take_along_axis(probabilities, labels[:, None], axis=1)
    return float(-np.log(np.maximum(chosen, LEAST)).mean())
