"""What the journals of one search say so far, folded into one picture. Any number of records, in any file order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store.journal import Record, journal_files, read_records

FINAL = "final"  # the best point trained again from other seeds
WHAT_IF = "what-if"  # a point that a replay under other rules asked for
CHANGED = "changed"  # in the recorded settings of such a trial: what was another than when its search began, in words
OFF_PATH = (FINAL, WHAT_IF)  # in place of a coordinate: trials that are no part of the search's path


@dataclass
class TrialState:
    """One trial as recorded. `last` is the record of its highest epoch, `evaluation` that of its end."""

    fact: Record
    status: str = "WAITING"
    error: str | None = None
    rank: tuple[int, int] = (0, -1)
    epochs: dict[int, Record] = field(default_factory=dict)
    evaluation: Record | None = None

    @property
    def last(self) -> Record | None:
        return self.epochs[max(self.epochs)] if self.epochs else None

    @property
    def reused(self) -> int:
        """Epochs that were continued instead of trained: as recorded, or as planned while none is recorded."""
        if not self.epochs:
            return int(self.fact["reused_epochs"])
        return sum(bool(record.get("reused")) for record in self.epochs.values())

    @property
    def finished(self) -> bool:
        return self.status in ("COMPLETE", "FAILED")

    def metric(self, split: str, name: str) -> float | None:
        """A metric of the last epoch (train, val) or of the evaluation (test, calibration)."""
        record = self.last if split in ("train", "val") else self.evaluation
        return float(record["splits"][split][name]) if record and split in record["splits"] else None


class SearchState:
    """Follows the journals of one search: `update` reads what is new and returns those records."""

    def __init__(self, home: Path, search_id: str) -> None:
        self._home, self._search_id = home, search_id
        self._offsets: dict[Path, int] = {}
        self._early: dict[str, list[Record]] = {}
        self.fact: Record | None = None
        self.data: Record | None = None
        self.event: Record | None = None
        self.cycles: dict[int, Record] = {}
        self.trials: dict[str, TrialState] = {}

    def fold(self, records: Iterable[Record]) -> SearchState:
        """Take in records that were read by other means; itself."""
        for record in records:
            self._apply(record)
        return self

    def update(self) -> list[Record]:
        fresh: list[Record] = []
        for path in journal_files(self._home, self._search_id):
            offset = self._offsets.get(path, 0)
            with contextlib.suppress(FileNotFoundError):  # the search is being deleted
                if path.stat().st_size > offset:
                    records, self._offsets[path], _ = read_records(path, offset)
                    fresh += records
        self.fold(fresh)
        return fresh

    def ordered(self) -> list[TrialState]:
        """Trials in the order in which they were asked for."""
        return sorted(self.trials.values(), key=lambda trial: trial.fact["position"])

    def on_path(self) -> list[TrialState]:
        """The trials that the search itself asked for: without final trainings and what-if points."""
        return [trial for trial in self.ordered() if trial.fact["coordinate"] not in OFF_PATH]

    def _apply(self, record: Record) -> None:
        kind = record["kind"]
        if kind == "search":
            self.fact = self.fact or record
        elif kind == "search_data":
            self.data = self.data or record
        elif kind == "search_event":
            if self.event is None or _rank(record) > _rank(self.event):
                self.event = record
        elif kind == "cycle":
            self.cycles.setdefault(record["cycle"], record)
        elif kind == "trial":
            if record["trial_id"] not in self.trials:
                self.trials[record["trial_id"]] = TrialState(record)
                for early in self._early.pop(record["trial_id"], []):
                    self._apply(early)
        elif kind in ("trial_event", "epoch", "evaluation"):
            trial = self.trials.get(record["trial_id"])
            if trial is None:  # its file was read before the controller's
                self._early.setdefault(record["trial_id"], []).append(record)
            else:
                _apply_to_trial(trial, record)


def _apply_to_trial(trial: TrialState, record: dict[str, Any]) -> None:
    if record["kind"] == "epoch":
        trial.epochs.setdefault(record["epoch"], record)
    elif record["kind"] == "evaluation":
        trial.evaluation = trial.evaluation or record
    elif _rank(record) > trial.rank:
        trial.rank, trial.status, trial.error = _rank(record), record["status"], record["error"]


def _rank(event: Record) -> tuple[int, int]:
    return event["attempt"], event["seq"]
