"""What-if trials in the journals of a made-up search, as `python -m core what-if` would write them."""

from __future__ import annotations

import base64
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from store.journal import JournalWriter, journal_folder, replay


def write_what_if(
    home: Path,
    search_id: str,
    point: dict[str, Any],
    *,
    right: float = 0.9,
    status: str = "COMPLETE",
    position: int = 20,
    settings: dict[str, Any] | None = None,
) -> str:
    """A what-if trial at a point: `right` is its share of validation images called right; its id.

    A RUNNING one is half way and has this process's id.
    """
    records = list(replay(home, search_id))
    like = next(r for r in records if r["kind"] == "epoch" and r["trial_id"] == f"{search_id}.00-initial")
    ids = like["predictions"]["val"]["image_ids"]
    true = np.array(like["predictions"]["val"]["true_class"])
    classes = len(like["splits"]["val"]["support"])
    name = "what-if-" + "-".join(f"{key}-{value}" for key, value in point.items())
    trial_id = f"{search_id}.{name}"
    both = {"trial_id": trial_id, "search_id": search_id}
    folder = journal_folder(home, search_id)
    controller = JournalWriter(folder, "what-if", 1)
    controller.append(
        "trial", **both, position=position, cycle=None, coordinate="what-if", **point, seed=0, de_count=None,
        from_trial_id=None, reused_epochs=0, settings=settings or {},
    )  # fmt: skip
    controller.close()
    journal = JournalWriter(folder, name, 1)
    event = {**both, "attempt": 1, "pid": os.getpid(), "host": platform.node(), "error": None}
    journal.append("trial_event", **event, status="RUNNING")
    called = true.copy()
    wrong = np.arange(len(true)) >= round(right * len(true))
    called[wrong] = (called[wrong] + 1) % classes
    probabilities = np.full((len(true), classes), 0.1 / (classes - 1), dtype="<f4")
    probabilities[np.arange(len(true)), called] = 0.9
    losses = -np.log(probabilities[np.arange(len(true)), true])
    hits = [(true == c, called == c) for c in range(classes)]
    split = {
        "loss": float(losses.mean()), "accuracy": float((called == true).mean()),
        "support": [int(t.sum()) for t, _ in hits], "tp": [int((t & p).sum()) for t, p in hits],
        "fp": [int((~t & p).sum()) for t, p in hits], "tn": [int((~t & ~p).sum()) for t, p in hits],
        "fn": [int((t & ~p).sum()) for t, p in hits], "class_loss": [None] * classes, "class_auc": [None] * classes,
    }  # fmt: skip
    told = {"image_ids": ids, "true_class": true.tolist(),
            "probabilities": base64.b64encode(probabilities.tobytes()).decode()}  # fmt: skip
    last = point["epochs"] if status == "COMPLETE" else point["epochs"] // 2
    for epoch in range(1, last + 1):
        journal.append(
            "epoch", **both, epoch=epoch, reused=False, seconds=20.0, images_per_second=10.0,
            splits={"train": split, "val": split}, predictions={"val": told},
        )  # fmt: skip
    if status != "RUNNING":
        if status == "COMPLETE":
            journal.append("evaluation", **both, epoch=last, splits={"test": split}, predictions={})
        journal.append("trial_event", **event, status=status)
    journal.close()
    return trial_id
