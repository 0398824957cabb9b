"""What the tables of a search say, in figures: intervals, close calls, epochs saved, time left. pandas only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from core.evaluation.intervals import wilson
from core.search.state import OFF_PATH, WHAT_IF
from pages.charts.wording import missing, share


def images_in(counts: pd.DataFrame, dataset: dict[str, Any] | None, split: str) -> int | None:
    """Usable images of a split: from `queries.dataset_counts`, else from the share that the data set's record tells."""
    if not counts.empty:
        return int(counts.loc[counts["split"] == split, "count"].sum())
    if dataset is None or missing(dataset["fractions"]) or missing(dataset["usable"]):
        return None
    fractions = dataset["fractions"]
    fractions = json.loads(fractions) if isinstance(fractions, str) else fractions
    return round(float(fractions.get(split, 0)) * int(dataset["usable"]))


def with_intervals(trials: pd.DataFrame, images: int | None) -> pd.DataFrame:
    """`trials` with `val_low` and `val_high`: the 95 % Wilson interval of `val_accuracy` over so many images."""
    bounds = [interval(accuracy, images) for accuracy in trials["val_accuracy"]]
    return trials.assign(
        val_low=pd.Series([low for low, _ in bounds], index=trials.index, dtype=float),
        val_high=pd.Series([high for _, high in bounds], index=trials.index, dtype=float),
    )


def interval(accuracy: Any, images: int | None) -> tuple[float, float]:
    """95 % Wilson interval of an accuracy over so many images; NaN where either is unknown."""
    if missing(accuracy) or not images:
        return float("nan"), float("nan")
    return wilson(round(float(accuracy) * images), images)


def close_calls(cycles: pd.DataFrame, trials: pd.DataFrame) -> set[str]:
    """Chosen trials whose runner-up scored inside their interval: the data do not tell the two apart."""
    lows = dict(zip(trials["trial_id"], trials["val_low"], strict=True))
    return {
        str(chosen)
        for chosen, runner_up in zip(cycles["chosen_trial_id"], cycles["runner_up_score"], strict=True)
        if not missing(runner_up) and not missing(lows.get(chosen)) and float(runner_up) >= lows[chosen]
    }


def epochs_saved(trials: pd.DataFrame) -> tuple[int, int]:
    """(epochs taken over from earlier trials, epochs of the search in all); what is off its path is out."""
    own = trials[~trials["coordinate"].isin(OFF_PATH)]
    return int(own["reused_epochs"].fillna(0).sum()), int(own["epochs"].sum())


def epochs_left(trials: pd.DataFrame) -> int:
    """Epochs still to train in the trials that have been asked for."""
    open_trials = trials[trials["status"].isin(["WAITING", "RUNNING"])]
    done = open_trials["epochs_done"].fillna(0).clip(lower=open_trials["reused_epochs"].fillna(0))
    return int((open_trials["epochs"] - done).clip(lower=0).sum())


def seconds_an_epoch(epochs: pd.DataFrame, recent: int = 20) -> float | None:
    """Median wall time of the latest trained (not reused) epochs; None before the first."""
    trained = epochs[(epochs["split"] == "train") & epochs["seconds"].notna()]
    if "reused" in trained.columns:
        trained = trained[~trained["reused"].fillna(False).astype(bool)]
    return None if trained.empty else float(trained.sort_values("at")["seconds"].tail(recent).median())


def time_left(trials: pd.DataFrame, epochs: pd.DataFrame, parallel: int = 1) -> float | None:
    """Seconds until the trials asked for so far are done; a lower bound for the search, which may ask for more."""
    each = seconds_an_epoch(epochs)
    left = epochs_left(trials)
    return None if each is None or not left else each * left / max(1, parallel)


CLOSE_CALL = "≈ runner-up"


def table3(trials: pd.DataFrame, close: set[str], best: str | None) -> pd.DataFrame:
    """The search as the study's Table 3 prints it, with what a reader needs to judge each move.

    Indexed by trial_id. `close` are the trials of `close_calls`.
    """
    marks = []
    for trial_id, status, coordinate in zip(trials["trial_id"], trials["status"], trials["coordinate"], strict=True):
        words = ["best"] if trial_id == best else []
        words += [WHAT_IF] if coordinate == WHAT_IF else []
        words += [CLOSE_CALL] if trial_id in close else []
        words += [str(status).lower()] if status != "COMPLETE" else []
        marks.append(", ".join(words))
    columns: dict[str, Iterable[Any]] = {
        "trial": [str(trial_id).partition(".")[2] or str(trial_id) for trial_id in trials["trial_id"]],
        "learning rate": trials["learning_rate"],
        "batch size": trials["batch_size"],
        "epochs": trials["epochs"],
        "val accuracy": trials["val_accuracy"],
        "95 % interval": [
            "" if missing(low) else f"{share(low)} to {share(high)}"
            for low, high in zip(trials["val_low"], trials["val_high"], strict=True)
        ],
        "mark": marks,
        "DE_COUNT": trials["de_count"],
        "test accuracy": trials["test_accuracy"],
        "train accuracy": trials["train_accuracy"],
        "val loss": trials["val_loss"],
        "test loss": trials["test_loss"],
        "train loss": trials["train_loss"],
        "done": trials["epochs_done"],
        "reused": trials["reused_epochs"],
    }
    plain = {name: list(values) for name, values in columns.items()}
    return pd.DataFrame(plain, index=pd.Index(trials["trial_id"], name="trial_id"))
