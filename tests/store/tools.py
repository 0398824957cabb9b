"""What several store tests need: tables as plain values, raw journals, waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb

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


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until the condition holds; its value. Fails after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")
