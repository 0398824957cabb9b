"""What is compared, as tables: the chosen trials with all their facts, and their scores on one split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluation.metrics import COUNTS, report_of
from pages.charts.wording import missing
from pages.components.compare_names import trial_names
from pages.components.data import read
from pages.components.facts import classes, split_images
from pages.components.guard import guarded
from pages.components.summary import interval

SPLITS = {"val": "Validation", "test": "Test"}
WORDS = {"val": "validation", "test": "test"}
BOLD = 7  # trials that a chart of very many draws each in its own colour
MANY = 14  # more trials than this are very many
ROW = 33  # px a row of a table
BOUND: Any = {"bind": "query-params", "persist_state": "page"}  # in the address, and kept while another view is open


@dataclass(frozen=True)
class Chosen:
    """The chosen trials (`rows`, as from `queries.compared`, in the order chosen), the baseline, and the split."""

    rows: pd.DataFrame
    baseline: str
    split: str

    @cached_property
    def names(self) -> dict[str, str]:
        """What each trial is called, by its id."""
        return trial_names(self.rows)

    @property
    def ids(self) -> list[str]:
        return [str(trial_id) for trial_id in self.rows["trial_id"]]

    @cached_property
    def scores(self) -> pd.Series:
        """Validation accuracy by trial; missing where the trial has not finished: GSECA too gives a failed one none."""
        rows = self.rows.set_index("trial_id")
        return rows["val_accuracy"].astype(float).where(rows["status"] == "COMPLETE")

    @cached_property
    def best(self) -> str | None:
        """The finished trial with the highest validation accuracy, the first of equals; never chosen on test."""
        scores = self.scores
        return None if scores.isna().all() else str(scores.idxmax())

    def few(self, most: int, always: Sequence[str] = ()) -> list[str]:
        """At most so many trials, in the order chosen: the baseline, `always`, and the best on validation."""
        if len(self.rows) <= most:
            return self.ids
        order = self.scores.sort_values(ascending=False, na_position="last", kind="stable")
        kept = list(dict.fromkeys([self.baseline, *always, *order.index]))[:most]
        return [trial_id for trial_id in self.ids if trial_id in kept]

    @cached_property
    def bold(self) -> list[str]:
        """The trials that have a colour of their own in a chart of all."""
        return self.ids if len(self.rows) <= MANY else self.few(BOLD)

    @cached_property
    def classes(self) -> list[str]:
        """The classes of all their data sets, in the order of the first that names them."""
        known = [name for dataset_id in self.rows["dataset_id"].unique() for name in classes(dataset_id)]
        return list(dict.fromkeys(known))


def chosen_rows(ids: Sequence[str]) -> pd.DataFrame:
    """The rows of `queries.compared` of these trials, in this order, with trial_id as index too."""
    of = read("trial_names").set_index("trial_id")["search_id"]
    searches = list(dict.fromkeys(of.reindex(list(ids)).dropna()))
    rows = read("compared", searches).set_index("trial_id", drop=False)
    return rows.reindex([trial_id for trial_id in ids if trial_id in rows.index]).rename_axis(None)


def scores(rows: pd.DataFrame, split: str) -> pd.DataFrame:
    """One row a trial and index trial_id: accuracy with its interval, loss, and the macro means on one split.

    Columns: accuracy, n (images), loss, low, high (95 % Wilson interval of the accuracy), specificity, recall, f1, auc
    (plain means over the classes); missing where nothing is known.
    """
    macro = _macro(read("class_ends", list(rows["trial_id"]), split)).reindex(list(rows["trial_id"]))
    told = {dataset_id: split_images(dataset_id, split) for dataset_id in rows["dataset_id"].unique()}
    accuracy = rows[f"{split}_accuracy"].astype(float).fillna(macro["accuracy"])
    images = macro["n"].fillna(rows["dataset_id"].map(told).astype(float)).where(accuracy.notna())
    bounds = [interval(share, None if missing(n) else int(n)) for share, n in zip(accuracy, images, strict=True)]
    own = pd.DataFrame({"accuracy": accuracy, "n": images, "loss": rows[f"{split}_loss"].astype(float)})
    own = own.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])
    return own.join(macro[[*MACRO, "auc"]]).astype(float)


def _macro(ends: pd.DataFrame) -> pd.DataFrame:
    """Means over the classes of each trial with counts, index trial_id: MACRO, auc; and accuracy, n (images)."""
    known = ends[ends[list(COUNTS)].notna().all(axis=1)]
    report = report_of({name: known[name].to_numpy(dtype=np.int64) for name in COUNTS})  # a rate a row
    rates = known[["trial_id", "support", "tp"]].assign(
        auc=known["auc"].astype(float), **{name: getattr(report, name) for name in MACRO}
    )
    grouped = rates.groupby("trial_id", sort=False)
    table = (
        grouped[[*MACRO]]
        .mean()
        .assign(auc=grouped["auc"].mean().where(grouped["auc"].count() == grouped.size()), n=grouped["support"].sum())
    )
    return table.assign(accuracy=grouped["tp"].sum() / table["n"])


MACRO = ("specificity", "recall", "f1")


def watch(rows: pd.DataFrame, every: float = 4) -> None:
    """Draw the page anew when a trial that still runs has something new to show."""
    if not rows["status"].isin(["RUNNING", "WAITING"]).any():
        return
    st.fragment(guarded(_watch), run_every=every)(list(rows["trial_id"]), _stamp(rows))


def _watch(ids: list[str], stamp: tuple[object, ...]) -> None:
    if _stamp(chosen_rows(ids)) != stamp:
        st.rerun()


def _stamp(rows: pd.DataFrame) -> tuple[object, ...]:
    return (int(rows["epochs_done"].fillna(0).sum()), *rows["status"], *rows["test_accuracy"].notna())


def table_height(table: pd.DataFrame, most: int = 12) -> int:
    """Given, so that nothing moves when the browser has drawn it; a longer table scrolls. In px."""
    return ROW * (min(len(table), most) + 1) + 3
