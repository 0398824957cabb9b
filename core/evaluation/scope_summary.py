"""How well a score tells images out of scope from those in it: area, flagged shares, false alarms, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.delong import area
from core.evaluation.intervals import Estimate, wilson
from core.evaluation.scope import ScopeError, least_p, p_values

NOT_KNOWN = (
    "An image that is not flagged may still show none of the classes, and one from another hospital may be flagged "
    "although it shows one of them."
)
USED = "used for nothing else"  # of images out of scope


@dataclass(frozen=True)
class Flagged:
    """Images that are flagged, of those of a name, with the 95 % Wilson interval of their share."""

    name: str
    flagged: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.flagged / self.n if self.n else None

    def words(self) -> str:
        """'3 of 20 (0.1500; 95 % 0.0524 to 0.3604)'."""
        share = "unknown" if self.share is None else f"{self.share:.4f}"
        return f"{self.flagged:,} of {self.n:,} ({share}; 95 % {self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Verdict:
    """What a score says at a level `alpha`: an image with a p-value of at most that is flagged.

    Attributes:
        area: under the ROC curve, out of scope against test images; None without test images.
        flagged: images out of scope that are flagged. `classes`: the same of each of their classes, in order of names.
        alarms: test images that are flagged: false alarms.
        least_p: the least p-value that the calibration images allow.
    """

    alpha: float
    area: Estimate | None
    flagged: Flagged
    classes: tuple[Flagged, ...]
    alarms: Flagged
    least_p: float

    @property
    def can_alarm(self) -> bool:
        """Whether any image can be flagged at this level."""
        return self.least_p <= self.alpha


def check_alpha(alpha: float) -> float:
    """The level itself. Raises ScopeError when it does not lie between 0 and 1."""
    if not 0 < alpha < 1:
        raise ScopeError(f"The level of an alarm is {alpha:g}; it must lie between 0 and 1, such as 0.05.")
    return alpha


def verdict(
    calibration: ArrayLike, test: ArrayLike, outside: ArrayLike, classes: Sequence[str], alpha: float
) -> Verdict:
    """Judge one score.

    Args:
        calibration, test, outside: scores of the calibration images (n,), the test images (t,) and the images out of
            scope (m,), higher for stranger ones.
        classes: name of the class of each image out of scope (m).
        alpha: level, between 0 and 1. Raises ScopeError for another.
    """
    check_alpha(alpha)
    calibration, test, outside = (np.asarray(one, dtype=np.float64).reshape(-1) for one in (calibration, test, outside))
    flagged = p_values(calibration, outside) <= alpha
    names = np.array(list(classes), dtype=object)
    positive = np.r_[np.ones(len(outside), bool), np.zeros(len(test), bool)]
    return Verdict(
        alpha=alpha,
        area=area(positive, np.r_[outside, test]) if len(test) and len(outside) else None,
        flagged=_flagged("all", flagged),
        classes=tuple(_flagged(str(name), flagged[names == name]) for name in sorted(set(names))),
        alarms=_flagged("test", p_values(calibration, test) <= alpha),
        least_p=least_p(len(calibration)),
    )


def level_words(n: int, alpha: float) -> str:
    """What n calibration images allow."""
    least = least_p(n)
    words = f"With {n:,} calibration images the least p-value is {least:.4f}"
    if least <= alpha:
        return f"{words}; at a level below it nothing could be flagged."
    return f"{words}, so at the level {alpha:g} nothing can ever be flagged: choose a higher one or calibrate on more."


def _flagged(name: str, flagged: np.ndarray) -> Flagged:
    k, n = int(flagged.sum()), len(flagged)
    return Flagged(name, k, n, *wilson(k, n))
