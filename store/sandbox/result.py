"""A query's result as files: `shown.arrow` for the browser (short), `result.parquet` for the downloads (whole).

Arrow alone; no pandas, which takes a second to load.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from store.sandbox.limits import Limits
from store.sandbox.shown import shortened, united

SHOWN, WHOLE = "shown.arrow", "result.parquet"
GROUP_BYTES = 16 * 2**20  # of a Parquet row group, before compression
GROUP_ROWS = 65_536


class ResultWriter:
    """Takes batches until a limit is met. `columns` are (name, DuckDB type) as the query gave them."""

    def __init__(self, folder: Path, schema: pa.Schema, columns: list[tuple[str, str]], limits: Limits) -> None:
        self._limits = limits
        self._names = unique_names(schema.names)
        self._columns = [(name, kind) for name, (_, kind) in zip(self._names, columns, strict=True)]
        self._path = folder / WHOLE
        self._shown_path = folder / SHOWN
        self._writer = pq.ParquetWriter(self._path, self._renamed(schema), compression="zstd")
        self._group: list[pa.RecordBatch] = []
        self._group_bytes = self._bytes = 0
        self._shown: list[pa.RecordBatch] = []
        self._shown_bytes = 0
        self._shown_open = True
        self._cells_cut = False
        self._rows = self._shown_rows = 0
        self._whole = True

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self._flush()
            self._write_shown()
        self._writer.close()

    def add(self, batch: pa.RecordBatch) -> bool:
        """Take a batch; False when there is no room for more."""
        room = self._limits.kept_rows - self._rows
        if batch.num_rows > room:
            batch, self._whole = batch.slice(0, room), False
        batch = pa.RecordBatch.from_arrays(batch.columns, schema=self._renamed(batch.schema))
        self._rows += batch.num_rows
        self._show(batch)
        self._group.append(batch)
        self._group_bytes += batch.nbytes
        self._bytes += batch.nbytes
        if self._group_bytes >= GROUP_BYTES or sum(one.num_rows for one in self._group) >= GROUP_ROWS:
            self._flush()
        if self._bytes > self._limits.kept_mb * 2**20:
            self._whole = False
        return self._whole

    def facts(self) -> dict[str, Any]:
        """What the result is: rows, whole (none was cut off), columns ((name, type) each), shown_rows, cells_cut,
        bytes (of the Parquet file)."""
        return {
            "rows": self._rows, "whole": self._whole, "columns": self._columns, "shown_rows": self._shown_rows,
            "cells_cut": self._cells_cut, "bytes": self._path.stat().st_size,
        }  # fmt: skip

    def _renamed(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema([field.with_name(name) for field, name in zip(schema, self._names, strict=True)])

    def _flush(self) -> None:
        if self._group:
            self._writer.write_table(pa.Table.from_batches(self._group), row_group_size=GROUP_ROWS)
        self._group, self._group_bytes = [], 0

    def _show(self, batch: pa.RecordBatch) -> None:
        """Keep what the browser gets, until it is enough: rows, or bytes where rows are long."""
        room = self._limits.shown_rows - self._shown_rows
        if not self._shown_open or room <= 0:
            return
        short, cut = shortened(batch.slice(0, room), self._limits.cell_chars)
        left = self._limits.shown_mb * 2**20 - self._shown_bytes
        if short.nbytes > left:
            short = short.slice(0, max(int(short.num_rows * left / short.nbytes), 0 if self._shown else 1))
            self._shown_open = False
        if short.num_rows:
            self._shown.append(short)
        self._cells_cut |= cut
        self._shown_bytes += short.nbytes
        self._shown_rows += short.num_rows

    def _write_shown(self) -> None:
        if not self._shown:  # no rows; the columns all the same
            empty = [pa.array([], field.type) for field in self._writer.schema]
            self._shown = [shortened(pa.RecordBatch.from_arrays(empty, schema=self._writer.schema), 1)[0]]
        table = united(self._shown)
        with pa.OSFile(str(self._shown_path), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
            out.write_table(table)


def unique_names(names: list[str]) -> list[str]:
    """a, a, a becomes a, a_1, a_2: neither Parquet readers nor a table on a page take one name twice."""
    taken: set[str] = set()
    out = []
    for name in names:
        fresh, number = name or "column", 0
        while fresh in taken:
            number += 1
            fresh = f"{name}_{number}"
        taken.add(fresh)
        out.append(fresh)
    return out


def to_csv(parquet: Path, csv: Path) -> None:
    """The whole result as CSV, with lists and structs as DuckDB writes them."""
    source, target = (str(path).replace("'", "''") for path in (parquet, csv))
    with duckdb.connect(config={"threads": 1, "memory_limit": "512MB", "temp_directory": ""}) as connection:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(f"COPY (FROM read_parquet('{source}')) TO '{target}' (FORMAT csv, HEADER)")
