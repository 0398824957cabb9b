"""Validation sets as chance might have drawn them: the bootstrap of images, within each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def stratified_redraws(true: ArrayLike, redraws: int, seed: int = 0) -> NDArray[np.float64]:
    """How often each image (n,) stands in each redrawn set: (redraws, n) whole numbers.

    Each set draws, with replacement, as many images of each class as there are: the split was made within the classes,
    so their numbers are no matter of chance. Images are drawn one by one, as if none were near-duplicates.

    References: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), ch. 8.
    """
    true = np.asarray(true)
    random = np.random.default_rng(seed)
    weights = np.zeros((redraws, len(true)))
    for class_index in np.unique(true):
        places = np.flatnonzero(true == class_index)
        share = np.full(len(places), 1 / len(places))
        weights[:, places] = random.multinomial(len(places), share, size=redraws)
    return weights
