"""Epochs as a training of the published size records them, made from seeded random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.learning.results import SplitResult

N_CLASSES = 5
TRAIN_IMAGES = 900
VAL_IMAGES = 225


def epoch_payload(epoch: int, seed: int = 0) -> dict[str, Any]:
    """The payload of an `epoch` record as core.learning.worker writes it, without its ids.

    Loss, accuracy, per-class counts, losses and AUCs of train and val, and every validation probability.
    """
    rng = np.random.default_rng([seed, epoch])
    results = {"train": _result(rng, TRAIN_IMAGES), "val": _result(rng, VAL_IMAGES)}
    return {
        "epoch": epoch, "seconds": 20.0, "images_per_second": TRAIN_IMAGES / 20, "reused": False,
        "splits": {name: result.metrics() for name, result in results.items()},
        "predictions": {"val": results["val"].predictions()},
    }  # fmt: skip


def scalars(payload: dict[str, Any]) -> dict[str, float]:
    """The same metrics as named numbers, one a class where they are of classes: what other trackers take."""
    found: dict[str, float] = {}
    for split, metrics in payload["splits"].items():
        for name, value in metrics.items():
            if isinstance(value, list):
                found |= {f"{split}/{name}/{index}": float(each) for index, each in enumerate(value)}
            else:
                found[f"{split}/{name}"] = float(value)
    return found


def _result(rng: np.random.Generator, n: int) -> SplitResult:
    true = np.arange(n) % N_CLASSES
    logits = rng.normal(size=(n, N_CLASSES))
    logits[np.arange(n), true] += 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    losses = -np.log(probabilities[np.arange(n), true])
    return SplitResult.of(np.arange(n), true, probabilities.astype(np.float32), losses)
