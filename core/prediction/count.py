"""The differential count: how many of the cells of a batch or a field are of each class, as found and as corrected.

Counted are the cells on which one class was decided. What was left open between two classes and what was referred is
not spread over the classes but told beside them: nobody knows yet what it is.

As found, each class has its Wilson interval, at 95 % for the class by itself, as the limits are that haematology
prints beside a count of 100 or 200 cells (CLSI H20-A2, 2007). All classes at once hold with less; Goodman's
simultaneous intervals are the same ones at 1 - 0.05 / C.

A model that calls one basophil in twenty a neutrophil makes a false count, however many cells it reads. With M (C, C)
the share of the images of each true class i that is called k, among those on which a class was decided, a count of
true shares x is expected to be found as M^T x. Corrected is the x of least squares,

    argmin_x | M^T x - found |^2,   x >= 0,   sum x = 1,

for two classes that of Rogan and Gladen wherever theirs lies in [0, 1]. It holds if the cells of a class are decided
here as the images of that class were with which M was found; cells of no class, other stains and other cameras break
that. The estimate from the probabilities (Saerens) would need them to be calibrated; this one needs counts alone.

Its interval carries both samples: the cells counted and the images behind each row of M are drawn from their Dirichlet
posteriors (prior of one image, spread evenly), and the interval holds the middle 95 % of what the formula makes of
the draws. A bootstrap would give no width where no error and no cell of a class was seen.

References: W. J. Rogan, B. Gladen, Estimating prevalence from the results of a screening test, American Journal of
Epidemiology 107 (1978) 71-76; J. P. Buonaccorsi, Measurement Error, 2010, chapter 2 (several classes); M. Saerens,
P. Latinne, C. Decaestecker, Neural Computation 14 (2002) 21-41.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from core.evaluation.intervals import wilson
from core.evaluation.prevalence import middle, posterior_shares
from core.prediction.reading import CLASS, REFER, SET, Decision, name_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL: Final = 0.95
LEAST_SINGULAR: Final = 0.05  # of M: below it, an error of 1 % in what is found moves what is corrected by over 20 %
HEAVY: Final = 1e4  # weight of sum x = 1 among the equations of least squares
DRAWS: Final = 2000


@dataclass(frozen=True)
class Share:
    """A share of the counted cells and its 95 % interval, in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassCount:
    """One class. `raw` is None where nothing was counted, `corrected` where the correction cannot be told."""

    class_: str
    number: int
    raw: Share | None
    corrected: Share | None


@dataclass(frozen=True)
class Differential:
    """The count.

    Attributes:
        rows: one a class, in the model's order.
        counted: cells on which one class was decided; the shares are of these.
        undecided: cells left open between two classes.
        referred: cells referred to an expert.
        images: images behind the correction, those on which a class was decided; 0 without one.
        problem: why there is no correction, one sentence; empty where there is one.
    """

    rows: tuple[ClassCount, ...]
    counted: int
    undecided: int
    referred: int
    images: int
    problem: str

    @property
    def read(self) -> int:
        """All cells."""
        return self.counted + self.undecided + self.referred

    @property
    def corrected(self) -> bool:
        return not self.problem

    @property
    def words(self) -> str:
        """What the shares are of, and what stands beside them, in one sentence."""
        beside = f"{self.undecided} left open between two classes and {self.referred} referred to an expert"
        return f"Of {self.read} cells read, {self.counted} were counted; {beside} are not in the shares."

    @property
    def correction(self) -> str:
        """What the correction rests on, or why there is none."""
        if not self.corrected:
            return f"Not corrected. {self.problem}"
        return (
            f"Corrected for the errors that the model made on {self.images} images of its test split, decided by the "
            "same rules but for the checks of the image. It holds if it errs here as it did there; a class with few "
            "such images has a wide interval."
        )

    def to_json(self) -> dict[str, Any]:
        rows = [{"class": one.class_, **{k: v for k, v in asdict(one).items() if k != "class_"}} for one in self.rows]
        return asdict(self) | {"rows": rows, "read": self.read}


def known_errors(classes: Sequence[str], true: Iterable[str], decisions: Iterable[Decision]) -> Ints:
    """Numbers of images (C, C + 1) of each true class by what was decided: a class, or (last column) none alone.

    Of images that neither trained nor chose the model, decided by the rules by which the cells are. Raises ValueError
    when a class is not one of the model's, or there are not as many decisions as classes.
    """
    index = {name: at for at, name in enumerate(classes)}
    matrix = np.zeros((len(index), len(index) + 1), dtype=np.int64)
    for name, decision in zip(true, decisions, strict=True):
        for known in (name, *decision.classes):
            if known not in index:
                raise ValueError(f"{known} is not a class of the model; its classes are {', '.join(classes)}.")
        matrix[index[name], index[decision.classes[0]] if decision.kind == CLASS else -1] += 1
    return matrix


def differential(
    classes: Sequence[str], decisions: Iterable[Decision], errors: ArrayLike | None = None, *, seed: int = 0
) -> Differential:
    """Count the decisions of a batch or a field, and correct the count for the model's known errors.

    Args:
        classes: the model's, in order.
        errors: numbers of images (C, D), D >= C, as `known_errors` gives them; the columns after the C-th are of
            decisions that are not one class. None where no errors are known.
        seed: of the draws behind the corrected intervals: the same count has the same interval.

    Raises ValueError when a decided class is not one of the model's, or `errors` has another shape or negative numbers.
    """
    found = list(decisions)
    kinds = Counter(decision.kind for decision in found)
    numbers = Counter(decision.classes[0] for decision in found if decision.kind == CLASS)
    strange = sorted(set(numbers) - set(classes))
    if strange:
        raise ValueError(f"{', '.join(strange)} is not a class of the model; its classes are {', '.join(classes)}.")
    counts = np.array([numbers[name] for name in classes], dtype=np.int64)
    matrix, problem = _usable(classes, errors)
    if not counts.sum():
        matrix, problem = None, problem or "No cell was counted, so there is nothing to correct."
    corrected: list[Share | None] = [None] * len(counts)
    if matrix is not None:
        corrected = list(_corrected(counts, matrix, seed))
    rows = tuple(
        ClassCount(name, int(number), _raw(int(number), int(counts.sum())), share)
        for name, number, share in zip(classes, counts, corrected, strict=True)
    )
    images = 0 if matrix is None else int(matrix.sum())
    return Differential(rows, int(counts.sum()), kinds[SET], kinds[REFER], images, problem)


def reviewed(decision: Decision, verdict: str | None, class_: str | None = None) -> Decision:
    """What counts after an expert's review: the class that they named, or their referral.

    A decision that nobody reviewed (`verdict` None), or that was confirmed without naming a class, counts as it is.
    """
    if verdict == "refer":
        return Decision(REFER, (), "expert")
    return Decision(CLASS, (class_,), "expert") if verdict and class_ else decision


def reviewed_count(classes: Sequence[str], decisions: Iterable[Decision]) -> Differential:
    """The count of what `reviewed` gave, not corrected; classes that experts named beside the model's come last."""
    found = list(decisions)
    named = {one for decision in found if decision.kind == CLASS for one in decision.classes}
    return differential([*classes, *sorted(named - set(classes))], found)


def correct(found: ArrayLike, rates: ArrayLike) -> Floats:
    """True shares (C,) from those found (C,), sum 1, and `rates` (C, C), the shares of each true class by decision."""
    shares, m = np.asarray(found, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    equations = np.vstack([m.T, np.full(len(shares), HEAVY)])
    solution: Floats = np.asarray(nnls(equations, np.append(shares, HEAVY))[0], dtype=np.float64)
    return solution / float(solution.sum())


def _usable(classes: Sequence[str], errors: ArrayLike | None) -> tuple[Floats | None, str]:
    """(the numbers (C, C) of decided images, '') or (None, why the correction cannot be told)."""
    if errors is None:
        return None, "No errors of this model are known on images that it was not made with, so nothing is corrected."
    matrix = np.asarray(errors, dtype=np.float64)
    n = len(classes)
    if matrix.ndim != 2 or matrix.shape[0] != n or matrix.shape[1] < n or not (matrix >= 0).all():
        raise ValueError(f"errors must be ({n}, {n} or more) numbers of at least 0; it is {matrix.shape}.")
    decided = matrix[:, :n]
    empty = [name_of(name) for name, images in zip(classes, decided.sum(axis=1), strict=True) if not images]
    if empty:
        return None, f"No image of {', '.join(empty)} was decided when the model was judged, so nothing is corrected."
    rates = decided / decided.sum(axis=1, keepdims=True)
    if float(np.linalg.svd(rates, compute_uv=False)[-1]) < LEAST_SINGULAR:
        return None, "The model tells some classes apart too badly for its count to be corrected."
    return decided, ""


def _raw(number: int, n: int) -> Share | None:
    return Share(number / n, *wilson(number, n, LEVEL)) if n else None


def _corrected(counts: Ints, matrix: Floats, seed: int) -> tuple[Share, ...]:
    """A share a class with its interval, from numbers counted (C,) and of known decisions (C, C)."""
    estimate = correct(counts / counts.sum(), matrix / matrix.sum(axis=1, keepdims=True))
    rng = np.random.default_rng(seed)
    found = posterior_shares(counts, rng)[:DRAWS]
    rates = np.stack([posterior_shares(row, rng)[:DRAWS] for row in matrix], axis=1)  # (draws, C, C)
    drawn = np.array([correct(*one) for one in zip(found, rates, strict=True)])
    return tuple(Share(float(value), *middle(float(value), drawn[:, at], LEVEL)) for at, value in enumerate(estimate))
