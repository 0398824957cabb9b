"""A fusion beside its members, as tables and sentences. pandas and NumPy only, no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.fusion import Outputs, mean_loss
from core.evaluation.intervals import Estimate, wilson
from core.evaluation.macro import macro_rates
from core.evaluation.metrics import confusion_matrix, report
from core.evaluation.paired import Paired

FUSION = "fusion"


@dataclass(frozen=True)
class Scores:
    """What one model gets right on one split. `loss` is None where its answers are no probabilities (a vote)."""

    right: NDArray[np.bool_]  # (n,)
    matrix: NDArray[np.int64]  # (C, C)
    macro_specificity: float
    loss: float | None

    @property
    def n(self) -> int:
        return len(self.right)

    @property
    def hits(self) -> int:
        return int(self.right.sum())

    @property
    def accuracy(self) -> float:
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy."""
        return wilson(self.hits, self.n)


def scores_of(outputs: Outputs, *, vote: bool = False) -> Scores:
    """The scores of a model that calls its most probable class, the first of equals."""
    n_classes = outputs.probabilities.shape[1]
    called = outputs.probabilities.argmax(axis=1)
    matrix = confusion_matrix(outputs.true, called, n_classes)
    return Scores(
        called == outputs.true,
        matrix,
        report(matrix).macro["specificity"],
        None if vote else mean_loss(outputs.true, outputs.probabilities),
    )


def macro_specificity(scores: Scores) -> Estimate:
    """The macro specificity with its interval."""
    return macro_rates(scores.matrix)["specificity"]


def best_member(scores: Mapping[str, Scores]) -> str:
    """The member with the highest accuracy; of equals that with the lower loss, then the first."""
    return max(scores, key=lambda member: (scores[member].accuracy, -(scores[member].loss or 0.0)))


def table(
    names: Mapping[str, str], weights: Mapping[str, float], splits: Mapping[str, Mapping[str, Scores]]
) -> pd.DataFrame:
    """A row a model (the fusion first): model, weight, and for each split accuracy, its 95 % Wilson interval, macro
    specificity and loss."""
    total = sum(weights.values())
    rows = []
    for model in next(iter(splits.values())):
        row: dict[str, object] = {
            "model": names.get(model, model),
            "weight": weights[model] / total if model in weights else np.nan,
        }
        for split, scores in splits.items():
            own = scores[model]
            short = "val" if split == "validation" else split
            row[f"{short} accuracy"] = own.accuracy
            row[f"{short} 95 % interval"] = "{:.4f} to {:.4f}".format(*own.interval)
            row[f"{short} macro specificity"] = own.macro_specificity
            row[f"{short} loss"] = np.nan if own.loss is None else own.loss
        rows.append(row)
    return pd.DataFrame(rows)


def accuracies(names: Mapping[str, str], splits: Mapping[str, Mapping[str, Scores]]) -> pd.DataFrame:
    """A row a split and model: split, model, value, low, high, right, n; the fusion first."""
    return pd.DataFrame(
        [
            (split, names.get(model, model), own.accuracy, *own.interval, own.hits, own.n)
            for split, scores in splits.items()
            for model, own in scores.items()
        ],
        columns=["split", "model", "value", "low", "high", "right", "n"],
    )


def sentence(fusion: Scores, member: Scores, name: str) -> str:
    """How the fusion and one member differ on the same images, by McNemar's exact test, in plain words."""
    pair = Paired(int((fusion.right & ~member.right).sum()), int((~fusion.right & member.right).sum()), fusion.n)
    if not pair.first_only + pair.second_only:
        return f"The fusion and {name} are right on the same images."
    verdict = "shown to differ" if pair.p < 0.05 else "not shown to differ"
    return (
        f"The fusion is right on {_images(pair.first_only)} where {name} is wrong, and wrong on {pair.second_only} "
        f"where it is right; McNemar's exact test, p = {pair.p:.3g}: {verdict}."
    )


def whole_weights(weights: Sequence[float], most: int) -> list[int]:
    """Weights that sum to 1 as whole numbers up to `most`, in the same proportions where that is possible."""
    for total in range(1, most * len(weights) + 1):
        scaled = [weight * total for weight in weights]
        if max(scaled) > most + 0.5:
            break
        if all(abs(value - round(value)) < 1e-3 for value in scaled):
            return [round(value) for value in scaled]
    return [max(1, round(weight / max(weights) * most)) for weight in weights]


def same_proportions(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether two sets of weights are of the same members in the same proportions."""
    first = {member: weight for member, weight in one.items() if weight > 0}
    second = {member: weight for member, weight in other.items() if weight > 0}
    if set(first) != set(second) or not first:
        return False
    return all(
        abs(first[member] / sum(first.values()) - second[member] / sum(second.values())) < 1e-9 for member in first
    )


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
