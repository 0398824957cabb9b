"""How far a model and an expert agree on single images: shares with intervals, and Cohen's kappa with its own.

Only images on which both name one class can agree or disagree plainly. What the model left open (a set of two classes,
a referral) and what the expert left open is counted beside it, never dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
from scipy.stats import norm

from core.evaluation.intervals import Estimate, wilson
from core.prediction.reading import CLASS, REFER, SET

METHOD: Final = "Wilson"
NOBODY_YET: Final = "No reading on which model and expert both name one class has been reviewed yet."
ONE_CLASS: Final = (
    "Kappa is undefined: model and expert name {class_!r} on every image, so agreement by chance would be as complete."
)
NO_WIDTH: Final = (
    "The large-sample interval has no width here, as every image falls into the same kind of agreement; the interval "
    "of the agreement itself says what so few images can show."
)


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa, 1 for full agreement and 0 for as much as by chance; None where undefined.

    `low` and `high`: 95 % interval, None where there is none; `why`: what is missing, in a sentence.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Share:
    """`agreed` of `n` images of a class (or of all), with the interval of the share; None where n is 0."""

    class_: str
    agreed: int
    n: int

    @property
    def estimate(self) -> Estimate | None:
        if not self.n:
            return None
        return Estimate(self.agreed / self.n, *wilson(self.agreed, self.n), METHOD)


@dataclass(frozen=True)
class Agreement:
    """All reviewed images, each in exactly one of the counts.

    Attributes:
        classes: named by model or expert where both name one, sorted.
        matrix: (C, C) images, row = the model's class, column = the expert's.
        overall: of the images in `matrix`.
        by_called: of the images that the model calls a class, those that the expert calls so.
        by_expert: of the images that the expert calls a class, those that the model calls so.
        kappa: of `matrix`.
        sets: of the sets of two classes on which the expert names one class, those that hold it.
        sets_referred: sets that the expert refers.
        model_referred: referred by the model; Counter of the expert's classes.
        both_referred: referred by model and expert.
        expert_referred: one class by the model, referred by the expert.
        undecided: readings of an older form, which recorded no decision.
    """

    classes: tuple[str, ...]
    matrix: np.ndarray
    overall: Share
    by_called: tuple[Share, ...]
    by_expert: tuple[Share, ...]
    kappa: Kappa
    sets: Share
    sets_referred: int
    model_referred: Mapping[str, int]
    both_referred: int
    expert_referred: int
    undecided: int

    @property
    def reviewed(self) -> int:
        left_open = self.sets.n + self.sets_referred + sum(self.model_referred.values()) + self.both_referred
        return self.overall.n + left_open + self.expert_referred + self.undecided


def agreement(rows: Iterable[Mapping[Any, Any]]) -> Agreement:
    """Count reviewed readings.

    Args:
        rows: each with decision (class | set | refer, or missing), decided (classes), verdict (confirm | correct |
            refer), expert_class (missing with refer) and readings (how many images it stands for), as the query
            `review_counts` gives them.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    counts: Counter[str] = Counter()
    settled: Counter[str] = Counter()
    for row in rows:
        n, decision, refers = int(row["readings"]), row["decision"], row["verdict"] == REFER
        if decision not in (CLASS, SET, REFER):
            counts["undecided"] += n
        elif decision == CLASS and refers:
            counts["expert_referred"] += n
        elif decision == CLASS:
            pairs[str(row["decided"][0]), str(row["expert_class"])] += n
        elif decision == SET and refers:
            counts["sets_referred"] += n
        elif decision == SET:
            counts["sets"] += n
            counts["inside"] += n * (row["expert_class"] in list(row["decided"]))
        elif refers:
            counts["both_referred"] += n
        else:
            settled[str(row["expert_class"])] += n
    classes = tuple(sorted({name for pair in pairs for name in pair}))
    matrix = np.array([[pairs[called, said] for said in classes] for called in classes], dtype=np.int64)
    matrix = matrix.reshape(len(classes), len(classes))
    right = np.diagonal(matrix)
    return Agreement(
        classes, matrix, Share("all", int(right.sum()), int(matrix.sum())), _shares(classes, right, matrix.sum(axis=1)),
        _shares(classes, right, matrix.sum(axis=0)), cohen_kappa(matrix, classes),
        Share("sets", counts["inside"], counts["sets"]), counts["sets_referred"], dict(sorted(settled.items())),
        counts["both_referred"], counts["expert_referred"], counts["undecided"],
    )  # fmt: skip


def cohen_kappa(matrix: np.ndarray, classes: tuple[str, ...], level: float = 0.95) -> Kappa:
    """Cohen's kappa of a (C, C) table of counts, with its large-sample interval, cut off at -1 and 1.

    References: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46; the standard error: J. L. Fleiss, J. Cohen and
    B. S. Everitt, Psychol. Bull. 72 (1969) 323-327, equation 13.
    """
    n = int(matrix.sum())
    if not n:
        return Kappa(None, why=NOBODY_YET)
    named = [name for name, row, column in zip(classes, matrix.sum(1), matrix.sum(0), strict=True) if row + column]
    if len(named) == 1:
        return Kappa(None, why=ONE_CLASS.format(class_=named[0]))
    value = _value(matrix)
    p = matrix / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    by_chance = float(rows @ columns)
    right = np.diagonal(p)
    agreeing = float((right * (1 - (rows + columns) * (1 - value)) ** 2).sum())
    off = p * (columns[:, None] + rows[None, :]) ** 2
    missing = float((1 - value) ** 2 * (off.sum() - np.diagonal(off).sum()))
    variance = (agreeing + missing - (value - by_chance * (1 - value)) ** 2) / (n * (1 - by_chance) ** 2)
    if variance <= 1e-12:
        return Kappa(value, why=NO_WIDTH)
    half = float(norm.ppf((1 + level) / 2)) * sqrt(variance)
    return Kappa(value, max(-1.0, value - half), min(1.0, value + half))


def _value(matrix: np.ndarray) -> float:
    from sklearn.metrics import cohen_kappa_score  # not before somebody asks: it takes a second to load

    rows, columns = np.indices(matrix.shape)
    return float(cohen_kappa_score(rows.ravel(), columns.ravel(), sample_weight=matrix.ravel()))


def _shares(classes: tuple[str, ...], right: np.ndarray, of: np.ndarray) -> tuple[Share, ...]:
    return tuple(Share(name, int(agreed), int(n)) for name, agreed, n in zip(classes, right, of, strict=True))
