"""Opening the store: one process has the file, everyone else is told who."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

import duckdb

from store.errors import Holder, StoreBusy, StoreError
from store.ingest import apply_records
from store.published import SOURCE, published_records

SCHEMA_VERSION = 6  # raise it with every change of schema.sql or of what records become
# Nothing is fetched from the network, and no Python variable is mistaken for a table. External access stays on:
# switching it off holds for every cursor of the process, for good.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "threads": min(4, os.cpu_count() or 1),  # queries are small, and training wants the cores
}


def store_file(home: Path) -> Path:
    """The DuckDB file of a home folder."""
    return home / "store.duckdb"


def open_file(path: Path, *, home: Path | None = None, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file and take its lock. Never call it twice for one file within a process.

    Raises StoreBusy when another process has it, StoreError when it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return duckdb.connect(str(path), read_only=read_only, config=CONFIG)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise StoreBusy(path, _holder(home or path.parent, str(error))) from error
        raise StoreError(
            f"Cannot open the store {path} ({_first_line(error)}). If it is damaged, make it anew from the journals: "
            f"python -m core store rebuild --home {home or path.parent}"
        ) from error


def open_memory() -> duckdb.DuckDBPyConnection:
    """An empty database in memory, its own at every call."""
    return duckdb.connect(":memory:", config=CONFIG)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables and the published search where they are missing, or where an older version made them.

    An older store is emptied: the journals hold everything, and the next ingest fills it. Raises StoreError for a
    store of a newer version, and for a DuckDB file that is no store.
    """
    refuse_newer(connection)
    version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        if version is not None:
            _drop_everything(connection)
        connection.execute((Path(__file__).parent / "schema.sql").read_text())
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
        apply_records(connection, published_records(), SOURCE)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def refuse_newer(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise StoreError for a store of a newer version."""
    version = schema_version(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise StoreError(
            f"The store {_name(connection)} was made by a newer version (schema {version}; this version knows "
            f"{SCHEMA_VERSION}): update CellAscent, or use another home folder."
        )


def schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the store's tables; None where there are none. Raises StoreError for what is no store."""
    found = connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    if not found:
        return None
    try:
        rows = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
        return int(rows[0][0])
    except (duckdb.CatalogException, duckdb.BinderException, ValueError, IndexError) as error:
        raise StoreError(
            f"{_name(connection)} is a DuckDB file but no CellAscent store: move it away, or use another home folder."
        ) from error


def _drop_everything(connection: duckdb.DuckDBPyConnection) -> None:
    # Within the open file, not by deleting it: that would let go of the lock.
    for kind, function in (("VIEW", "duckdb_views()"), ("TABLE", "duckdb_tables()")):
        column = f"{kind.lower()}_name"
        for (name,) in connection.execute(f"SELECT {column} FROM {function} WHERE NOT internal").fetchall():
            connection.execute(f'DROP {kind} "{name}"')


def _name(connection: duckdb.DuckDBPyConnection) -> str:
    paths = connection.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()
    return str(paths[0][0] or "in memory")


def _holder(home: Path, message: str) -> Holder:
    """Who has the lock: DuckDB's message tells the process, owner.json what kind of process that is."""
    found = re.search(r"\(PID (\d+)\)", message)
    pid = int(found[1]) if found else None
    try:
        owner = json.loads((home / "owner.json").read_text())
        if pid is None or (owner["pid"] == pid and owner["host"] == platform.node()):
            return Holder(str(owner["kind"]), int(owner["pid"]), str(owner["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return Holder("another process", pid, None)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
