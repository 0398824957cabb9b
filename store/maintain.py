"""What can be done with the store from outside: make it anew, check it, export it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from store.apply import KEYS
from store.database import SCHEMA_VERSION, open_file, open_memory, prepare, refuse_newer, schema_version, store_file
from store.errors import StoreBusy, StoreError
from store.ingest import Ingestor
from store.journal import journal_files

# What people query; exported as one Parquet file each.
EXPORTED = ("search", "trial", "epoch", "class_metric", "class_report", "confusion", "prediction", "cycle", "dataset",
            "image", "reading", "review")  # fmt: skip


def rebuild(home: Path) -> str:
    """Make the store file anew from the journals; a sentence on what it holds.

    Raises StoreBusy while a process has the store, StoreError when a newer version made it.
    """
    path = store_file(home)
    held = _hold(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        told = _build(fresh, home)
        if held is not None:
            held.execute("CHECKPOINT")  # its write-ahead log is empty now and belongs to no other file
        else:
            _wal(path).unlink(missing_ok=True)
        fresh.replace(path)
    finally:
        if held is not None:
            held.close()
        for left in (fresh, _wal(fresh)):
            left.unlink(missing_ok=True)
    return f"Made {path} anew: {told}."


def export(home: Path, target: Path) -> str:
    """Write the store to a new DuckDB file (named *.duckdb) or a new folder of Parquet files, from the journals.

    Needs no lock, so an app may run meanwhile. Returns a sentence. Raises StoreError when the target exists.
    """
    if target.exists():
        raise StoreError(f"{target} exists: name a new file (*.duckdb) or a new folder (Parquet files).")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    folder = target.with_name(f".{target.name}.{os.getpid()}.parquet")
    try:
        told = _build(fresh, home)
        if target.suffix == ".duckdb":
            fresh.replace(target)
        else:
            folder.mkdir()
            with open_file(fresh, read_only=True) as connection:
                for name in EXPORTED:
                    file = str(folder / f"{name}.parquet").replace("'", "''")
                    connection.execute(f"COPY (SELECT * FROM {name}) TO '{file}' (FORMAT parquet)").fetchall()
            folder.replace(target)
    finally:
        for left in (fresh, _wal(fresh)):
            left.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return f"Wrote {target}: {told}."


def check(home: Path, say: Callable[[str], None]) -> int:
    """Compare journals and store, saying one line for each journal and table.

    Returns 0 when all is well, 1 when a journal is damaged or the store says something else than the journals, and 2
    when the journals are well but the store cannot be compared (another process has it, or another version made it).
    """
    connection = open_memory()
    prepare(connection)
    verdict = _attach(connection, store_file(home), say)
    limits = _limits(connection, home) if verdict == 0 else None
    Ingestor(connection, home, limits=limits).poll()
    problems = _check_journals(connection, home, limits, say)
    if verdict == 0:
        problems += _compare(connection, say)
    connection.close()
    return 1 if problems else verdict


def _build(path: Path, home: Path) -> str:
    with open_file(path, home=home) as connection:
        prepare(connection)
        Ingestor(connection, home).poll()
        journals, records, damaged = connection.execute(
            "SELECT count(*), coalesce(sum(records), 0), coalesce(sum(damaged), 0) FROM journal"
        ).fetchall()[0]
        connection.execute("CHECKPOINT")
    return f"{journals} journals, {records} records, {damaged} damaged lines"


def _hold(path: Path) -> duckdb.DuckDBPyConnection | None:
    """Keep others from opening the file; None where there is none, or it is too damaged to be opened at all."""
    if not path.exists():
        return None
    try:
        connection = open_file(path)
    except StoreBusy:
        raise
    except StoreError:
        return None
    refuse_newer(connection)
    return connection


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


# --- check --------------------------------------------------------------------------------------------------------


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, say: Callable[[str], None]) -> int:
    """Attach the store file as `live`; 0, or 2 with a word on why it cannot be compared."""
    if not path.exists():
        say(f"{path}: there is none yet; the journals alone were checked")
        return 2
    try:
        open_file(path, read_only=True).close()
        quoted = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS live (READ_ONLY)")
        connection.execute("USE live")
        version = schema_version(connection)
        connection.execute("USE memory")
    except (StoreError, duckdb.Error) as error:
        say(f"{path}: not compared. {error}")
        return 2
    if version != SCHEMA_VERSION:
        say(f"{path}: not compared, schema version {version} is not {SCHEMA_VERSION}")
        return 2
    return 0


def _limits(connection: duckdb.DuckDBPyConnection, home: Path) -> dict[str, int]:
    """How far the store has read each journal; those of deleted searches it need not have."""
    limits: dict[str, int] = dict(connection.execute("SELECT path, read_bytes FROM live.journal").fetchall())
    deleted = {search_id for (search_id,) in connection.execute("SELECT search_id FROM live.tombstone").fetchall()}
    for path in journal_files(home):
        if path.parent.name in deleted:
            limits[f"{path.parent.name}/{path.name}"] = path.stat().st_size
    return limits


def _check_journals(
    connection: duckdb.DuckDBPyConnection, home: Path, limits: dict[str, int] | None, say: Callable[[str], None]
) -> int:
    problems = 0
    found = connection.execute("SELECT path, read_bytes, records, damaged, unknown FROM journal").fetchall()
    read = {path: counts for path, *counts in found}
    deleted = {search_id for (search_id,) in connection.execute("SELECT search_id FROM tombstone").fetchall()}
    reasons = connection.execute("SELECT journal, line_at, reason FROM damage ORDER BY journal, line_at").fetchall()
    names = {f"{path.parent.name}/{path.name}": path for path in journal_files(home)}
    for name, path in names.items():
        if name.partition("/")[0] in deleted:
            say(f"{name}: its search is deleted")
            continue
        read_bytes, records, damaged, unknown = read.get(name, (0, 0, 0, 0))
        rest = path.stat().st_size - read_bytes
        words = [f"{records} records"]
        words += [f"{unknown} of a kind that this version does not know"] if unknown else []
        words += [f"{rest} bytes after them (unfinished, or not yet in the store)"] if rest > 0 else []
        if path.stat().st_size < (limits or {}).get(name, 0):
            words.append("SHORTER than what the store has read of it")
            problems += 1
        if damaged:
            lines = [f"byte {line_at}: {reason}" for journal, line_at, reason in reasons if journal == name]
            words.append(f"{damaged} DAMAGED lines ({'; '.join(lines[:3])})")
            problems += 1
        say(f"{name}: {', '.join(words)}")
    for name in sorted(set(limits or {}) - set(names)):
        say(f"{name}: GONE, but the store has read {(limits or {})[name]} bytes of it")
        problems += 1
    return problems


def _compare(connection: duckdb.DuckDBPyConnection, say: Callable[[str], None]) -> int:
    """Every table, row by row, against what the journals make. Where a row was read first, and when, may differ."""
    problems = 0
    for table in ("journal", "damage", *KEYS):
        leave = {"journal": ["read_at"], "damage": [], "search_event": [], "trial_event": []}
        columns = _columns(connection, table, leave.get(table, ["journal", "line_at"]))
        sides = [f"SELECT {columns} FROM {side}.main.{table}" for side in ("live", "memory")]
        extra, missing = (
            connection.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchall()[0][0]
            for one, other in (sides, reversed(sides))
        )
        (rows,) = connection.execute(f"SELECT count(*) FROM live.main.{table}").fetchall()[0]
        if extra or missing:
            say(f"table {table}: DIFFERS, {extra} rows that the journals do not give, {missing} rows missing")
            problems += 1
        else:
            say(f"table {table}: {rows} rows, as the journals give")
    return problems


def _columns(connection: duckdb.DuckDBPyConnection, table: str, leave: list[str]) -> str:
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND database_name = 'memory'"
        "AND NOT list_contains(?::VARCHAR[], column_name) ORDER BY column_index",
        [table, leave],
    ).fetchall()
    # JSON is compared as text: two JSON values have no order that EXCEPT could use.
    return ", ".join(f'CAST("{name}" AS VARCHAR)' for (name,) in found)
