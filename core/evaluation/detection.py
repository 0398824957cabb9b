"""How well found boxes match those that people drew: recall, precision and F1 at an overlap (IoU).

Boxes are matched one to one so that as many pairs as possible overlap enough, and among those matchings the one with
the greatest sum of overlaps is taken (H. W. Kuhn, Naval Res. Logist. 2, 1955, 83-97, as scipy solves it): no score is
needed, and the order of the boxes does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.evaluation.intervals import Estimate, wilson

Floats = NDArray[np.float64]
Corners = tuple[float, float, float, float]  # left, top, right, bottom; the right and bottom edges lie outside

WILSON = "Wilson"


@dataclass(frozen=True)
class Detection:
    """Counts over fields: boxes found that match one that is there, found ones that do not, and missed ones."""

    matched: int
    false: int
    missed: int

    @property
    def recall(self) -> Estimate:
        """Share of the boxes that are there that were found; NaN where none are there."""
        return _share(self.matched, self.matched + self.missed)

    @property
    def precision(self) -> Estimate:
        """Share of the found boxes that are there; NaN where none was found."""
        return _share(self.matched, self.matched + self.false)

    @property
    def f1(self) -> float:
        """Harmonic mean of both: 2 matched / (2 matched + false + missed); NaN where there is no box at all."""
        boxes = 2 * self.matched + self.false + self.missed
        return 2 * self.matched / boxes if boxes else float("nan")


def iou(first: Sequence[Corners], second: Sequence[Corners]) -> Floats:
    """Area of the intersection over that of the union of each pair of boxes: (n, m) for n and m boxes."""
    a, b = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (first, second))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (a, b)]
    either = areas[0][:, None] + areas[1][None, :] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def match(found: Sequence[Corners], true: Sequence[Corners], least: float) -> list[tuple[int, int]]:
    """Pairs (index of a found box, index of a true one) whose IoU is at least `least`, each box at most once."""
    overlap = iou(found, true)
    worth = np.where(overlap >= least, 1 + overlap / (1 + overlap.size), 0)  # one pair more outweighs all overlaps
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0]


def judge(fields: Iterable[tuple[Sequence[Corners], Sequence[Corners]]], least: float) -> Detection:
    """Counts over fields, each (found boxes, true boxes); a field without true boxes counts too."""
    matched = false = missed = 0
    for found, true in fields:
        pairs = len(match(found, true, least))
        matched, false, missed = matched + pairs, false + len(found) - pairs, missed + len(true) - pairs
    return Detection(matched, false, missed)


def _share(part: int, whole: int) -> Estimate:
    return Estimate(part / whole if whole else float("nan"), *wilson(part, whole), WILSON)
