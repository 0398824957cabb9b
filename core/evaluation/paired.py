"""Two or more models on the same images: is one really better? McNemar's exact test, Holm's adjustment over the pairs.

Only the images on which two models disagree tell them apart; how many both have right says nothing of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import binomtest


@dataclass(frozen=True)
class Paired:
    """Two models on `n` common images: `first_only` of them only the first has right, `second_only` only the second."""

    first_only: int
    second_only: int
    n: int

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second, in [-1, 1]; 0 without images."""
        return (self.first_only - self.second_only) / self.n if self.n else 0.0

    @property
    def p(self) -> float:
        """Two-sided p of McNemar's exact test."""
        return mcnemar(self.first_only, self.second_only)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Adjusted Wald interval of `difference`, as (low, high) in [-1, 1]; (-1, 1) without images.

        References: D. G. Bonett & R. M. Price, J. Educ. Behav. Stat. 37 (2012) 479-488.
        """
        if not self.n:
            return -1.0, 1.0
        first, second = (self.first_only + 1) / (self.n + 2), (self.second_only + 1) / (self.n + 2)
        middle = first - second
        reach = float(ndtri(0.5 + level / 2)) * float(np.sqrt((first + second - middle**2) / (self.n + 2)))
        return max(-1.0, middle - reach), min(1.0, middle + reach)


@lru_cache(maxsize=8192)  # many pairs disagree on equally many images
def mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided p of McNemar's exact test: of the images on which two models disagree, half should fall to each.

    `first_only` and `second_only` count the images that only one of them has right. 1 where they never disagree.
    References: Q. McNemar, Psychometrika 12 (1947) 153-157; the exact form is the sign test on the discordant pairs.
    Raises ValueError when a count is negative.
    """
    first_only, second_only = int(first_only), int(second_only)
    if min(first_only, second_only) < 0:
        raise ValueError(f"{first_only} and {second_only} images: counts cannot be negative.")
    discordant = first_only + second_only
    return float(binomtest(first_only, discordant, 0.5).pvalue) if discordant else 1.0


def compare(right: ArrayLike) -> list[tuple[int, int, Paired]]:
    """Every pair of models: (first, second, how they differ), first < second, in the order of the models.

    `right` (models, images) tells which image each model has right; images in the same order for all.
    Raises ValueError for another shape.
    """
    table = np.asarray(right, dtype=bool)
    if table.ndim != 2:
        raise ValueError(f"right has the shape {table.shape}; it must be (models, images).")
    only = table.astype(np.int64) @ (~table).astype(np.int64).T  # [i, j]: images that i has right and j wrong
    models, images = table.shape
    return [
        (first, second, Paired(int(only[first, second]), int(only[second, first]), images))
        for first in range(models)
        for second in range(first + 1, models)
    ]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Each p (m,) adjusted for m tests by Holm's step-down method: the chance of any false alarm stays at the level.

    References: S. Holm, Scand. J. Stat. 6 (1979) 65-70.
    Raises ValueError when a p does not lie in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64).reshape(-1)
    if len(p) and not (p.min() >= 0 and p.max() <= 1):  # NaN too
        raise ValueError("A p value does not lie between 0 and 1.")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
