"""What the page Evaluate is about: one trial, one split, one epoch, and all that the store knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.evaluation.bootstrap import Areas, areas
from core.evaluation.intervals import Estimate
from core.evaluation.macro import macro_rates
from core.evaluation.metrics import confusion_matrix
from pages.charts.wording import missing
from pages.components import outcome
from pages.components.data import read
from pages.components.facts import classes, split_images

SPLITS = {"test": "Test", "val": "Validation"}
SPLIT_WORDS = {"test": "test", "val": "validation"}

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """All of one choice. Without probabilities of single images `true` is empty and `probabilities` (0, C)."""

    search: dict[str, Any]
    trial: dict[str, Any]
    split: str
    epoch: int | None  # None: nothing is known of this split
    epochs: int  # epochs of this split that are known
    names: list[str]  # of the C classes
    rows: pd.DataFrame  # counts of each class, as `queries.class_epochs` has them
    pairs: pd.DataFrame  # the confusion matrix, as `queries.confusion` has it; empty where it is unknown
    images: pd.DataFrame  # image_id and path of each prediction
    true: Ints  # (n,)
    probabilities: Floats  # (n, C)

    @property
    def trial_id(self) -> str:
        return str(self.trial["trial_id"])

    @property
    def published(self) -> bool:
        return bool(self.search["origin"] == "published")

    @property
    def counted(self) -> bool:
        """Whether anything per class is known."""
        return outcome.counted(self.rows)

    @property
    def single_images(self) -> bool:
        """Whether the probabilities of single images are known."""
        return len(self.true) > 0

    @cached_property
    def n(self) -> int | None:
        """Images of the split."""
        return int(self.rows["support"].sum()) if self.counted else split_images(self.search["dataset_id"], self.split)

    @property
    def file_name(self) -> str:
        """What downloads are called: the trial, the split, and the epoch unless it is the only one."""
        return f"{self.trial_id}-{self.split}" + (f"-epoch-{self.epoch}" if self.epochs > 1 else "")

    @cached_property
    def areas(self) -> tuple[Areas, Areas] | None:
        """(ROC, precision-recall) areas with intervals; None without single images."""
        return _areas(self.true, self.probabilities) if self.single_images else None

    @cached_property
    def macro(self) -> Mapping[str, Estimate] | None:
        """Macro rates with intervals; None where the confusion matrix is not known."""
        return None if self.pairs.empty else macro_rates(outcome.matrix_of(self.pairs, self.names))


def known_epochs(trial_id: str, split: str) -> list[int]:
    """Epochs after which this split was evaluated, rising."""
    return sorted(int(epoch) for epoch in read("epochs", [trial_id], [split])["epoch"].unique())


def view_of(search: dict[str, Any], trial: dict[str, Any], split: str, epoch: int | None, epochs: int) -> View:
    """Read what the store has of it."""
    trial_id = str(trial["trial_id"])
    rows = outcome.at_epoch(read("class_epochs", trial_id, split), epoch)
    names = classes(search["dataset_id"]) or [str(name) for name in rows["class"]]
    predictions = read("predictions", trial_id, split, epoch) if epoch is not None else pd.DataFrame()
    true: Ints = np.empty(0, dtype=np.int64)
    probabilities: Floats = np.empty((0, len(names)))
    pairs = read("confusion", trial_id, split)
    if not predictions.empty:
        index = {name: position for position, name in enumerate(names)}
        true = np.asarray(predictions["true_class"].map(index), dtype=np.int64)
        probabilities = np.stack(predictions["probabilities"].to_list()).astype(np.float64)
        pairs = outcome.pairs_of(confusion_matrix(true, probabilities.argmax(axis=1), len(names)), names)
    elif epoch != max(known_epochs(trial_id, split), default=None):
        pairs = pairs.iloc[:0]  # the stored matrix is of the last epoch
    images = pd.DataFrame(predictions, columns=["image_id", "path"])
    images["path"] = images["path"].fillna("unknown file")  # an image that no record describes
    return View(search, trial, split, epoch, epochs, names, rows, pairs, images, true, probabilities)


def scores(view: View) -> tuple[Any, Any]:
    """(loss, accuracy) of the split after the chosen epoch; None where they are unknown."""
    rows = read("epochs", [view.trial_id], [view.split])
    row = rows[rows["epoch"] == view.epoch]
    loss, accuracy = (None, None) if row.empty else (row["loss"].iloc[0], row["accuracy"].iloc[0])
    if missing(accuracy) and view.counted:
        accuracy = outcome.rates_of(view.rows).accuracy
    return loss, accuracy


@st.cache_data(max_entries=32, show_spinner="Redrawing the images for the intervals.")
def _areas(true: Ints, probabilities: Floats) -> tuple[Areas, Areas]:
    return areas(true, probabilities)
