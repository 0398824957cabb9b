"""What shifted images say of a model, from its confusion matrices alone: rates, their mean, and what breaks first.

A matrix (C, C) has a row a true class and a column a called class. Matrices are given by (shift, severity), that of the
unchanged images as `BASE`. Reported, never used to choose a model or a setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.intervals import wilson
from core.evaluation.shifts import SEVERITIES, SHIFTS, UNCHANGED, label

Ints = NDArray[np.int64]
Matrices = Mapping[tuple[str, int], Ints]

BASE = (UNCHANGED, 0)
SHARE = 0.8  # of a class's sensitivity on unchanged images, below which it may count as broken


@dataclass(frozen=True)
class Rate:
    """Accuracy (`class_` None) or the sensitivity of a class, with its 95 % Wilson interval. NaN without images."""

    shift: str
    severity: int
    class_: str | None
    right: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class UnderShift:
    """Mean accuracy over the severities 1 to 5 of the shifts that have all of them.

    Attributes:
        mean: plain mean over the conditions; low, high: its 95 % interval, see `under_shift`.
        unchanged: accuracy on the same images as they are, with its Wilson interval.
        images: (fewest, most) of a condition.
        shifts: names of the shifts in the mean.
    """

    mean: float
    low: float
    high: float
    unchanged: Rate
    images: tuple[int, int]
    shifts: tuple[str, ...]


@dataclass(frozen=True)
class Break:
    """Where a class breaks under a shift: its rate at the smallest severity at which it does, None where at none.

    `tried` are the severities that are known, `lowest` the lowest sensitivity among them.
    """

    class_: str
    shift: str
    unchanged: Rate
    at: Rate | None
    lowest: Rate
    tried: tuple[int, ...]

    @property
    def severity(self) -> int | None:
        return None if self.at is None else self.at.severity


def rates(matrices: Matrices, classes: Sequence[str]) -> list[Rate]:
    """Accuracy and every class's sensitivity of every condition: unchanged first, then in the order of the shifts."""
    order = {name: place for place, name in enumerate((UNCHANGED, *SHIFTS))}
    found = []
    for shift, severity in sorted(matrices, key=lambda key: (order.get(key[0], len(order)), *key)):
        matrix = matrices[shift, severity]
        found.append(_rate(shift, severity, None, int(np.trace(matrix)), int(matrix.sum())))
        found += [
            _rate(shift, severity, name, int(matrix[index, index]), int(matrix[index].sum()))
            for index, name in enumerate(classes)
        ]
    return found


def under_shift(matrices: Matrices) -> UnderShift | None:
    """The headline; None without the unchanged images or without a whole shift.

    The conditions are of the same images, so their errors go together, in a way that matrices do not tell. The interval
    is Wilson's at the mean with the images of one condition (the fewest): as if every condition added nothing, which is
    the widest that it can be, since the standard error of a mean of dependent shares is at most the mean of theirs.

    References: Hendrycks & Dietterich, ICLR 2019, section 4.1 (mean over corruptions and severities; not divided by
    another network's error here, so that the figure reads as an accuracy).
    """
    whole = tuple(name for name in SHIFTS if all((name, severity) in matrices for severity in SEVERITIES))
    if BASE not in matrices or not whole:
        return None
    parts = [matrices[name, severity] for name in whole for severity in SEVERITIES]
    images = [int(part.sum()) for part in parts]
    if not min(images) or not matrices[BASE].sum():
        return None
    mean = float(np.mean([np.trace(part) / part.sum() for part in parts]))
    low, high = wilson(round(mean * min(images)), min(images))
    base = matrices[BASE]
    unchanged = _rate(*BASE, None, int(np.trace(base)), int(base.sum()))
    return UnderShift(mean, min(low, mean), max(high, mean), unchanged, (min(images), max(images)), whole)


def breaks(matrices: Matrices, classes: Sequence[str], share: float = SHARE) -> list[Break]:
    """For each class and shift the smallest severity at which the class is broken.

    Broken is a class whose sensitivity is below `share` times that on the unchanged images, and whose 95 % Wilson
    interval lies wholly below that of the unchanged ones. Two such intervals rarely part by chance (in fewer than 1 of
    100 cases for equal rates), and the rule needs no answers image by image.

    Returns:
        By class in their order, and of a class ranked: the smallest severity first, of equals the lowest sensitivity
        there, then the shifts that do not break it by the lowest sensitivity that they reach. Classes without images,
        without a right answer on the unchanged ones, and shifts of which nothing is known are left out.
    """
    if BASE not in matrices:
        return []
    found: list[Break] = []
    for index, name in enumerate(classes):
        base = _sensitivity(matrices, BASE, index, name)
        if not base.right:
            continue
        of_class = []
        for shift in SHIFTS:
            known = [severity for severity in SEVERITIES if (shift, severity) in matrices]
            line = [_sensitivity(matrices, (shift, severity), index, name) for severity in known]
            line = [rate for rate in line if rate.n]
            if line:
                broken = [rate for rate in line if rate.value < share * base.value and rate.high < base.low]
                lowest = min(line, key=lambda rate: rate.value)
                tried = tuple(rate.severity for rate in line)
                of_class.append(Break(name, shift, base, broken[0] if broken else None, lowest, tried))
        found += sorted(of_class, key=_rank)
    return found


def cannot_break(matrices: Matrices, classes: Sequence[str]) -> list[str]:
    """Classes with so few images that even none right under a shift would not part the intervals."""
    if BASE not in matrices:
        return []
    base = [_sensitivity(matrices, BASE, index, name) for index, name in enumerate(classes)]
    return [rate.class_ or "" for rate in base if rate.n and wilson(0, rate.n)[1] >= rate.low]


def swallowed(matrices: Matrices, classes: Sequence[str]) -> list[tuple[str, str, int, int, int]]:
    """Classes that take in most images under some shift: there their own sensitivity says nothing.

    Returns:
        (class, shift, severity, images called so, images of it) of the condition in which most are called so, by class
        in their order; only where it is more than half of all images and more than twice as many as there are of it.
    """
    found = []
    for index, name in enumerate(classes):
        shifted = [(key, matrix) for key, matrix in matrices.items() if key != BASE and matrix.sum()]
        key, matrix = max(shifted, key=lambda item: item[1][:, index].sum() / item[1].sum(), default=(BASE, None))
        if matrix is not None:
            called, own = int(matrix[:, index].sum()), int(matrix[index].sum())
            if called > matrix.sum() / 2 and called > 2 * own:
                found.append((name, *key, called, own))
    return found


def sentences(matrices: Matrices, classes: Sequence[str], share: float = SHARE) -> list[str]:
    """The summary in plain words: one sentence a class on what breaks it first, the weakest class first."""
    found = breaks(matrices, classes, share)
    few = set(cannot_break(matrices, classes))
    firsts = {one.class_: one for one in reversed(found)}  # the first of each class
    said = []
    for name, first in sorted(firsts.items(), key=lambda item: (*_rank(item[1]), list(classes).index(item[0]))):
        own = [one for one in found if one.class_ == name]
        unchanged = f"{first.unchanged.right} of {first.unchanged.n} unchanged images called right"
        if name in few:
            said.append(f"{name}: too few images ({first.unchanged.n}) to say that a shift breaks it.")
        elif first.at is None:
            low = min((one.lowest for one in own), key=lambda rate: rate.value)
            whole = all(one.tried == SEVERITIES for one in own)
            worst = f", at worst {low.right} of {low.n} ({_where(low)})" if low.value < first.unchanged.value else ""
            number = f"none of the {len(own)} shifts" if len(own) > 1 else "the one shift"
            said.append(
                f"{name} is {'not ' if len(own) == 1 else ''}broken by {number}{'' if whole else ', as far as known'}: "
                f"{unchanged}{worst or ', and never a smaller share'}."
            )
        else:
            also = sum(one.at is not None for one in own) - 1
            more = f"; {also} other {'shift breaks' if also == 1 else 'shifts break'} it too" if also else ""
            said.append(
                f"{name} breaks first under {_where(first.at)}: {first.at.right} of {first.at.n} called right, "
                f"{unchanged}{more}."
            )
    for name, shift, severity, called, of_it in swallowed(matrices, classes):
        total = int(matrices[shift, severity].sum())
        said.append(
            f"Under {_named(shift)} at severity {severity}, {called} of {total} images are called {name}, of which "
            f"there are {of_it}: that {name} is called right there says nothing of it."
        )
    silent = [name for name in classes if name not in firsts]
    if silent and BASE in matrices and len(matrices) > 1:
        said.append(f"Nothing can be said of {', '.join(silent)}: no unchanged image of it is called right.")
    return said


def headline(found: UnderShift) -> str:
    """The mean accuracy under shift as a sentence, with what it rests on."""
    base, (fewest, most) = found.unchanged, found.images
    number = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
    all_shifts = "" if len(found.shifts) == len(SHIFTS) else f" of {len(SHIFTS)}"
    return (
        f"Mean accuracy under shift {found.mean:.4f} (95 % interval {found.low:.4f} to {found.high:.4f}; "
        f"{len(found.shifts)}{all_shifts} shifts, 5 severities each, {number} images); on the images as they are "
        f"{base.value:.4f} ({base.low:.4f} to {base.high:.4f}, {base.n:,} images)."
    )


def reproduced(matrix: Ints, recorded: float | None, images: int, split: str) -> str:
    """Whether the unchanged images give the accuracy that the training recorded on the split, as a sentence.

    Args:
        matrix: of the unchanged images.
        recorded: accuracy of the split in the trial's own evaluation; None where there is none.
        images: in the whole split.
    """
    n, right = int(matrix.sum()), int(np.trace(matrix))
    if n != images:
        return f"Judged on {n:,} of the {images:,} {split} images, the same number a class where there are as many."
    if recorded is None:
        return f"The training recorded no {split} accuracy to compare with."
    if abs(right / n - recorded) < 0.5 / n:
        return f"On the images as they are this is exactly the {split} accuracy that the training recorded."
    return (
        f"The training recorded a {split} accuracy of {recorded:.4f}, this is {right / n:.4f}: another device, "
        "precision or number of threads rounds otherwise, and single images tip over."
    )


def _named(shift: str) -> str:
    """A shift inside a sentence."""
    return label(shift) if shift == "jpeg" else label(shift).lower()


def _where(rate: Rate) -> str:
    return f"{_named(rate.shift)} at severity {rate.severity}"


def _sensitivity(matrices: Matrices, key: tuple[str, int], index: int, name: str) -> Rate:
    row = matrices[key][index]
    return _rate(*key, name, int(row[index]), int(row.sum()))


def _rate(shift: str, severity: int, class_: str | None, right: int, n: int) -> Rate:
    low, high = wilson(right, n)
    return Rate(shift, severity, class_, right, n, right / n if n else float("nan"), low, high)


def _rank(one: Break) -> tuple[float, float]:
    """Smallest severity first, of equals the lowest sensitivity there; then what does not break."""
    return (float("inf"), one.lowest.value) if one.at is None else (one.at.severity, one.at.value)
