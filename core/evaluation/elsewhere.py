"""How good a model is on images from elsewhere: per class and per source, with intervals.

Such a set rarely has every class, so only the classes with images are averaged, and which have none is said. Sources
are never pooled silently: `by_source` gives each its own outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.intervals import Estimate, wilson
from core.evaluation.macro import macro_rates
from core.evaluation.metrics import confusion_matrix

UNKNOWN_SOURCE = "source not known"


@dataclass(frozen=True)
class ClassOutcome:
    """One class: its images, those called right, the 95 % Wilson interval of that share, the most frequent error."""

    name: str
    support: int  # images, at least 1
    right: int
    low: float
    high: float
    mistaken_for: str | None  # the first in class order of equally frequent ones; None: no error
    mistaken: int  # images that were called so

    @property
    def sensitivity(self) -> float:
        return self.right / self.support


@dataclass(frozen=True)
class Outcome:
    """Some images judged: accuracy with its 95 % Wilson interval over `n` images, and the classes that are present.

    `macro` is the plain mean of the sensitivities of the classes present (its interval as `macro.macro_rates` has it);
    None, as is the accuracy, without any image. `absent` are the model's classes without images.
    """

    classes: tuple[ClassOutcome, ...]
    absent: tuple[str, ...]
    n: int
    right: int
    low: float
    high: float
    macro: Estimate | None

    @property
    def accuracy(self) -> float | None:
        return self.right / self.n if self.n else None


def outcome_of(true: ArrayLike, predicted: ArrayLike, names: Sequence[str]) -> Outcome:
    """Judge images of which `true` and `predicted` are class indices (n,) in `names` (C).

    Raises ValueError when they differ in length or leave 0..C-1.
    """
    matrix = confusion_matrix(true, predicted, len(names))
    support = matrix.sum(axis=1)
    classes = []
    for index in np.flatnonzero(support):
        wrong = matrix[index].copy()
        right, wrong[index] = int(wrong[index]), 0
        most = int(wrong.argmax())
        low, high = wilson(right, int(support[index]))
        mistaken_for = names[most] if wrong[most] else None
        name, images = names[int(index)], int(support[index])
        classes.append(ClassOutcome(name, images, right, low, high, mistaken_for, int(wrong[most])))
    n, right = int(support.sum()), int(np.trace(matrix))
    absent = tuple(name for name, images in zip(names, support, strict=True) if not images)
    macro = None
    if n:
        # The recall of a class without images is 0, in the figure and in every draw; so a mean over all classes is that
        # over the classes present times their share, and its interval too.
        whole, scale = macro_rates(matrix)["recall"], len(names) / len(classes)
        value, low, high = (min(1.0, end * scale) for end in (whole.value, whole.low, whole.high))
        macro = Estimate(value, low, high, whole.method)
    low, high = wilson(right, n)
    return Outcome(tuple(classes), absent, n, right, low, high, macro)


def by_source(
    true: ArrayLike, predicted: ArrayLike, sources: Sequence[str | None], names: Sequence[str]
) -> dict[str, Outcome]:
    """The outcome of each source, by its name in order; images without one come last, as UNKNOWN_SOURCE.

    `true` and `predicted` are class indices (n,), `sources` has an entry an image (None or '': not known).
    """
    true, predicted = np.asarray(true, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    of = np.array([source or UNKNOWN_SOURCE for source in sources], dtype=object)
    order = sorted(set(of), key=lambda name: (name == UNKNOWN_SOURCE, name))
    return {str(name): outcome_of(true[of == name], predicted[of == name], names) for name in order}
