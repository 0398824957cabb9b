"""Where an epoch can be written and seen again: our journal and store, MLflow on SQLite, tensorboardX.

A `Tracker` writes one epoch, then tells whether a reader sees it. Readers look as the tools' own pages do.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

from benchmarks.epochs import scalars
from store import queries
from store.journal import JournalWriter, journal_folder
from store.owner import StoreOwner

Payload = dict[str, Any]
LOOK_SECONDS = 0.001  # between two looks at whether there is news


class Tracker(Protocol):
    """One way to keep epochs. `name` and `note` are for the report; `can_read` False: never ask `visible`."""

    name: str
    note: str
    can_read: bool

    def write(self, payload: Payload) -> None:
        """Return when the tool says that the epoch is written."""

    def visible(self, epoch: int) -> bool:
        """Whether a reader sees the epoch now."""

    def close(self) -> None:
        """End everything that it started."""


class Journal:
    """The journal, fsynced, and a store owner in this process, as in the app."""

    name = "ours"
    can_read = True
    note = "fsynced; all metrics and 225 validation probabilities; seen by a query on the store that follows the file"

    def __init__(self, folder: Path) -> None:
        search_id = "s-20260101-000000-000000"
        self._ids: Payload = {"search_id": search_id, "trial_id": f"{search_id}.00-initial"}
        self._owner = StoreOwner(folder)
        self._owner.start()
        self._journal = JournalWriter(journal_folder(folder, search_id), "00-initial")
        self._cursor = self._owner.cursor()
        self._version = -1

    def write(self, payload: Payload) -> None:
        self._journal.append("epoch", **self._ids, **payload)

    def visible(self, epoch: int) -> bool:
        if self._owner.version == self._version:  # as a page does: query only when there is news
            time.sleep(LOOK_SECONDS)
            return False
        self._version = self._owner.version
        frame = queries.epochs(self._cursor, [self._ids["trial_id"]])
        return int((frame["epoch"] == epoch).sum()) == 2  # train and val

    def close(self) -> None:
        self._journal.close()
        self._owner.close()


class MlflowSqlite:
    """MLflow's fluent API on its SQLite store, one log_metrics call an epoch.

    `wal` switches the database file to write-ahead logging first, which MLflow does not do by itself.
    """

    can_read = True

    def __init__(self, folder: Path, *, wal: bool = False) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self.name = "MLflow, WAL" if wal else "MLflow"
        self.note = "SQLite " + ("switched to write-ahead logging" if wal else "as MLflow sets it up")
        folder.mkdir(parents=True)
        file = folder / "mlflow.db"
        mlflow = importlib.import_module("mlflow")
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table that it creates
        uri = f"sqlite:///{file}"
        self._client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = self._client.create_experiment("bench", artifact_location=str(folder / "artifacts"))
        self._run_id = self._client.create_run(experiment).info.run_id
        self._mlflow, self._uri = mlflow, uri
        with contextlib.closing(sqlite3.connect(file)) as connection:
            mode = connection.execute("PRAGMA journal_mode" + ("=WAL" if wal else "")).fetchone()[0]
        self.note += f" (journal_mode={mode}, synchronous=FULL: a commit is fsynced); the metrics as scalars"

    def write(self, payload: Payload) -> None:
        self._mlflow.set_tracking_uri(self._uri)
        self._mlflow.log_metrics(scalars(payload), step=payload["epoch"], run_id=self._run_id, synchronous=True)

    def visible(self, epoch: int) -> bool:
        return any(entry.step == epoch for entry in self._client.get_metric_history(self._run_id, "val/loss"))

    def close(self) -> None:
        self._client.set_terminated(self._run_id)


class TensorboardX:
    """Event files: add_scalar for each metric, then flush. Nothing is fsynced: a power cut may lose it."""

    name = "tensorboardX"
    note = "flushed, NOT fsynced: what it acknowledges may be lost in a power cut; the metrics as scalars"

    def __init__(self, folder: Path) -> None:
        self._writer = importlib.import_module("tensorboardX").SummaryWriter(str(folder))
        self._reader: Any = None
        self.can_read = True
        try:
            module = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
        except ImportError:
            self.can_read = False
            self.note += "; tensorboard is not installed, so when it is visible is left out"
        else:
            # Size guidance 0: keep every event, or old epochs would be sampled away.
            self._reader = module.EventAccumulator(str(folder), size_guidance={module.SCALARS: 0})

    def write(self, payload: Payload) -> None:
        for name, value in scalars(payload).items():
            self._writer.add_scalar(name, value, payload["epoch"])
        self._writer.flush()

    def visible(self, epoch: int) -> bool:
        self._reader.Reload()
        known = self._reader.Tags()["scalars"]
        return "val/loss" in known and self._reader.Scalars("val/loss")[-1].step == epoch

    def close(self) -> None:
        self._writer.close()
