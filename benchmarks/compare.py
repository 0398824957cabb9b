"""Whether two searches came to the same: every number of every trial, to the last bit.

Two runs of a search differ in ids, times and process numbers, and a reused epoch is marked so; nothing else may
differ. Trials are matched by their name, the part of the id after the search's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.paths import trial_folder, trial_name
from core.search.state import SearchState, TrialState

SPLITS = ("train", "val", "test")
HYPER_PARAMETERS = ("cycle", "coordinate", "learning_rate", "batch_size", "epochs", "seed", "de_count", "settings")
MAX_TOLD = 12  # differences spelt out; the rest are counted

Table = dict[str, dict[str, Any]]  # by trial name


def trial_table(state: SearchState, *, with_reuse: bool = True) -> Table:
    """Hyper-parameters, DE_COUNT, status, losses and accuracies of every trial, as the journals say."""
    table = {}
    for trial in state.ordered():
        row: dict[str, Any] = {name: trial.fact[name] for name in HYPER_PARAMETERS}
        if with_reuse:
            row |= {"reused_epochs": trial.fact["reused_epochs"], "from": trial_name(trial.fact["from_trial_id"] or "")}
        row["status"] = trial.status
        for split in SPLITS:
            row |= {f"{split} {name}": trial.metric(split, name) for name in ("loss", "accuracy")}
        table[trial_name(trial.fact["trial_id"])] = row
    return table


def epoch_table(state: SearchState) -> Table:
    """All that the journals say of each epoch but its times: per-class counts, losses, AUCs and probabilities too."""
    return {
        f"{trial_name(trial.fact['trial_id'])} {what}": {
            "splits": record["splits"],
            "predictions": record.get("predictions"),
        }
        for trial in state.ordered()
        for what, record in _records(trial)
    }


def decision_table(state: SearchState) -> Table:
    """What the search decided after each cycle, and how it ended."""
    table = {
        f"cycle {number}": {
            "chosen": trial_name(record["chosen_trial_id"] or ""), "de_count": record["de_count"],
            **{name: record[name] for name in ("chosen_score", "runner_up_score", "improved")},
        }
        for number, record in state.cycles.items()
    }  # fmt: skip
    end = state.event or {}
    table["end"] = {name: end.get(name) for name in ("status", "de_count", "stop_reason")}
    table["end"] |= {name: trial_name(end.get(name) or "") for name in ("best_trial_id", "model_trial_id")}
    return table


def weights_table(home: Path, state: SearchState) -> Table:
    """SHA-256 of the weights that each trial left."""
    table = {}
    for trial in state.ordered():
        file = trial_folder(home, trial.fact["trial_id"]) / "weights.json"
        digest = json.loads(file.read_text())["sha256"] if file.exists() else None
        table[trial_name(trial.fact["trial_id"])] = {"sha256": digest}
    return table


def differences(one: Table, other: Table, names: tuple[str, str]) -> list[str]:
    """One sentence a difference: a missing row, or a value that is not exactly equal (floats too)."""
    found = []
    for key in [*one, *(key for key in other if key not in one)]:
        if key not in one or key not in other:
            found.append(f"{key} is only in {names[0] if key in one else names[1]}")
            continue
        for column in sorted(one[key].keys() | other[key].keys()):
            a, b = one[key].get(column), other[key].get(column)
            if a != b:
                found.append(f"{key}, {column}: {_short(a)} {names[0]}, {_short(b)} {names[1]}")
    return found


def told(found: list[str]) -> str:
    """The first differences, indented, and how many more there are; 'equal to the last bit' when there is none."""
    if not found:
        return "equal to the last bit"
    more = [f"    and {len(found) - MAX_TOLD} more"] if len(found) > MAX_TOLD else []
    return "\n".join([f"{len(found)} DIFFERENCES", *(f"    {line}" for line in found[:MAX_TOLD]), *more])


def _records(trial: TrialState) -> list[tuple[str, dict[str, Any]]]:
    found = [(f"epoch {number}", record) for number, record in sorted(trial.epochs.items())]
    return found + ([("evaluation", trial.evaluation)] if trial.evaluation else [])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
