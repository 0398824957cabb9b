"""What a model said of images whose class is known, from the journals, and how often it was right."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.evaluation.elsewhere import Outcome, outcome_of
from core.evaluation.fusion import FusionError, Outputs, fuse_outputs
from core.prediction.models import ModelEntry
from core.search.state import TrialState

Facts = dict[str, Any]


def outputs(trial: TrialState, split: str) -> Outputs | None:
    """What a trial said of a split's images at its end; None where that is not recorded."""
    record = trial.last if split == "val" else trial.evaluation
    found = ((record or {}).get("predictions") or {}).get(split)
    return None if not found else _unpacked(found["image_ids"], found["true_class"], found["probabilities"])


def said(record: Facts, n_classes: int) -> Outputs | None:
    """What a model said of images from elsewhere."""
    found = _unpacked(record["image_ids"], record["true_classes"], record["probabilities"])
    return found if found is not None and found.probabilities.shape[1] == n_classes else None


def _unpacked(image_ids: Sequence[int], true: Sequence[int], probabilities: str) -> Outputs | None:
    if not len(image_ids):
        return None
    values = np.frombuffer(base64.b64decode(probabilities), "<f4").reshape(len(image_ids), -1)
    return Outputs(np.array(image_ids, np.int64), np.array(true, np.int64), values.astype(np.float64))


def together(each: Sequence[Outputs | None], model: ModelEntry) -> Outputs | None:
    """The fusion of its members' recorded answers; None where they did not all answer for the same images."""
    found = [one for one in each if one is not None]
    if len(found) < len(each):
        return None
    try:
        return fuse_outputs(found, model.weights, model.rule)
    except FusionError:
        return None


def judged(found: Outputs, model: ModelEntry) -> Facts:
    """Accuracy with its 95 % Wilson interval, and the same of each class that has images."""
    outcome: Outcome = outcome_of(found.true, found.probabilities.argmax(axis=1), model.classes)
    return {
        "right": outcome.right, "images": outcome.n, "accuracy": outcome.accuracy, "low": outcome.low,
        "high": outcome.high, "without_images": list(outcome.absent),
        "classes": {
            one.name: {"right": one.right, "images": one.support, "low": one.low, "high": one.high,
                       "mistaken_for": one.mistaken_for}
            for one in outcome.classes
        },
    }  # fmt: skip
