"""From probabilities to decisions: a threshold for each class, or one cost matrix. NumPy only.

Both rules may answer "refer": the image goes to an expert. A decision is the index of a class, or C (the number of
classes) for a referral, so a matrix of decisions is (C, C + 1): row = true class, column = decision.

Thresholds. The class with the largest p_k / t_k is decided, the first of equal ones, provided that p_k >= t_k; when
no class reaches its threshold, the image is referred. Without referral the largest ratio decides whatever it is.
Equal thresholds of at most 1 / C decide as the highest probability does. This is the rule of Spark ML's
`ProbabilisticClassifier.thresholds` and of mlr's `setThreshold`, with a referral added.

Costs. The decision with the smallest expected cost sum_i p_i c_ij is taken, the first of equal ones.
References: C. Elkan, The foundations of cost-sensitive learning, IJCAI 2001; C. K. Chow, On optimum recognition error
and reject tradeoff, IEEE Trans. Inf. Theory 16 (1970) 41-46, for the referral at a cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REFER = "refer"  # the name of the decision that is none of the classes
STEP = 1e-4  # thresholds are whole numbers of steps, from one step to 1


class DecisionError(ValueError):
    """A rule makes no sense or a goal cannot be reached; the message says why."""


@dataclass(frozen=True)
class Thresholds:
    """One threshold in (0, 1] for each class; `refer` whether an image below all of them goes to an expert."""

    values: tuple[float, ...]
    refer: bool = True

    def __post_init__(self) -> None:
        for value in self.values:
            if not 0 < value <= 1:
                raise DecisionError(f"A threshold lies above 0 and is at most 1; got {value:g}.")


@dataclass(frozen=True)
class Costs:
    """Cost (C, C + 1) of each decision for each true class: row = true class; the last column is the referral."""

    matrix: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        wide = len(self.matrix) + 1
        if any(len(row) != wide for row in self.matrix):
            raise DecisionError(
                f"A cost matrix of {wide - 1} classes has {wide} columns: the classes and the referral."
            )
        if not all(math.isfinite(cost) and cost >= 0 for row in self.matrix for cost in row):
            raise DecisionError("A cost is a number of at least 0.")


Rule = Thresholds | Costs


def equal_thresholds(n_classes: int) -> Thresholds:
    """The thresholds that decide as the highest probability does and never refer: 1 / C, rounded down to a step."""
    return Thresholds((round(math.floor(1 / n_classes / STEP + 1e-9) * STEP, 10),) * n_classes)


def equal_costs(n_classes: int) -> Costs:
    """Every error costs 1 and so does a referral, which is therefore never taken: the highest probability decides."""
    return Costs(
        tuple(tuple(float(row != column) for column in range(n_classes + 1)) for row in range(n_classes))
    )  # fmt: skip


def n_classes_of(rule: Rule) -> int:
    return len(rule.values if isinstance(rule, Thresholds) else rule.matrix)


def decide(rule: Rule, probabilities: ArrayLike) -> Ints:
    """The decision (n,) on each image: a class index, or C for a referral. `probabilities` is (n, C).

    Raises DecisionError when rule and probabilities are not of as many classes.
    """
    p = _probabilities(rule, probabilities)
    if isinstance(rule, Costs):
        cheapest: Ints = (p @ np.array(rule.matrix)).argmin(axis=1)
        return cheapest
    ratios = p / np.array(rule.values)
    decided: Ints = ratios.argmax(axis=1)
    if rule.refer:
        decided[ratios.max(axis=1) < 1] = p.shape[1]
    return decided


def decision_matrix(true: ArrayLike, decided: ArrayLike, n_classes: int) -> Ints:
    """Images (C, C + 1) of each true class (row) by decision (column; the last one is the referral)."""
    cells = np.asarray(true, dtype=np.int64) * (n_classes + 1) + np.asarray(decided, dtype=np.int64)
    return np.bincount(cells, minlength=n_classes * (n_classes + 1)).reshape(n_classes, n_classes + 1)


def crossing(rule: Thresholds, probabilities: ArrayLike, index: int) -> Floats:
    """For each image (n,) the highest threshold of class `index` at which it is still decided so, others as they are.

    p_k / t_k wins when it is at least 1 and at least every other class's ratio: so t_k <= p_k / max(1, those ratios).
    """
    p = _probabilities(rule, probabilities)
    others = np.delete(p / np.array(rule.values), index, axis=1).max(axis=1, initial=0.0)
    highest: Floats = p[:, index] / np.maximum(others, 1.0 if rule.refer else np.finfo(np.float64).tiny)
    return highest


def threshold_for_sensitivity(
    rule: Thresholds, true: ArrayLike, probabilities: ArrayLike, index: int, goal: float
) -> Thresholds:
    """The rule with the highest threshold of class `index` that gives it a sensitivity of at least `goal`.

    The other thresholds stay. `true` are class indices (n,), `probabilities` (n, C), `goal` a share in (0, 1].
    Raises DecisionError when there is no image of the class, or when no threshold reaches the goal.
    """
    positive = np.asarray(true) == index
    n = int(positive.sum())
    if not n:
        raise DecisionError("There is no image of this class to set a threshold on.")
    needed = max(1, math.ceil(goal * n - 1e-9))  # images of the class that must be decided so
    highest = min(1.0, float(np.sort(crossing(rule, probabilities, index)[positive])[::-1][needed - 1]))
    steps = math.floor(highest / STEP + 1e-6)
    for down in range(3):  # a ratio of rounded numbers may fall on the other side of 1
        changed = _with_steps(rule, index, steps - down)
        if changed is not None and _hits(changed, probabilities, index)[positive].sum() >= needed:
            return changed
    raise DecisionError(
        f"No threshold of {STEP:g} or more reaches a sensitivity of {goal:g} while the other thresholds stay."
    )


def threshold_for_specificity(
    rule: Thresholds, true: ArrayLike, probabilities: ArrayLike, index: int, goal: float
) -> Thresholds:
    """The rule with the lowest threshold of class `index` that gives it a specificity of at least `goal`.

    Arguments and errors as of `threshold_for_sensitivity`.
    """
    negative = np.asarray(true) != index
    n = int(negative.sum())
    if not n:
        raise DecisionError("There is no image of another class to set a threshold on.")
    needed = max(1, math.ceil(goal * n - 1e-9))  # images of other classes that must not be decided so
    below = min(1.0, float(np.sort(crossing(rule, probabilities, index)[negative])[needed - 1]))
    steps = max(1, math.floor(below / STEP - 1e-6) + 1)
    for up in range(3):
        changed = _with_steps(rule, index, steps + up)
        if changed is not None and (~_hits(changed, probabilities, index))[negative].sum() >= needed:
            return changed
    raise DecisionError(f"No threshold up to 1 reaches a specificity of {goal:g} while the other thresholds stay.")


@dataclass(frozen=True)
class Sweep:
    """What the threshold of one class would do: rates in [0, 1] at `thresholds` (m,), rising; NaN where undefined.

    The rates hold from just above the threshold before up to and including their own.
    """

    thresholds: Floats
    sensitivity: Floats
    specificity: Floats
    ppv: Floats


def sweep(
    rule: Thresholds, true: ArrayLike, probabilities: ArrayLike, index: int, prevalence: ArrayLike, *, most: int = 600
) -> Sweep:
    """Sensitivity, specificity and PPV of class `index` against its threshold, the others as they are.

    Args:
        prevalence: share of each class (C,), sum 1, at which specificity and PPV are told.
        most: thresholds at most; of more, evenly many are kept.
    """
    true = np.asarray(true)
    at = crossing(rule, probabilities, index)
    points = np.unique(np.clip(np.r_[at, 1.0], STEP, 1.0))
    if len(points) > most:
        points = points[np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))]
    called = np.full((n_classes_of(rule), len(points)), np.nan)  # share of each true class that is decided so
    for row in range(len(called)):
        own = np.sort(at[true == row])
        if len(own):
            called[row] = 1 - np.searchsorted(own, points, side="left") / len(own)
    shares = np.asarray(prevalence, dtype=np.float64)
    others = np.delete(np.arange(len(called)), index)
    others = others[shares[others] > 0]
    false = shares[others] @ called[others] if len(others) else np.zeros(len(points))
    hits = shares[index] * called[index]
    with np.errstate(invalid="ignore", divide="ignore"):
        specificity = 1 - false / shares[others].sum() if len(others) else np.full(len(points), np.nan)
        ppv = np.where(hits + false > 0, hits / (hits + false), np.nan)
    return Sweep(points, called[index], specificity, ppv)


def as_record(rule: Rule) -> dict[str, Any]:
    """The rule as JSON: its kind and numbers in class order, for the store."""
    if isinstance(rule, Thresholds):
        return {"kind": "thresholds", "thresholds": list(rule.values), REFER: rule.refer}
    return {"kind": "costs", "costs": [list(row) for row in rule.matrix]}


def from_record(record: Mapping[str, Any], n_classes: int) -> Rule:
    """The rule that `as_record` wrote. Raises DecisionError when it is none, or of another number of classes."""
    try:
        if record["kind"] == "thresholds":
            rule: Rule = Thresholds(_numbers(record["thresholds"]), bool(record.get(REFER, True)))
        elif record["kind"] == "costs":
            rule = Costs(tuple(_numbers(row) for row in record["costs"]))
        else:
            raise DecisionError(f"A decision rule of the kind {record['kind']!r} is not known to this version.")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DecisionError):
            raise
        raise DecisionError("This operating point's rule cannot be read; save it anew.") from error
    if n_classes_of(rule) != n_classes:
        raise DecisionError(f"This rule is made for {n_classes_of(rule)} classes, the model has {n_classes}.")
    return rule


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _changed(values: tuple[float, ...], index: int, value: float) -> tuple[float, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _with_steps(rule: Thresholds, index: int, steps: int) -> Thresholds | None:
    if not 1 <= steps <= round(1 / STEP):
        return None
    return replace(rule, values=_changed(rule.values, index, round(steps * STEP, 10)))


def _hits(rule: Thresholds, probabilities: ArrayLike, index: int) -> NDArray[np.bool_]:
    hits: NDArray[np.bool_] = decide(rule, probabilities) == index
    return hits


def _probabilities(rule: Rule, probabilities: ArrayLike) -> Floats:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] != n_classes_of(rule):
        raise DecisionError(f"This rule is made for {n_classes_of(rule)} classes; got probabilities {p.shape}.")
    return p
