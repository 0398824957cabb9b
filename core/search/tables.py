"""A search as the study prints it: Table 3 (the trials) and Table 4 (the final model), as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.evaluation.intervals import wilson
from core.evaluation.metrics import COUNTS, report_of
from core.learning.recipes import PLAIN
from core.paths import trial_name
from core.search.state import FINAL, WHAT_IF, SearchState, TrialState

SPLITS = ("train", "val", "test")


def table3(state: SearchState) -> str:
    """Every trial in the order asked: settings, and loss and accuracy of train, val and test (plain means)."""
    best = state.event["best_trial_id"] if state.event else None
    head = f"{'DE_COUNT':>8} {'learning rate':>13} {'batch':>5} {'epochs':>6}"
    head += "".join(f" {split + ' loss':>10} {split + ' acc':>9}" for split in SPLITS)
    lines = [head]
    for trial in state.ordered():
        fact = trial.fact
        note = "  best" if fact["trial_id"] == best else ""
        note += "".join(f"  {_way(trial, name)}" for name in _varied(state))
        note += f"  final, seed {fact['seed']}" if fact["coordinate"] == FINAL else ""
        note += "  what-if, no part of the search" if fact["coordinate"] == WHAT_IF else ""
        note += f"  {trial.reused} epochs continued" if trial.reused else ""
        note += f"  {trial.status}: {trial.error or ''}" if trial.status != "COMPLETE" else ""
        de_count = "-" if fact["de_count"] is None else fact["de_count"]
        lines.append(
            f"{de_count:>8} {fact['learning_rate']:>13g} {fact['batch_size']:>5} {fact['epochs']:>6}"
            + "".join(f" {_number(trial, s, 'loss', 10)} {_number(trial, s, 'accuracy', 9)}" for s in SPLITS)
            + note
        )
    return "\n".join(lines)


def _varied(state: SearchState) -> list[str]:
    """What of backbone and recipe differs between the trials of a search; its table names it."""
    trials = state.trials.values()
    return [name for name in ("backbone", "recipe") if len({_way(trial, name) for trial in trials}) > 1]


def _way(trial: TrialState, name: str) -> str:
    return str(trial.fact.get("settings", {}).get(name, PLAIN))  # a trial of an earlier version names no recipe


def table4(trial: TrialState, classes: list[str], split: str = "test") -> str:
    """Per class AUC, precision, recall, F1 and specificity (%), then accuracy and macro specificity."""
    if trial.evaluation is None or split not in trial.evaluation["splits"]:
        return f"{trial.fact['trial_id']} has no evaluation on {split}."
    result: dict[str, Any] = trial.evaluation["splits"][split]
    rates = report_of({name: np.array(result[name]) for name in COUNTS})
    width = max(len(name) for name in [*classes, "class"])
    lines = [
        f"{'class':<{width}} {'images':>6} {'AUC':>6} {'precision':>9} {'recall':>7} {'F1':>7} {'specificity':>11}"
    ]
    for index, name in enumerate(classes):
        auc = result["class_auc"][index]
        lines.append(
            f"{name:<{width}} {result['support'][index]:>6} {'-' if auc is None else f'{auc:.4f}':>6}"
            f" {100 * rates.precision[index]:>9.2f} {100 * rates.recall[index]:>7.2f} {100 * rates.f1[index]:>7.2f}"
            f" {100 * rates.specificity[index]:>11.2f}"
        )
    right, total = sum(result["tp"]), rates.n
    low, high = wilson(right, total)
    lines.append(
        f"accuracy {right / total:.4f} ({right} of {total}; 95 % Wilson interval {low:.4f} to {high:.4f}), "
        f"macro specificity {rates.macro['specificity']:.4f}"
    )
    return "\n".join(lines)


def summary(state: SearchState, classes: list[str]) -> str:
    """Both tables, epochs saved by continuing, and the spread of the final trainings."""
    parts = [table3(state)]
    asked = state.on_path()
    total, reused = sum(t.fact["epochs"] for t in asked), sum(t.reused for t in asked)
    parts.append(f"epochs trained: {total - reused} of {total} ({reused} continued instead of trained again)")
    finals = [t.metric("test", "accuracy") for t in state.ordered() if t.fact["coordinate"] == FINAL]
    known = [value for value in finals if value is not None]
    if len(known) > 1:
        parts.append(
            f"final trainings: test accuracy {np.mean(known):.4f} on average, {min(known):.4f} to {max(known):.4f}, "
            f"standard deviation {np.std(known, ddof=1):.4f}, from {len(known)} seeds"
        )
    model = state.event["model_trial_id"] if state.event else None
    if model in state.trials:
        trial = state.trials[model]
        parts.append(f"the search's model: {model}\n{table4(trial, classes)}")
    return "\n\n".join(parts)


def model_accuracy(state: SearchState) -> tuple[float | None, str]:
    """Test accuracy of the search's model, else of its best trial (on val where there is none), and which it is."""
    event = state.event or {}
    for trial_id in (event.get("model_trial_id"), event.get("best_trial_id")):
        if trial_id in state.trials:
            trial = state.trials[trial_id]
            known = {split: trial.metric(split, "accuracy") for split in ("test", "val")}
            split = next((name for name, value in known.items() if value is not None), "")
            return known.get(split), f"{trial_name(str(trial_id))} on {split}" if split else ""
    return None, ""


def _number(trial: TrialState, split: str, name: str, width: int) -> str:
    value = trial.metric(split, name)
    return f"{'-' if value is None else f'{value:.4f}':>{width}}"
