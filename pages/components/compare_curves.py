"""Curves of the compared trials over their epochs, overlaid."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.charts.overlaid import overlaid
from pages.components.compare_facts import BOLD, BOUND, MANY, Chosen
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show

METRICS = {  # column of `class_curves` -> its name
    "accuracy": "accuracy", "error": "error rate (1 - accuracy)", "loss": "loss", "recall": "recall (sensitivity)",
    "specificity": "specificity", "precision": "precision", "f1": "F1", "auc": "AUC",
}  # fmt: skip
PLAIN = ("accuracy", "error", "loss")  # known of every image together, also where no class has counts
CURVES = {"val": "Validation", "train": "Training", "both": "Both"}
SPLITS = ("train", "val")  # of which every epoch has rows
ACROSS = {"epoch": "Epoch", "minutes": "Training time"}
ALL = "all classes"
POINTS = 16_000  # in one chart; longer series are thinned


def curves_view(chosen: Chosen) -> None:
    """The choices, the chart, and its numbers."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Curve", list(METRICS), format_func=METRICS.__getitem__, index=2, key="curve",
                              **BOUND, width=230)  # fmt: skip
        name = st.selectbox("Class", [ALL, *chosen.classes], key="class", **BOUND, width=200)
        part = st.segmented_control("Images of", list(CURVES), format_func=CURVES.__getitem__, default="val",
                                    required=True, key="curves_of", **BOUND)  # fmt: skip
        across = st.segmented_control("Across", list(ACROSS), format_func=ACROSS.__getitem__, default="epoch",
                                      required=True, key="across", **BOUND)  # fmt: skip
        smoothing = st.slider(
            "Smoothing", 0.0, 0.95, 0.0, 0.05, key="smooth", **BOUND, width=160,
            help="Weight of the past in an exponential mean; the raw curve stays faintly behind.",
        )  # fmt: skip
        log = st.toggle("Log axis", key="log", **BOUND)
    splits = ["val", "train"] if part == "both" else [part or "val"]
    lines = prepared(values(chosen, metric, None if name == ALL else name, splits), across == "minutes", smoothing)
    title = _title(metric, None if name == ALL else name)
    show(
        draw(
            overlaid, thinned(lines, POINTS), chosen.names, bold=chosen.bold, title=title, log=bool(log),
            x_title="minutes of training" if across == "minutes" else "epoch",
        ),
        key="curves", alt=f"{title} of each trial over its {ACROSS[across or 'epoch'].lower()}, overlaid",
    )  # fmt: skip
    notes = _notes(chosen, lines, bool(log))
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: lines.rename(columns={"x": across or "epoch", "y": metric}), "compare-curves")
        if notes:
            st.caption(" ".join(notes))


def values(chosen: Chosen, metric: str, name: str | None, splits: list[str]) -> pd.DataFrame:
    """One value an epoch: trial_id, split, epoch, minutes, y; in the order chosen. `name` is a class.

    `minutes` are those of `elapsed`, of all epochs and not only of those that have a value.
    """
    if name is None and metric in PLAIN:
        table = read("epochs", chosen.ids, splits)
    else:
        table = read("class_curves", chosen.ids, splits, name)
    y = 1 - table["accuracy"] if metric == "error" else table[metric]
    table = table[["trial_id", "split", "epoch"]].assign(y=y.astype(float))
    table = table.merge(elapsed(read("epochs", chosen.ids, list(SPLITS))), on=["trial_id", "epoch"], how="left")
    place = {trial_id: at for at, trial_id in enumerate(chosen.ids)}
    table = table[table["y"].notna()].assign(place=table["trial_id"].map(place), train=table["split"] == "train")
    table = table.sort_values(["place", "train", "epoch"], kind="stable", ignore_index=True)
    return table.drop(columns=["place", "train"])


def elapsed(epochs: pd.DataFrame) -> pd.DataFrame:
    """trial_id, epoch, minutes: training until the end of each epoch, from rows of `queries.epochs` of any splits.

    From the first epoch on whose duration is not known, or that has no row, the time is unknown: NaN.
    """
    seconds = epochs.assign(seconds=epochs["seconds"].astype(float)).groupby(["trial_id", "epoch"])["seconds"].max()
    table = seconds.reset_index().sort_values(["trial_id", "epoch"], ignore_index=True)
    trials = table.groupby("trial_id")
    whole = table["epoch"] == trials.cumcount() + 1
    table["minutes"] = trials["seconds"].cumsum(skipna=False).where(whole) / 60
    return table[["trial_id", "epoch", "minutes"]]


def prepared(table: pd.DataFrame, by_time: bool, smoothing: float) -> pd.DataFrame:
    """trial_id, split, x (epoch, or minutes of training until its end), y, smooth (NaN without smoothing).

    `table` is that of `values`. An epoch whose end is not known has no place in time and is left out there.
    """
    key = [table["trial_id"], table["split"]]
    smooth = pd.Series(float("nan"), index=table.index)
    if smoothing and not table.empty:
        mean = table["y"].groupby(key).ewm(alpha=1 - smoothing).mean()
        smooth = mean.droplevel([0, 1]).reindex(table.index)
    lines = table[["trial_id", "split", "y"]].assign(x=table["minutes"] if by_time else table["epoch"], smooth=smooth)
    return lines[lines["x"].notna()][["trial_id", "split", "x", "y", "smooth"]].reset_index(drop=True)


def thinned(lines: pd.DataFrame, points: int) -> pd.DataFrame:
    """At most about so many points in all: every k-th of each curve, and always its last."""
    every = -(-len(lines) // points)
    if every <= 1:
        return lines
    groups = lines.groupby(["trial_id", "split"], sort=False)
    return lines[(groups.cumcount() % every == 0) | (groups.cumcount(ascending=False) == 0)].reset_index(drop=True)


def _title(metric: str, name: str | None) -> str:
    if name is None:
        return METRICS[metric] if metric in PLAIN else f"macro {METRICS[metric]}"
    if metric == "loss":
        return f"loss on {name} images"
    whole = metric in ("accuracy", "error", "specificity", "auc")  # of all images, one class against the others
    return f"{METRICS[metric]}, {name}{' against the rest' if whole else ''}"


def _notes(chosen: Chosen, lines: pd.DataFrame, log: bool) -> list[str]:
    notes = []
    drawn = set(lines["trial_id"].unique())
    absent = [name for trial_id, name in chosen.names.items() if trial_id not in drawn]
    if absent and len(absent) < len(chosen.names):
        notes.append(f"No such values of {absent[0]}" + (f" and {len(absent) - 1} more." if absent[1:] else "."))
    if "published" in set(chosen.rows["origin"]):
        notes.append("Of a published trial only the last epoch is known.")
    if log and (lines["y"] <= 0).any():
        notes.append("Values of 0 have no place on a log axis.")
    if len(chosen.rows) > MANY:
        notes.append(
            f"In colour: the baseline and the best on validation, {BOLD} in all; point at a grey curve for its name."
        )
    if len(lines) > POINTS:
        notes.append(f"{len(lines):,} points, thinned; the CSV has all.")
    return notes
