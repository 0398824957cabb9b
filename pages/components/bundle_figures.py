"""The figures of one search, as its bundle holds them: those of the pages Search and Evaluate. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.bootstrap import areas
from core.search.state import OFF_PATH
from pages.charts.confusion import confusion
from pages.charts.curves import curve
from pages.charts.precision_recall import precision_recall
from pages.charts.progress import best_so_far, de_count
from pages.charts.rates import class_rates
from pages.charts.roc import roc
from pages.charts.trajectory import trajectory
from pages.charts.wording import missing
from pages.components import evaluate_tables, outcome
from pages.components.bundle_tables import SearchTables
from pages.components.summary import images_in, with_intervals
from pages.components.unpacked import climbs

Figures = Iterator[tuple[str, str, Any]]  # file name without its ending, title, figure


def figures(tables: SearchTables) -> Figures:
    """All that the store has enough for."""
    trials = with_intervals(tables.trials, images_in(tables.counts(), tables.dataset, "val"))
    path = trials[~trials["coordinate"].isin(OFF_PATH)]
    if not path.empty:
        name = tables.search["name"]
        best = None if missing(tables.search["best_trial_id"]) else str(tables.search["best_trial_id"])
        if climbs(tables.search):
            yield "trajectory", f"{name}: its path", trajectory(trials, tables.cycles, best=best)
            yield "de_count", f"{name}: DE_COUNT", de_count(tables.cycles, int(tables.search["patience"]))
        yield "best_so_far", f"{name}: validation accuracy with 95 % intervals", best_so_far(trials)
    yield from _curves(tables)
    if tables.model is not None:
        for split in ("val", "test"):
            yield from _outcome(tables, tables.model, split)


def _curves(tables: SearchTables) -> Figures:
    epochs = tables.epochs()
    for trial in tables.trials.to_dict("records"):
        own = epochs[(epochs["trial_id"] == trial["trial_id"]) & epochs["split"].isin(["train", "val"])]
        if own["epoch"].nunique() < 2:
            continue
        reused = 0 if missing(trial["reused_epochs"]) else int(trial["reused_epochs"])
        short = str(trial["trial_id"]).partition(".")[2]
        for metric in ("loss", "accuracy"):
            figure = curve(own, metric, asked=int(trial["epochs"]), reused=reused)
            yield f"{metric}-{short}", f"{trial['trial_id']}: {metric} at each epoch", figure


def _outcome(tables: SearchTables, trial_id: str, split: str) -> Figures:
    """What the model does on one split after its last epoch there."""
    rows = outcome.last_epoch(tables.class_epochs(trial_id, split))
    if not outcome.counted(rows):
        return
    of = f"{trial_id} on {split}" + (" (reported, never used to choose)" if split == "test" else "")
    names = tables.names or [str(name) for name in rows["class"]]
    yield f"confusion-{split}", f"{of}: confusion matrix", confusion(tables.confusion(trial_id, split), names)
    yield f"rates-{split}", f"{of}: rates with 95 % Wilson intervals", class_rates(outcome.rates(rows))
    predictions = tables.predictions(trial_id, split)
    if predictions.empty:
        return
    true, probabilities = arrays(predictions, names)
    found = areas(true, probabilities)
    table = evaluate_tables.areas_table(*found, true, names)
    points = evaluate_tables.roc_points(true, probabilities, names)
    yield f"roc-{split}", f"{of}: ROC curves", roc(points, evaluate_tables.legend(table, "AUC"))
    points = evaluate_tables.precision_recall_points(true, probabilities, names)
    words = evaluate_tables.legend(table, "average precision")
    yield f"precision_recall-{split}", f"{of}: precision-recall curves", precision_recall(points, words)


def arrays(predictions: pd.DataFrame, names: list[str]) -> tuple[evaluate_tables.Ints, evaluate_tables.Floats]:
    """(class indices (n,), probabilities (n, C)) of `queries.predictions`."""
    index = {name: position for position, name in enumerate(names)}
    true = np.asarray(predictions["true_class"].map(index), dtype=np.int64)
    return true, np.stack(predictions["probabilities"].to_list()).astype(np.float64)
