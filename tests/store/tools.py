"""What several store tests need: tables as plain values, raw journals, waiting."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from store.apply import KEYS
from store.database import open_memory, prepare
from store.journal import encode

TABLES = ("journal", "damage", *KEYS)


def dump(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Every table's rows, in an order of their own; all but the time at which a journal was read."""
    return {
        table: sorted(
            repr(row)
            for row in connection.execute(
                f"SELECT * EXCLUDE (read_at) FROM {table}" if table == "journal" else f"FROM {table}"
            ).fetchall()
        )
        for table in TABLES
    }


def empty_store() -> duckdb.DuckDBPyConnection:
    """A store in memory with the published search in it."""
    connection = open_memory()
    prepare(connection)
    return connection


def wipe(connection: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")


def raw(home: Path, name: str, records: Iterable[dict[str, Any] | bytes]) -> Path:
    """Append records (or bytes as they are) to home/journals/NAME.jsonl, without the writer's fsync."""
    path = home / "journals" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for record in records:
            file.write(record if isinstance(record, bytes) else encode(record))
    return path


def wait_for(condition: Callable[[], Any], seconds: float = 100.0) -> Any:
    """Wait until the condition holds; its value. Fails after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


# --- records ----------------------------------------------------------------------------------------------------------

T0 = "2026-11-24T10:00:00.000000+00:00"


def encoded(values: Any) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def scores(**more: Any) -> dict[str, Any]:
    counts = {"support": [2, 1], "tp": [1, 1], "fp": [0, 1], "tn": [1, 1], "fn": [1, 0]}
    return {"loss": 0.5, "accuracy": 0.75, **counts, "class_loss": [0.4, None], "class_auc": [None, 1], **more}


PREDICTIONS = {"image_ids": [7, 8], "true_class": [0, 1], "probabilities": encoded([[0.5, 0.5], [0.9, 0.1]])}
EPOCH = {
    "kind": "epoch", "at": T0, "trial_id": "s-a.00-initial", "search_id": "s-a", "epoch": 1, "reused": False,
    "seconds": 3.5, "images_per_second": 40, "splits": {"train": scores(), "val": scores(support=[1, 1])},
    "predictions": {"val": PREDICTIONS},
}  # fmt: skip
