"""What epochs cost, from those that the search trained. pandas only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from pages.charts.wording import missing


def seconds_an_epoch(trials: Iterable[Mapping[str, Any]], epochs: pd.DataFrame) -> dict[int, float]:
    """Median seconds of a trained (not reused) epoch by batch size, validation included.

    The record has the duration of the training part; what comes on top is taken from the times between the records of
    consecutive epochs, as the median over the whole search.

    `trials` have trial_id and batch_size; `epochs` are as from `queries.epochs`.
    """
    rows = epochs[(epochs["split"] == "train") & epochs["seconds"].notna()]
    rows = rows[~rows["reused"].fillna(False).astype(bool)].sort_values(["trial_id", "epoch"])
    if rows.empty:
        return {}
    between = rows.groupby("trial_id")["at"].diff().dt.total_seconds() / rows["seconds"].clip(lower=1e-9)
    follows = rows.groupby("trial_id")["epoch"].diff() == 1
    more = float(between[follows].median()) if follows.any() else 1.0
    more = more if more >= 1 else 1.0
    sizes = {row["trial_id"]: int(row["batch_size"]) for row in trials}
    by_size = rows.groupby(rows["trial_id"].map(sizes))["seconds"].median()
    pairs = zip(by_size.index, by_size, strict=True)
    return {int(size): float(seconds) * more for size, seconds in pairs if not missing(size)}


def seconds_at(costs: Mapping[int, float], batch_size: int) -> float | None:
    """Seconds of an epoch at a batch size: those of the nearest one that was trained, of two the smaller one."""
    if not costs:
        return None
    return costs[min(costs, key=lambda size: (abs(size - batch_size), size))]


def training_seconds(costs: Mapping[int, float], epochs: Iterable[tuple[int, int]], parallel: int = 1) -> float | None:
    """Seconds to train so many epochs at such batch sizes, given as pairs; None where nothing was measured.

    `parallel` trainings run at once; their share in time is taken as even.
    """
    if not costs:
        return None
    pairs = list(epochs)
    total = sum(number * (seconds_at(costs, size) or 0.0) for size, number in pairs)
    return total / max(1, min(parallel, len(pairs)))
