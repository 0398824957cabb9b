"""What one pass over a split gave, and its form in the journal."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.evaluation.metrics import class_counts, one_vs_rest_auc


@dataclass(frozen=True)
class SplitResult:
    """Loss (mean cross-entropy an image), accuracy in [0, 1], and per-class values, lists over the classes.

    `rows` (n,) are image ids, `true` (n,) class indices, `probabilities` (n, C) float32.
    """

    loss: float
    accuracy: float
    counts: dict[str, list[int]]
    class_loss: list[float | None]
    class_auc: list[float | None]
    rows: np.ndarray
    true: np.ndarray
    probabilities: np.ndarray

    @staticmethod
    def of(rows: np.ndarray, true: np.ndarray, probabilities: np.ndarray, losses: np.ndarray) -> SplitResult:
        """Compute the metrics from each image's class (n,), probabilities (n, C) and loss (n,)."""
        n_classes = probabilities.shape[1]
        predicted = probabilities.argmax(axis=1)
        counts = {name: [int(x) for x in values] for name, values in class_counts(true, predicted, n_classes).items()}
        class_loss = [
            float(losses[true == index].mean(dtype=np.float64)) if (true == index).any() else None
            for index in range(n_classes)
        ]
        return SplitResult(
            loss=float(losses.mean(dtype=np.float64)),
            accuracy=float((predicted == true).mean()),
            counts=counts,
            class_loss=class_loss,
            class_auc=one_vs_rest_auc(true, probabilities),
            rows=rows,
            true=true,
            probabilities=probabilities.astype(np.float32),
        )

    def metrics(self) -> dict[str, Any]:
        """The journal's form of the metrics (one split of an `epoch` or `evaluation` record)."""
        return {
            "loss": self.loss,
            "accuracy": self.accuracy,
            **self.counts,
            "class_loss": self.class_loss,
            "class_auc": self.class_auc,
        }

    def predictions(self) -> dict[str, Any]:
        """The journal's form of every image's probabilities: exact float32 bits, base64."""
        return {
            "image_ids": self.rows.tolist(),
            "true_class": self.true.tolist(),
            "probabilities": base64.b64encode(self.probabilities.astype("<f4").tobytes()).decode(),
        }
