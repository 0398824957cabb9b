"""The published search as records, so that every own search can stand beside it.

Source: He & Zhou, "InceptionV3-Based Blood Cell Classification for Cancer Detection", JCTAM v2n2a04 (2025),
ARK ark:/40704/JCTAM.v2n2a04: its Tables 1, 3 and 4 and the confusion matrix that Table 4 implies, restated as CSV
files in `published/`. Only what the study reports is recorded: no times, no curves (each trial has its last epoch),
and of the final training no train and validation scores. Its AUC is kept as reported: a matrix does not give one.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from store.journal import Record

SEARCH_ID = "published-he-zhou-2025"
DATASET_ID = "published-he-zhou-2025"
SOURCE = "published"  # takes the place of a journal's name in the tables
CITATION = (
    "He & Zhou, InceptionV3-Based Blood Cell Classification for Cancer Detection, JCTAM v2n2a04 (2025), "
    "ARK ark:/40704/JCTAM.v2n2a04"
)
_FOLDER = Path(__file__).parent / "published"
_COORDINATES = ("batch_size", "epochs", "learning_rate")  # the published order inside a cycle
_IMAGES_PER_CLASS = 1000


def published_records() -> list[Record]:
    """Everything that the study reports, as journal records without a time."""
    trials = _trials()
    confusion, classes = _confusion()
    final_id = f"{SEARCH_ID}.final-0"
    cycles = _cycles(trials)
    best = max(trials, key=lambda trial: trial["val"]["accuracy"])  # the first of equals
    records: list[Record] = [
        {
            "kind": "dataset", "dataset_id": DATASET_ID, "name": "Five classes of blood cells (published)",
            "classes": classes, "split_origin": "given", "fractions": {"train": 0.7, "val": 0.15, "test": 0.15},
            "synthetic": False, "usable": _IMAGES_PER_CLASS * len(classes), "bad": 0,
        },
        {
            "kind": "search", "search_id": SEARCH_ID, "name": "He & Zhou 2025", "origin": "published",
            "objective": "val_accuracy", "patience": 2, "environment": {"source": CITATION},
            "settings": {"backbone": "inception_v3", "search_space": _read("table1_search_space.csv")},
        },
        {"kind": "search_data", "search_id": SEARCH_ID, "dataset_id": DATASET_ID},
    ]  # fmt: skip
    for trial in trials:
        shared = {"trial_id": trial["fact"]["trial_id"], "search_id": SEARCH_ID}
        splits = {"train": trial["train"], "val": trial["val"]}
        records += [
            {"kind": "trial", **trial["fact"]},
            {"kind": "epoch", **shared, "epoch": trial["fact"]["epochs"], "splits": splits},
            {"kind": "evaluation", **shared, "epoch": trial["fact"]["epochs"], "splits": {"test": trial["test"]}},
            {"kind": "trial_event", **shared, "attempt": 1, "seq": 0, "status": "COMPLETE"},
        ]
    records += [{"kind": "cycle", "search_id": SEARCH_ID, **cycle} for cycle in cycles]
    shared = {"trial_id": final_id, "search_id": SEARCH_ID}
    point = {name: best["fact"][name] for name in _COORDINATES}
    records += [
        {
            "kind": "trial", **shared, **point, "position": len(trials), "coordinate": "final",
            "de_count": cycles[-1]["de_count"], "reused_epochs": 0,
        },
        {"kind": "evaluation", **shared, "epoch": point["epochs"], "splits": {"test": _final_test(confusion)}},
        {"kind": "trial_event", **shared, "attempt": 1, "seq": 0, "status": "COMPLETE"},
        {
            "kind": "search_event", "search_id": SEARCH_ID, "attempt": 1, "seq": 0, "status": "COMPLETE",
            "de_count": cycles[-1]["de_count"], "best_trial_id": best["fact"]["trial_id"], "model_trial_id": final_id,
            "stop_reason": "DE_COUNT reached 2",
        },
    ]  # fmt: skip
    return records


def _read(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _trials() -> list[dict[str, Any]]:
    """Table 3: the initial trial, then three a cycle; train_loss brought from the study's unit to the plain mean."""
    trials = []
    for position, row in enumerate(_read("table3_search.csv")):
        cycle, coordinate = (
            (0, "initial") if position == 0 else (1 + (position - 1) // 3, _COORDINATES[position % 3 - 1])
        )
        batch_size = int(row["batch_size"])
        fact = {
            "trial_id": f"{SEARCH_ID}.{cycle:02d}-{coordinate}", "search_id": SEARCH_ID, "position": position,
            "cycle": cycle, "coordinate": coordinate, "learning_rate": float(row["learning_rate"]),
            "batch_size": batch_size, "epochs": int(row["epochs"]), "de_count": int(row["de_count"]),
            "reused_epochs": 0, "settings": {"backbone": "inception_v3"},
        }  # fmt: skip
        trials.append(
            {
                "fact": fact,
                "train": {"loss": round(float(row["train_loss"]) * batch_size, 6), "accuracy": float(row["train_acc"])},
                "val": {"loss": float(row["val_loss"]), "accuracy": float(row["val_acc"])},
                "test": {"loss": float(row["test_loss"]), "accuracy": float(row["test_acc"])},
            }
        )
    return trials


def _cycles(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the study's rule makes of the trials: who was chosen in each cycle, and DE_COUNT after it."""
    cycles: list[dict[str, Any]] = []
    best, de_count = float("-inf"), 0
    for number in range(max(trial["fact"]["cycle"] for trial in trials) + 1):
        candidates = [trial for trial in trials if trial["fact"]["cycle"] == number]
        chosen = max(candidates, key=lambda trial: trial["val"]["accuracy"])  # a tie: the first in coordinate order
        scores = sorted((trial["val"]["accuracy"] for trial in candidates), reverse=True)
        improved = scores[0] > best
        best, de_count = max(best, scores[0]), 0 if improved else de_count + 1
        cycle = {
            "cycle": number, "trial_ids": [trial["fact"]["trial_id"] for trial in candidates],
            "chosen_trial_id": chosen["fact"]["trial_id"], "chosen_score": scores[0],
            "runner_up_score": scores[1] if len(scores) > 1 else None, "improved": improved, "de_count": de_count,
        }  # fmt: skip
        cycles.append(cycle)
    return cycles


def _confusion() -> tuple[list[list[int]], list[str]]:
    """The test confusion matrix of the final training (row = true class) and the classes."""
    rows = _read("confusion_matrix_test.csv")
    classes = [row["true_class"] for row in rows]
    return [[int(row[name]) for name in classes] for row in rows], classes


def _final_test(confusion: list[list[int]]) -> dict[str, Any]:
    """The test split of the final training: counts from its matrix, AUC as reported, loss not reported."""
    indices = range(len(confusion))
    total = sum(map(sum, confusion))
    support = [sum(row) for row in confusion]
    tp = [confusion[i][i] for i in indices]
    fp = [sum(row[i] for row in confusion) - tp[i] for i in indices]
    fn = [support[i] - tp[i] for i in indices]
    return {
        "loss": None, "accuracy": sum(tp) / total, "support": support, "tp": tp, "fp": fp,
        "tn": [total - tp[i] - fp[i] - fn[i] for i in indices], "fn": fn, "class_loss": None,
        "class_auc": [float(row["auc"]) for row in _read("table4_per_class.csv")],
        "confusion": [count for row in confusion for count in row],
    }  # fmt: skip
