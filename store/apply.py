"""Rows into tables: which row wins where two state the same, and what a deletion takes away.

All of it is idempotent and independent of order, so replaying everything from zero changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from store.rows import Row

# The key of each table. A later statement of a fact is dropped; of what changes, the latest statement is kept.
FACTS = {
    "search_record": ("search_id",), "search_data": ("search_id",), "search_event": ("journal", "line_at"),
    "cycle": ("search_id", "cycle"),
    "trial_record": ("trial_id",), "trial_event": ("journal", "line_at"),
    "epoch_split": ("trial_id", "epoch", "split"), "reading": ("reading_id",), "review": ("review_id",),
    "tombstone": ("search_id",),
    "duplicate_pair": ("dataset_id", "image_a", "image_b"), "external_result": ("trial_id", "external_id"),
}  # fmt: skip
LATEST = {
    "dataset": ("dataset_id",), "image": ("dataset_id", "image_id"),  # its folder may have moved since
    "heartbeat": ("search_id", "trial_id"), "trial_files": ("trial_id",), "trial_cost": ("trial_id",),
    "annotation": ("search_id", "trial_id"),
    "fusion": ("fusion_id",), "operating_point": ("operating_point_id",), "image_source": ("dataset_id", "image_id"),
    "audit": ("dataset_id", "feature", "target"), "label_check": ("dataset_id",),
    "external_set": ("dataset_id", "external_id"), "external_shared": ("dataset_id", "external_id"),
    "robustness": ("trial_id", "shift", "severity"), "job": ("job_id",), "scope_fit": ("trial_id",),
    "scope_result": ("trial_id", "outside_id"), "calibration": ("model_id", "runtime"),
    "reading_check": ("model_id", "runtime", "images"),
}  # fmt: skip
KEYS = FACTS | LATEST
RECORD_TABLES = tuple(KEYS)
READING_TABLES = frozenset({"reading", "review", "journal"})  # what a reading or a review writes to
SOURCE = ("journal", "line_at")
OUTLIVING = (
    "dataset", "image", "reading", "review", "calibration", "reading_check", "fusion", "tombstone", "duplicate_pair",
    "image_source", "audit",
    "label_check", "external_set", "external_shared", "job",
)  # fmt: skip
OF_A_SEARCH = tuple(table for table in KEYS if table not in OUTLIVING)


def write_rows(connection: duckdb.DuckDBPyConnection, rows: dict[str, list[Row]]) -> None:
    """Write rows, by table, inside the caller's transaction. Each row carries its source (journal, line_at)."""
    for table, of_table in rows.items():
        _upsert(connection, table, _winners(table, of_table))


def remove_search(connection: duckdb.DuckDBPyConnection, search_id: str) -> None:
    """Delete a search's rows, inside the caller's transaction, and forget its journals."""
    for table in OF_A_SEARCH:
        connection.execute(f"DELETE FROM {table} WHERE search_id = ?", [search_id])
    connection.execute(
        "DELETE FROM damage WHERE journal IN (SELECT path FROM journal WHERE search_id = ?)", [search_id]
    )
    connection.execute("DELETE FROM journal WHERE search_id = ?", [search_id])


def _rank(row: Row) -> tuple[datetime, str, int]:
    return row["recorded_at"] or datetime.min, row["journal"], row["line_at"]


def _winners(table: str, rows: Iterable[Row]) -> list[Row]:
    """One row a key: ON CONFLICT does not allow two of one statement."""
    kept: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in KEYS[table])
        other = kept.get(key)
        if other is None or (_later(row, other) if table in LATEST else _rank(row) < _rank(other)):
            kept[key] = row
    return list(kept.values())


def _later(row: Row, other: Row) -> bool:
    """Whether a row takes another's place in a table of LATEST.

    Of two files that say the same at the same time the first by name counts: a record that outlives its search stands
    in a file of its own, and the store must be the same whether it was there before the search was deleted or not.
    """
    at, journal, line = _rank(row)
    other_at, other_journal, other_line = _rank(other)
    return (at, other_journal, line) > (other_at, journal, other_line)


@cache
def _statement(table: str, columns: tuple[str, ...]) -> str:
    key = KEYS[table]
    others = [name for name in columns if name not in key]
    names = ", ".join(columns)
    if key == SOURCE:
        return f"INSERT INTO {table} ({names}) SELECT {names} FROM staged ON CONFLICT DO NOTHING"
    new, old = [[f"{side}.{name}" for name in ("recorded_at", *SOURCE)] for side in ("excluded", table)]
    wins = "<"
    if table in LATEST:  # as `_later` says
        new[1], old[1], wins = old[1], new[1], ">"
    # A row without a time is built in: it stays.
    return f"""
        INSERT INTO {table} ({names}) SELECT {names} FROM staged
        ON CONFLICT ({", ".join(key)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in others)}
        WHERE {table}.recorded_at IS NOT NULL AND ({", ".join(new)}) {wins} ({", ".join(old)})
    """


def _upsert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    schema = _schema(connection, table)
    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    connection.register("staged", pa.Table.from_arrays(columns, schema=schema))
    connection.execute(_statement(table, tuple(schema.names)))
    connection.unregister("staged")  # not after an error: the rollback takes it away


_schemas: dict[str, pa.Schema] = {}


def _schema(connection: duckdb.DuckDBPyConnection, table: str) -> pa.Schema:
    """The table's columns as Arrow types, asked of DuckDB once, so that schema.sql alone says what there is."""
    if table not in _schemas:
        empty: pa.Table = connection.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table()
        _schemas[table] = empty.schema
    return _schemas[table]


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_list(kind) and pa.types.is_list(kind.value_type):
        return _matrices(values, kind)
    return pa.array(values, type=kind)


def _matrices(values: list[np.ndarray | None], kind: pa.DataType) -> pa.Array:
    """Arrays of shape (n, C), or None, as lists of lists: without touching each number in Python."""
    present = [value for value in values if value is not None]
    flat = np.concatenate([value.ravel() for value in present]) if present else np.empty(0)
    widths = [width for value in present for width in [value.shape[1]] * value.shape[0]]
    inner = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(widths)]).astype(np.int32)),
        pa.array(flat, type=kind.value_type.value_type),
    )
    starts: list[int | None] = []
    end = 0
    for value in values:
        starts.append(None if value is None else end)  # a null offset makes a null list
        end += 0 if value is None else value.shape[0]
    return pa.ListArray.from_arrays(pa.array([*starts, end], type=pa.int32()), inner)
