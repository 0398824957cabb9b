"""What the journals know of a data set's shortcut audit, as the sentence for a report."""

from __future__ import annotations

from pathlib import Path

from core.data.dataset import Dataset
from core.data.sources import GUESS, class_table, told_sources
from core.evaluation.audit import CLASS
from core.evaluation.audit_words import badge, confounded
from core.evaluation.auditing import recorded


def audit_sentence(home: Path, dataset: Dataset, model_accuracy: float | None, measured: str = "") -> str | None:
    """How much of a model's lead over chance can be had without looking at the cell; None before an audit.

    Args:
        model_accuracy: in [0, 1]; None for the data set itself.
        measured: whose accuracy that is and on what, such as "final-1 on test".
    """
    kept = recorded(home, dataset.dataset_id)
    found = {feature: audit for (feature, target), (audit, _) in kept.items() if target == CLASS}
    if not found:
        return None
    told = {  # a guess is no fact
        image_id: said.source for image_id, said in told_sources(home, dataset).items() if said.by != GUESS
    }
    accuracies = {feature: audit.accuracy for feature, audit in found.items()}
    chance = next(iter(found.values())).chance
    mixed = confounded(class_table(told, dataset.usable))
    said = badge(accuracies, chance, model_accuracy, confounded=mixed, measured=measured)
    return None if said.level == "not audited" else said.sentence
