"""The tables of one search, as its bundle holds them. pandas only; every SELECT is one of `store.queries`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.audit_words import Badge
from core.paths import trial_name
from pages.charts.wording import missing
from pages.components.external_tables import judged, side_by_side
from pages.components.shortcut import audits_of
from store import queries
from store.queries.frame import Cursor

SPLITS = ("train", "calibration", "val", "test")
_LISTS = ("labels", "confusion")  # columns of an audit
Row = dict[str, Any]


class BundleError(ValueError):
    """A bundle cannot be made; the message says why."""


class SearchTables:
    """What the store has of one search.

    Attributes:
        search, dataset: one row of `queries.search` and `queries.dataset`, by column; the dataset may be unknown.
        trials, cycles: as from `queries`.
        names: of the classes, in order; empty while the data are unknown.
        model: id of the trial whose weights are the search's model, or of the best one so far; None without any.

    Raises BundleError when there is no such search.
    """

    def __init__(self, cursor: Cursor, search_id: str) -> None:
        self._cursor = cursor
        rows = queries.search(cursor, search_id)
        if rows.empty:
            raise BundleError(f"There is no search {search_id} in this store.")
        self.search: Row = _first(rows) or {}
        self.search_id = search_id
        dataset_id = self.search["dataset_id"]
        self.dataset_id = None if missing(dataset_id) else str(dataset_id)
        self.dataset = None if self.dataset_id is None else _first(queries.dataset(cursor, self.dataset_id))
        self.names = [] if self.dataset is None else [str(name) for name in self.dataset["classes"]]
        self.trials = queries.trials(cursor, search_id)
        self.cycles = queries.cycles(cursor, search_id)
        chosen = [self.search[name] for name in ("model_trial_id", "best_trial_id")]
        self.model = next((str(trial_id) for trial_id in chosen if not missing(trial_id)), None)

    def counts(self) -> pd.DataFrame:
        """As from `queries.dataset_counts`."""
        return queries.dataset_counts(self._cursor, self.dataset_id or "")

    def epochs(self) -> pd.DataFrame:
        return queries.epochs(self._cursor, self._ids())

    def class_epochs(self, trial_id: str, split: str) -> pd.DataFrame:
        return queries.class_epochs(self._cursor, trial_id, split)

    def confusion(self, trial_id: str, split: str) -> pd.DataFrame:
        return queries.confusion(self._cursor, trial_id, split)

    def predictions(self, trial_id: str, split: str) -> pd.DataFrame:
        return queries.predictions(self._cursor, trial_id, split)

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """(name, table) of each CSV; those that would be empty are left out."""
        images = queries.images(self._cursor, self.dataset_id or "")
        notes = queries.notes(self._cursor, self.search_id)
        whole = {
            "trials": self.trials.drop(columns=["pid", "host", "lost"]),
            "cycles": self.cycles,
            "epochs": self.epochs(),
            "class_report": self._class_report(),
            "confusion": self._confusion(),
            "predictions-test": self._predictions("test"),
            "external": self._external(),
            "predictions-external": self._external_predictions(),
            "images": images,
            "notes": notes,
            "audit": self._audit(),
            "source_classes": self._source_classes(),
        }
        yield from ((name, table) for name, table in whole.items() if not table.empty)

    def shortcut(self) -> Badge:
        """What the audit of its images says of the accuracy of its model, see `shortcut.Audits`."""
        own = self.trials[self.trials["trial_id"] == self.model]
        known = {} if own.empty else {split: own[f"{split}_accuracy"].iloc[0] for split in ("test", "val")}
        split = next((name for name, value in known.items() if not missing(value)), "")
        measured = f"{trial_name(str(self.model))} on {split}" if split else ""
        return audits_of(queries.audited(self._cursor), {}).badge(self.dataset_id, known.get(split), measured)

    def _audit(self) -> pd.DataFrame:
        """The shortcut audit of its images; labels and confusion as JSON lists."""
        rows = queries.audits(self._cursor, self.dataset_id or "")
        lists = {name: [json.dumps(list(value), default=int) for value in rows[name]] for name in _LISTS}
        return rows.assign(**lists)

    def _source_classes(self) -> pd.DataFrame:
        """Which classes come from which source; empty where no source is known."""
        rows = queries.source_classes(self._cursor, self.dataset_id or "")
        return rows if rows["source"].notna().any() else rows.iloc[:0]

    def _ids(self) -> list[str]:
        return [str(trial_id) for trial_id in self.trials["trial_id"]]

    def _class_report(self) -> pd.DataFrame:
        """Counts and rates of each class, for every trial, split and epoch; unknown counts give empty rates."""
        parts = []
        for trial_id in self._ids():
            for split in SPLITS:
                rows = self.class_epochs(trial_id, split)
                if not rows.empty:
                    parts.append(rows.assign(trial_id=trial_id, split=split))
        if not parts:
            return pd.DataFrame()
        table = pd.concat(parts, ignore_index=True)
        tp, fp, tn, fn = (table[name].astype(float).to_numpy() for name in ("tp", "fp", "tn", "fn"))
        for name, over, under in (
            ("precision", tp, tp + fp), ("recall", tp, tp + fn), ("specificity", tn, tn + fp),
            ("f1", 2 * tp, 2 * tp + fp + fn),
        ):  # fmt: skip
            rate = np.divide(over, under, out=np.zeros(len(table)), where=under > 0)  # as the view class_report has it
            table[name] = np.where(np.isnan(under), np.nan, rate)
        first = ["trial_id", "split", "epoch", "class", "support"]
        return table[[*first, *(name for name in table.columns if name not in first)]]

    def _confusion(self) -> pd.DataFrame:
        parts = [
            self.confusion(trial_id, split).assign(trial_id=trial_id, split=split)
            for trial_id in self._ids()
            for split in SPLITS
        ]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return table if table.empty else table[["trial_id", "split", "true_class", "predicted_class", "count"]]

    def _predictions(self, split: str) -> pd.DataFrame:
        """Every image's probabilities, a column a class, after the last epoch of every trial."""
        parts = []
        for trial_id in self._ids():
            rows = self.predictions(trial_id, split)
            if not rows.empty:
                names = [f"p_{name}" for name in self.names]
                wide = pd.DataFrame(rows["probabilities"].tolist(), columns=names or None)
                wide.insert(0, "trial_id", trial_id)
                parts.append(pd.concat([wide, rows.drop(columns="probabilities").reset_index(drop=True)], axis=1))
        if not parts:
            return pd.DataFrame()
        table = pd.concat(parts, ignore_index=True)
        first = ["trial_id", "image_id", "path", "true_class"]
        return table[[*first, *(name for name in table.columns if name not in first)]]

    def _external(self) -> pd.DataFrame:
        """How each trial does on images from elsewhere: a row a trial, external set, class and source."""
        parts = []
        for row in queries.external_results(self._cursor, self._ids()).to_dict("records"):
            trial_id, external_id = str(row["trial_id"]), str(row["external_id"])
            rows = queries.external_predictions(self._cursor, trial_id, external_id)
            name = external_id if missing(row["name"]) else str(row["name"])
            one = judged(name, external_id, rows, rows["true_index"], self.names, registered=bool(row["registered"]))
            table = side_by_side([one])
            table.insert(0, "external_id", external_id)
            table.insert(0, "trial_id", trial_id)
            parts.append(table.assign(registered=one.registered))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def _external_predictions(self) -> pd.DataFrame:
        """Every image from elsewhere with the probabilities of each trial, a column a class."""
        parts = []
        for row in queries.external_results(self._cursor, self._ids()).to_dict("records"):
            rows = queries.external_predictions(self._cursor, str(row["trial_id"]), str(row["external_id"]))
            wide = pd.DataFrame(rows["probabilities"].tolist(), columns=[f"p_{name}" for name in self.names] or None)
            facts = rows[["image_id", "path", "true_class", "source"]].assign(
                trial_id=row["trial_id"], external_id=row["external_id"]
            )
            parts.append(pd.concat([facts, wide], axis=1))
        if not parts:
            return pd.DataFrame()
        table = pd.concat(parts, ignore_index=True)
        first = ["trial_id", "external_id", "image_id", "path", "true_class", "source"]
        return table[[*first, *(name for name in table.columns if name not in first)]]


def _first(rows: pd.DataFrame) -> Row | None:
    return None if rows.empty else {str(name): value for name, value in rows.iloc[0].to_dict().items()}
