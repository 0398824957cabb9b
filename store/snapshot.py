"""A copy of the store as it is at one moment, for queries in processes of their own.

The live file must not be opened or copied while its owner lives, so the owner's own connection writes the copy: one
read transaction, beside which ingest goes on.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from store.contract import comment
from store.database import store_file
from store.errors import StoreError
from store.owner import StoreOwner

MIN_AGE_SECONDS = 10.0  # a snapshot younger than this is used again although the store has something new
MAX_SHARE = 0.05  # of the time that may go into taking snapshots: one that took 2 s is used for 40
SPARE_BYTES = 200 * 2**20  # that must stay free on the disk


@dataclass(frozen=True)
class Snapshot:
    """A copy of the store.

    Attributes:
        path: DuckDB file; it is there as long as the snapshot is the latest, or leased.
        taken_at: UTC, without a zone.
        version: of what it was taken from; an equal one means that the store has nothing new.
        seconds: that it took.
    """

    path: Path
    taken_at: datetime
    version: tuple[int, int]
    seconds: float

    @property
    def age_seconds(self) -> float:
        return (datetime.now(UTC).replace(tzinfo=None) - self.taken_at).total_seconds()


class Snapshots:
    """The latest snapshot of a store, and those that somebody still reads. Safe to use from several threads.

    Args:
        folder: for their files; nothing else may lie there under `snapshot-*`.
        owner: gives the present owner of the store.
    """

    def __init__(self, folder: Path, owner: Callable[[], StoreOwner]) -> None:
        self._folder, self._owner = folder, owner
        self._taking = threading.Lock()
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._leases: dict[Path, int] = {}
        self._number = 0

    @property
    def latest(self) -> Snapshot | None:
        return self._latest

    def outdated(self) -> bool:
        """Whether the store has something that the latest snapshot has not."""
        return self._latest is None or self._latest.version != _version(self._owner())

    @contextlib.contextmanager
    def lease(self, *, fresh: bool = False) -> Iterator[Snapshot]:
        """A snapshot that stays until the block ends: the latest one where that is young enough, or taken now.

        Args:
            fresh: take one now if the store has anything new.

        Raises StoreError when it cannot be taken (disk full, store closed).
        """
        with self._taking:  # who asks meanwhile gets the one that is being taken
            snapshot = self._latest
            if snapshot is None or not self._usable(snapshot, fresh):
                snapshot = self._take()
            with self._lock:
                before, self._latest = self._latest, snapshot
                self._leases[snapshot.path] = self._leases.get(snapshot.path, 0) + 1
            if before is not None and before is not snapshot:
                self._drop_unused(before)
        try:
            yield snapshot
        finally:
            with self._lock:
                self._leases[snapshot.path] -= 1
            self._drop_unused(snapshot)

    def _usable(self, snapshot: Snapshot, fresh: bool) -> bool:
        if not snapshot.path.exists():
            return False
        if snapshot.version == _version(self._owner()):
            return True
        return not fresh and snapshot.age_seconds < max(MIN_AGE_SECONDS, snapshot.seconds / MAX_SHARE)

    def _take(self) -> Snapshot:
        owner = self._owner()
        self._refuse_when_full(owner)
        self._number += 1
        path = self._folder / f"snapshot-{self._number}.duckdb"
        began = time.monotonic()
        version, taken_at = _version(owner), datetime.now(UTC).replace(tzinfo=None)
        try:
            copy_store(owner.cursor(), path)
        except (duckdb.Error, OSError) as error:
            _remove(path)
            first = str(error).strip().splitlines()[0]
            raise StoreError(f"No copy of the store for queries could be made in {path.parent}: {first}") from error
        return Snapshot(path, taken_at, version, time.monotonic() - began)

    def _refuse_when_full(self, owner: StoreOwner) -> None:
        file = store_file(owner.home)
        size = file.stat().st_size if file.exists() else 0
        free = shutil.disk_usage(self._folder).free
        if free < size + SPARE_BYTES:
            raise StoreError(
                f"Queries read a copy of the store, and {self._folder} has no room for it: {free / 1e9:.1f} GB are "
                f"free, {(size + SPARE_BYTES) / 1e9:.1f} GB are needed. Free some disk space."
            )

    def _drop_unused(self, snapshot: Snapshot) -> None:
        with self._lock:
            if snapshot is self._latest or self._leases.get(snapshot.path):
                return
            self._leases.pop(snapshot.path, None)
        _remove(snapshot.path)


def copy_store(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the cursor's database to a new DuckDB file: tables without their keys, views, and a comment a column.

    One transaction, so that the copy is the store of one moment. Raises duckdb.Error.
    """
    (source,) = cursor.execute("SELECT current_database()").fetchall()[0]
    name = path.stem
    cursor.execute(f'ATTACH {_text(str(path))} AS "{name}"')
    try:
        cursor.execute("BEGIN TRANSACTION")
        for (table,) in cursor.execute(_TABLES, [source]).fetchall():
            cursor.execute(f'CREATE TABLE "{name}".main."{table}" AS FROM "{source}".main."{table}"')
        views = cursor.execute(_VIEWS, [source]).fetchall()
        cursor.execute(f'USE "{name}"')
        for (view,) in views:
            cursor.execute(view)
        for table, is_view, columns in cursor.execute(_COLUMNS, [name]).fetchall():
            kind = "VIEW" if is_view else "TABLE"
            cursor.execute(f'COMMENT ON {kind} "{table}" IS {_text(comment(table))}')
            for column in columns:
                cursor.execute(f'COMMENT ON COLUMN "{table}"."{column}" IS {_text(comment(table, column))}')
        cursor.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # after some faults there is no transaction left
            cursor.execute("ROLLBACK")
        raise
    finally:
        cursor.execute(f'USE "{source}"')
        with contextlib.suppress(duckdb.Error):  # an unwritable copy is let go of all the same
            cursor.execute(f'DETACH "{name}"')


_TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT internal"
_VIEWS = "SELECT sql FROM duckdb_views() WHERE database_name = ? AND NOT internal ORDER BY view_oid"
_COLUMNS = """
    SELECT c.table_name, v.view_name IS NOT NULL, list(c.column_name)
    FROM duckdb_columns() c
    LEFT JOIN duckdb_views() v ON v.database_name = c.database_name AND v.view_name = c.table_name
    WHERE c.database_name = ? AND NOT c.internal GROUP BY ALL
"""


def _text(value: str) -> str:
    """As a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _version(owner: StoreOwner) -> tuple[int, int]:
    return id(owner), owner.version


def _remove(path: Path) -> None:
    for left in (path, path.with_name(path.name + ".wal")):
        left.unlink(missing_ok=True)
