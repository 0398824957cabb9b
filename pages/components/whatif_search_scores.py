"""Scores of a search's trials under an objective, from what is recorded of them, and on redrawn validation images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluation.bootstrap import redraws
from core.evaluation.intervals import clopper_pearson, wilson
from core.evaluation.macro import macro_rates
from core.evaluation.metrics import confusion_matrix
from core.evaluation.objectives import scores
from core.search.gseca import FAILED
from core.search.replay import PointKey, Replay
from core.search.stability import Stability, stability
from pages.charts.wording import missing
from pages.components.data import home, owner, read
from pages.components.whatif_search_known import Known
from pages.components.whatif_search_rules import Rules
from store import queries

LEAST = 200
_MACRO = {"balanced_accuracy": "recall", "macro_specificity": "specificity"}
_WORK = 6e8  # images x columns x redraws that take a second or two; more, and fewer are drawn


@dataclass(frozen=True)
class Scored:
    """`scores` holds every point that ended (`FAILED` for failed ones), `epochs` the epoch that each was judged by.

    `unscored` are trained points that the objective cannot judge: their predictions are not on record, or are of
    other validation images (`other_images`).
    """

    scores: dict[PointKey, float]
    epochs: dict[PointKey, int]
    unscored: frozenset[PointKey]
    other_images: frozenset[PointKey] = frozenset()


@dataclass(frozen=True)
class Packed:
    """Predictions on the validation images: `true` (n,), `probabilities` (columns, n, C); a column a trial and epoch,
    those of one trial side by side."""

    true: np.ndarray
    probabilities: np.ndarray
    trial_ids: tuple[str, ...]
    epochs: tuple[int, ...]
    left_out: frozenset[str] = frozenset()  # trials whose predictions are of other images

    @property
    def starts(self) -> list[int]:
        """The first column of each trial."""
        return [at for at, one in enumerate(self.trial_ids) if at == 0 or self.trial_ids[at - 1] != one]


@dataclass(frozen=True)
class Redrawn:
    """What a thousand redraws say: against the recorded path, against the path shown, and each point's interval."""

    images: int
    against_recorded: Stability
    against_shown: Stability
    intervals: dict[PointKey, tuple[float, float]]


def scored(known: Known, rules: Rules) -> Scored:
    """Each trial's score under the rules' objective."""
    found: dict[str, tuple[float, int]] = {}
    left_out: frozenset[str] = frozenset()
    if rules.objective.needs_predictions:
        packed = packed_predictions(known, rules.best_epoch)
        if packed is not None:
            left_out = packed.left_out
            found = _best_of(packed, scores(rules.objective, packed.true, packed.probabilities, _ones(packed))[0])
    else:
        found = _recorded(known, rules)
    table: dict[PointKey, float] = {}
    epochs: dict[PointKey, int] = {}
    for key, row in known.trials.items():
        if row["status"] == "FAILED":
            table[key] = FAILED
        elif row["status"] == "COMPLETE" and row["trial_id"] in found:
            table[key], epochs[key] = found[row["trial_id"]]
    unscored = frozenset(known.finished) - frozenset(table)
    return Scored(table, epochs, unscored, frozenset(k for k in unscored if known.trials[k]["trial_id"] in left_out))


def redrawn(known: Known, rules: Rules, shown: Replay) -> Redrawn | None:
    """The rules on validation images that chance might have drawn; None without predictions."""
    return _redrawn(str(home()), known.version, rules, known, shown)


@st.cache_data(max_entries=64, show_spinner="Drawing the validation images anew.")
def _redrawn(home: str, version: tuple[Any, ...], rules: Rules, _known: Known, _shown: Replay) -> Redrawn | None:
    packed = packed_predictions(_known, rules.best_epoch)
    if packed is None:
        return None
    columns, images, n_classes = packed.probabilities.shape
    weights = np.concatenate(list(redraws(packed.true, n_classes)), axis=1).T
    weights = weights[: max(LEAST, int(_WORK / (columns * images)))]
    each = np.maximum.reduceat(scores(rules.objective, packed.true, packed.probabilities, weights), packed.starts, 1)
    keys_of = {row["trial_id"]: key for key, row in _known.finished.items()}
    keys = [keys_of[packed.trial_ids[start]] for start in packed.starts]
    failed = {key: FAILED for key, row in _known.trials.items() if row["status"] == "FAILED"}
    references = [_known.recorded] if rules.recorded(_known) else [_known.recorded, _shown]
    against = stability(
        _known.ordered(rules.order), references, keys, each.tolist(), failed, patience=rules.patience,
        max_trials=_known.max_trials,
    )  # fmt: skip
    low, high = np.quantile(each, [0.025, 0.975], axis=0)
    bounds = {key: (float(a), float(b)) for key, a, b in zip(keys, low, high, strict=True)}
    return Redrawn(images, against[0], against[-1], bounds)


def interval(known: Known, rules: Rules, key: PointKey, found: Scored, drawn: Redrawn | None,
             images: int | None) -> tuple[float, float] | None:  # fmt: skip
    """95 % interval of a point's score (a loss negated); None where it is unknown.

    Of an accuracy Wilson's; of a mean over the classes that of `macro_rates`; else that of the redraws, and where they
    leave a sensitivity no width (every image of the class is caught) the exact one of Clopper and Pearson.
    """
    score = found.scores.get(key)
    if score is None or score == FAILED:
        return None
    if rules.objective.name == "accuracy":
        return wilson(round(score * images), images) if images else None
    packed = packed_predictions(known, rules.best_epoch)
    if packed is None or drawn is None or key not in drawn.intervals:
        return None
    if rules.objective.name in _MACRO:
        trial_id, epoch = known.trials[key]["trial_id"], found.epochs[key]
        column = list(zip(packed.trial_ids, packed.epochs, strict=True)).index((trial_id, epoch))
        called = packed.probabilities[column].argmax(axis=1)
        matrix = confusion_matrix(packed.true, called, packed.probabilities.shape[2])
        estimate = macro_rates(matrix)[_MACRO[rules.objective.name]]
        return estimate.low, estimate.high
    low, high = drawn.intervals[key]
    if rules.objective.name == "sensitivity" and high - low < 1e-12:
        positives = int((packed.true == rules.objective.class_index).sum())
        return clopper_pearson(round(score * positives), positives)
    return low, high


def packed_predictions(known: Known, every_epoch: bool) -> Packed | None:
    """All complete trials' predictions on the validation images; None where there are none."""
    return _packed(str(home()), known.version, every_epoch, known)


@st.cache_resource(max_entries=6, show_spinner=False)  # only read; a copy for every run would cost as much as the query
def _packed(home: str, version: tuple[Any, ...], every_epoch: bool, _known: Known) -> Packed | None:
    frame = queries.search_predictions(owner().cursor(), str(_known.search["search_id"]), "val", every_epoch)
    used = {row["trial_id"] for row in _known.finished.values()}
    frame = frame[frame["trial_id"].isin(used)].reset_index(drop=True)
    if frame.empty:
        return None
    first = frame.iloc[0]
    # Trials of one search have the same images; one that has not cannot be compared and is left out.
    alike = [np.array_equal(ids, first["image_ids"]) for ids in frame["image_ids"]]
    everything = frozenset(frame["trial_id"])
    frame = frame[alike]
    images = len(first["image_ids"])
    probabilities = np.stack(frame["probabilities"].to_list()).reshape(len(frame), images, -1)
    return Packed(
        np.asarray(first["true_classes"], dtype=np.int64), probabilities, tuple(frame["trial_id"]),
        tuple(int(epoch) for epoch in frame["epoch"]), everything - frozenset(frame["trial_id"]),
    )  # fmt: skip


def _ones(packed: Packed) -> np.ndarray:
    return np.ones((1, len(packed.true)))


def _best_of(packed: Packed, columns: np.ndarray) -> dict[str, tuple[float, int]]:
    """The best column of each trial, the earliest of equals: score and epoch."""
    found: dict[str, tuple[float, int]] = {}
    for trial_id, epoch, score in zip(packed.trial_ids, packed.epochs, columns, strict=True):
        if trial_id not in found or score > found[trial_id][0]:
            found[trial_id] = (float(score), epoch)
    return found


def _recorded(known: Known, rules: Rules) -> dict[str, tuple[float, int]]:
    """Accuracy or loss as recorded; these two need no predictions."""
    name, sign = ("accuracy", 1.0) if rules.objective.name == "accuracy" else ("loss", -1.0)
    rows = list(known.finished.values())
    if not rules.best_epoch:
        last = {row["trial_id"]: (row[f"val_{name}"], row["epochs"]) for row in rows}
        return {one: (sign * float(value), epoch) for one, (value, epoch) in last.items() if not missing(value)}
    curves: pd.DataFrame = read("epochs", [row["trial_id"] for row in rows], ["val"])
    found: dict[str, tuple[float, int]] = {}
    for trial_id, epoch, value in zip(curves["trial_id"], curves["epoch"], curves[name], strict=True):
        if not missing(value) and (trial_id not in found or sign * value > found[trial_id][0]):
            found[trial_id] = (sign * float(value), int(epoch))
    return found
