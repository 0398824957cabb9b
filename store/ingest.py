"""Journals into DuckDB, exactly once: each transaction writes rows together with how far the journals were read."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from store.apply import RECORD_TABLES, remove_search, write_rows
from store.journal import Record, decode, read_lines
from store.rows import Row, deleted_search, search_of, table_rows
from store.tail import Tail

MAX_RECORDS = 5_000  # of one transaction
MAX_BYTES = 64 * 2**20  # of one transaction, about
# What the data of a single record can be blamed for; everything else (disk, memory, lock) is the store's trouble.
UNUSABLE = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException, pa.ArrowException, ValueError,
            TypeError, OverflowError)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One journal line: where it stands, and what stands there."""

    journal: str
    position: int
    data: bytes

    @property
    def end(self) -> int:
        return self.position + len(self.data) + 1


@dataclass
class Batch:
    """What a run of lines comes to."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    damage: list[tuple[str, int, str]] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    tombstones: set[str] = field(default_factory=set)


class Ingestor:
    """Applies what journals say to one database, through one connection of its own.

    Args:
        limits: read each journal only up to this many bytes, and no others (to compare with a store that has).
        max_records, max_bytes: bounds of one transaction.

    Attributes:
        written: the tables that were written to; whoever takes note of it empties it.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, home: Path, *, limits: dict[str, int] | None = None,
        max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._tail = Tail(home)
        self._limits = limits
        self._max_records, self._max_bytes = max_records, max_bytes
        self._pending: dict[str, int] = {}
        self.written: set[str] = set()
        found = connection.execute("SELECT path, read_bytes FROM journal").fetchall()
        self._offsets: dict[str, int] = dict(found)
        deleted = connection.execute("SELECT search_id FROM tombstone").fetchall()
        self.tombstones: set[str] = {search_id for (search_id,) in deleted}

    def poll(self) -> int:
        """Apply everything that there is at the moment of the call; the number of lines taken."""
        self._pending |= self._tail.grown(everything=True)
        taken = self._take()
        while self._pending:
            taken += self._take()
        return taken

    def step(self, *, everything: bool = False) -> int:
        """Apply what is new, at most one transaction of it; the number of lines taken.

        With `everything` no journal is skipped for having been quiet (see `Tail.grown`).
        After an exception nothing of the transaction has been applied, and the next call tries it again.
        """
        self._pending |= self._tail.grown(everything=everything)
        return self._take()

    @property
    def behind(self) -> bool:
        """Whether the last call left something of what there was when it was made."""
        return bool(self._pending)

    def _take(self) -> int:
        lines, rests = self._read()
        if lines:
            self._apply(lines)
        self._pending = rests
        return len(lines)

    def _read(self) -> tuple[list[Line], dict[str, int]]:
        """Lines for one transaction, and the journals that hold more than that."""
        lines: list[Line] = []
        rests: dict[str, int] = {}
        room = self._max_bytes
        for name, told in self._pending.items():
            size = told if self._limits is None else min(told, self._limits.get(name, 0))
            offset = self._offsets.get(name, 0)
            if size <= offset:
                continue
            if room <= 0 or len(lines) >= self._max_records:
                rests[name] = told
                continue
            try:
                found = read_lines(self._tail.root / name, offset, min(room, size - offset))
            except FileNotFoundError:  # removed with its search
                continue
            fresh = [Line(name, position, data) for position, data in found[: self._max_records - len(lines)]]
            lines += fresh
            end = fresh[-1].end if fresh else offset
            room -= end - offset
            if fresh and end < size:  # a torn tail alone is no rest: it waits until the file grows
                rests[name] = told
        return lines, rests

    def _apply(self, lines: list[Line]) -> None:
        """Apply lines in one transaction; where the database refuses a row, halve until the culprit is alone."""
        batch = self._batch(lines)
        try:
            self._commit(batch)
        except UNUSABLE as error:
            if len(lines) > 1:
                self._apply(lines[: len(lines) // 2])
                self._apply(lines[len(lines) // 2 :])
                return
            self._commit(self._refused(lines[0], error))

    def _commit(self, batch: Batch) -> None:
        connection = self._connection
        connection.execute("BEGIN TRANSACTION")
        try:
            _write(connection, batch, self.tombstones | batch.tombstones)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # a failed commit has rolled back by itself
                connection.execute("ROLLBACK")
            raise
        self.tombstones |= batch.tombstones
        self._offsets |= batch.ends
        self.written |= {"journal", *(table for table, rows in batch.rows.items() if rows)}
        self.written |= {"damage"} if batch.damage else set()

    def _batch(self, lines: list[Line]) -> Batch:
        batch = Batch()
        decoded = [(line, decode(line.data)) for line in lines]
        batch.tombstones = {deleted for _, record in decoded if record and (deleted := deleted_search(record))}
        gone = self.tombstones | batch.tombstones
        for line, record in decoded:
            batch.ends[line.journal] = line.end
            counts = batch.counts[line.journal]  # records, damaged, unknown
            counts[0] += record is not None
            if record is None:
                counts[1] += 1
                batch.damage.append((line.journal, line.position, "its checksum does not confirm it"))
            else:
                self._expand(batch, line, record, dropped=search_of(record) in gone)
        return batch

    def _expand(self, batch: Batch, line: Line, record: Record, *, dropped: bool) -> None:
        # What is dropped is counted like all else: it may as well have been read before its search was deleted.
        try:
            rows = table_rows(record)
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:  # RecordError, or worse
            batch.counts[line.journal][1] += 1
            batch.damage.append((line.journal, line.position, f"{record['kind']}: {error}"))
            return
        if rows is None:
            batch.counts[line.journal][2] += 1
            return
        for table, row in [] if dropped else rows:
            batch.rows[table].append({**row, "journal": line.journal, "line_at": line.position})

    def _refused(self, line: Line, error: Exception) -> Batch:
        batch = Batch(ends={line.journal: line.end})
        batch.counts[line.journal] = [int(decode(line.data) is not None), 1, 0]
        batch.damage.append((line.journal, line.position, f"the database refuses it: {error}"[:500]))
        return batch


def apply_records(connection: duckdb.DuckDBPyConnection, records: list[Record], source: str) -> None:
    """Apply built-in records, which stand in no journal, by the same rules. `source` takes a journal's place.

    Raises RecordError when one of them is unusable.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    for number, record in enumerate(records):
        for table, row in table_rows(record, timeless=True) or []:
            rows[table].append({**row, "journal": source, "line_at": number})
    write_rows(connection, rows)


def _write(connection: duckdb.DuckDBPyConnection, batch: Batch, deleted: set[str]) -> None:
    write_rows(connection, {table: batch.rows[table] for table in RECORD_TABLES if table in batch.rows})
    now = datetime.now(UTC).replace(tzinfo=None)
    # The journals of a deleted search may hold records that outlive it, so they are read, but nothing is noted of
    # them: whether they were removed before or after, the store says the same.
    for name, end in batch.ends.items():
        if _folder(name) not in deleted:
            connection.execute(_NOTE_JOURNAL, [name, _folder(name), end, *batch.counts[name], now])
    damage = [row for row in batch.damage if _folder(row[0]) not in deleted]
    if damage:
        connection.executemany("INSERT INTO damage VALUES (?, ?, ?) ON CONFLICT DO NOTHING", damage)
    for search_id in batch.tombstones:
        remove_search(connection, search_id)


_NOTE_JOURNAL = """
    INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET
        read_bytes = excluded.read_bytes, records = journal.records + excluded.records,
        damaged = journal.damaged + excluded.damaged, unknown = journal.unknown + excluded.unknown,
        read_at = excluded.read_at
"""


def _folder(name: str) -> str:
    """The search whose folder a journal lies in."""
    return name.partition("/")[0]
