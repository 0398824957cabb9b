"""What several pages ask about a search: its trials with intervals, its classes, where it stands."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.paths import search_folder
from core.search.state import FINAL, WHAT_IF
from pages.charts.wording import missing, share
from pages.components.data import home, read, record
from pages.components.summary import images_in, interval, with_intervals


def split_images(dataset_id: Any, split: str) -> int | None:
    """Number of usable images in a split; of the published data, which has no image list, the share that is told."""
    if missing(dataset_id):
        return None
    return images_in(read("dataset_counts", dataset_id), record("dataset", dataset_id), split)


def classes(dataset_id: Any) -> list[str]:
    """Class names in the order of the class index; empty while the data are unknown."""
    dataset = None if missing(dataset_id) else record("dataset", dataset_id)
    return [] if dataset is None else [str(name) for name in dataset["classes"]]


def synthetic(search: dict[str, Any]) -> bool:
    """Whether its images are generated sample cells."""
    return not missing(search["synthetic"]) and bool(search["synthetic"])


def trials_of(search: dict[str, Any]) -> pd.DataFrame:
    """The trials of a search in the order asked, with the Wilson interval of each score."""
    return with_intervals(read("trials", search["search_id"]), split_images(search["dataset_id"], "val"))


def best_score(search: dict[str, Any], trials: pd.DataFrame) -> tuple[str, str]:
    """The best validation accuracy and its interval, as text."""
    best = trials[trials["trial_id"] == search["best_trial_id"]]
    if best.empty or missing(best["val_accuracy"].iloc[0]):
        return "–", "no trial has finished"
    row = best.iloc[0]
    bounds = "interval unknown" if missing(row["val_low"]) else f"{share(row['val_low'])} to {share(row['val_high'])}"
    return share(row["val_accuracy"]), bounds


def doing(trials: pd.DataFrame) -> str:
    """What is trained right now: 'trial 4, epoch 12 of 20', or ''."""
    running = trials[trials["status"] == "RUNNING"]
    if running.empty:
        return ""
    row = running.iloc[0]
    more = f" and {len(running) - 1} more" if len(running) > 1 else ""
    off_path = {FINAL: "final training", WHAT_IF: "what-if point"}
    what = off_path.get(str(row["coordinate"]), f"trial {int(row['position']) + 1}")
    return f"{what}, epoch {min(int(row['epochs_done']) + 1, int(row['epochs']))} of {row['epochs']}{more}"


def starting(search_id: str | None, searches: pd.DataFrame) -> str | None:
    """The id when the search has been launched but its controller has not recorded anything yet."""
    known = set(searches["search_id"])
    if search_id and search_id not in known and (search_folder(home(), search_id) / "settings.json").exists():
        return search_id
    return None


def accuracy_interval(accuracy: Any, images: int | None) -> str:
    """'0.9867 to 0.9991', or '' where it is unknown."""
    low, high = interval(accuracy, images)
    return "" if missing(low) else f"{share(low)} to {share(high)}"
