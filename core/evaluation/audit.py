"""The shortcut audit: how well an image's class, or its source, is told by what is no cell.

A linear classifier sees a few numbers an image (`core.evaluation.audit_features`), cross-validated so that no group of
equal images is on both sides. What it reaches, a network can reach without having learned anything about cells.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.audit_words import FOLDS

METHOD_VERSION: Final = 1  # raise it when the same images give other numbers: they are then audited anew
MAX_ITERATIONS: Final = 300  # of L-BFGS; the accuracy has settled long before
CLASS, SOURCE = "class", "source"


class AuditError(ValueError):
    """The data cannot be audited; the message is one sentence."""


@dataclass(frozen=True)
class Audit:
    """How well one feature predicts one target, from out-of-fold predictions.

    Attributes:
        labels: the classes or sources, sorted.
        confusion: counts, row = true label, column = predicted label, row major.
        accuracy, low, high: share of the n images that were predicted rightly, and its 95 % Wilson interval, which
            takes images as independent: where many are of one group it is too narrow.
        chance: share of the largest label, what always saying it reaches.
        seconds: duration.
    """

    feature: str
    target: str
    labels: tuple[str, ...]
    confusion: tuple[int, ...]
    n: int
    n_right: int
    accuracy: float
    low: float
    high: float
    chance: float
    folds: int
    seed: int
    version: int
    seconds: float

    def payload(self, dataset_id: str, basis: str) -> dict[str, Any]:
        """The journal record; `basis` is what `Plan.basis` says."""
        facts = asdict(self) | {"labels": list(self.labels), "confusion": list(self.confusion)}
        return {"dataset_id": dataset_id, "basis": basis, **facts}


@dataclass(frozen=True)
class Plan:
    """What can be audited of a target: which images, with which labels, in how many folds.

    Attributes:
        places: of the images that take part, among those given.
        labels, groups: of each of them.
        left_out: why the others do not, a sentence each.
    """

    target: str
    places: NDArray[np.intp]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    folds: int
    left_out: tuple[str, ...]

    def basis(self) -> str:
        """A hash of who takes part with which label and group: an audit on another basis is another audit."""
        facts = [self.places.tolist(), self.labels, self.groups, self.folds]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def plan(target: str, labels: Sequence[str | None], groups: Sequence[str], *, fewest: int = 1) -> Plan:
    """Which images to audit a target with.

    Args:
        labels: of each image; one with None takes no part.
        groups: images of one group stay on one side.
        fewest: images that a label has at least, or it takes no part.

    A label with one group only takes no part: it would never be learned when it is asked for. The number of folds is
    5, or the number of groups of the label with the fewest.

    Raises AuditError when fewer than two labels are left.
    """
    members: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        if label is not None:
            members.setdefault(label, set()).add(group)
    counts = Counter(label for label in labels if label is not None)
    said = []
    for label in sorted(members):
        if counts[label] < fewest:
            said.append(f"The {target} {label!r} has fewer than {fewest} images and is not audited.")
        elif len(members[label]) < 2:
            said.append(f"The {target} {label!r} has one group of equal images only and is not audited.")
    kept = {label for label in members if counts[label] >= fewest and len(members[label]) >= 2}
    if len(kept) < 2:
        raise AuditError(" ".join([*said, f"There are fewer than two {_PLURAL[target]} to tell apart."]))
    places = np.array([place for place, label in enumerate(labels) if label in kept], dtype=np.intp)
    return Plan(
        target,
        places,
        tuple(str(labels[place]) for place in places),
        tuple(groups[place] for place in places),
        min(FOLDS, *(len(members[label]) for label in kept)),
        tuple(said),
    )


def cross_validate(
    feature: str, rows: NDArray[np.float32], of: Plan, seed: int, leave_if_cancelled: Callable[[], None] = lambda: None
) -> Audit:
    """Multinomial logistic regression (L2, C = 1) on standardised features, stratified and grouped folds.

    Args:
        rows: array (n, k), a row for every image that the plan was made from.
        of: who takes part.
        seed: deals the folds; the same gives the same audit.
        leave_if_cancelled: called before each fold; what it raises ends the audit.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # takes a second: only who audits waits for it

    from core.evaluation.intervals import wilson

    began = time.monotonic()
    names = sorted(set(of.labels))
    true = np.array([names.index(label) for label in of.labels])
    groups = np.unique(np.array(of.groups), return_inverse=True)[1]
    x = np.asarray(rows, dtype=np.float64)[of.places]
    predicted = np.zeros_like(true)
    for train, test in StratifiedGroupKFold(of.folds, shuffle=True, random_state=seed).split(x, true, groups):
        leave_if_cancelled()
        predicted[test] = _fitted(x[train], true[train], x[test])
    confusion = np.bincount(true * len(names) + predicted, minlength=len(names) ** 2)
    right, n = int((true == predicted).sum()), len(true)
    low, high = wilson(right, n)
    return Audit(
        feature=feature, target=of.target, labels=tuple(names), confusion=tuple(map(int, confusion)), n=n,
        n_right=right, accuracy=right / n, low=low, high=high, chance=float(np.bincount(true).max() / n),
        folds=of.folds, seed=seed, version=METHOD_VERSION, seconds=time.monotonic() - began,
    )  # fmt: skip


def _fitted(train: NDArray[np.float64], labels: NDArray[np.intp], test: NDArray[np.float64]) -> NDArray[np.intp]:
    """What is predicted of `test` by a classifier that has learned from `train`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(labels)) == 1:  # grouped folds may leave one label in training
        return np.full(len(test), labels[0])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=MAX_ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a linear baseline need not be perfect to warn
        return np.asarray(model.fit(train, labels).predict(test), dtype=np.intp)


_PLURAL: Final = {CLASS: "classes", SOURCE: "sources"}
