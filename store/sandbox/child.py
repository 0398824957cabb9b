"""What runs in the query's process: open the snapshot, lock the configuration, run one statement, write its result."""

from __future__ import annotations

import os
import re
import time
import traceback
from pathlib import Path
from typing import Any

import duckdb

from store.sandbox.limits import Limits
from store.sandbox.result import ResultWriter
from store.sandbox.sentences import explain, refusal

BATCH_ROWS = 2_048  # of one step; a row may hold the predictions of a whole split
# Types that Parquet or Arrow's way to pandas does not know, wherever they stand in a nested one: text instead.
_AS_TEXT = re.compile(
    r"\b(INTERVAL|UNION|BIGNUM|BIT|GEOMETRY|VARIANT|TIME WITH TIME ZONE)\b|\bSTRUCT(?!\()"  # a STRUCT of nothing
)
_PROJECTED_LINES = 2  # that DuckDB puts before the query of a projected relation


def open_locked(snapshot: Path, folder: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    """The snapshot, and nothing else that DuckDB could reach or change.

    DuckDB goes on allowing the paths of the open database and of its write-ahead log, for writing too. So it is opened
    under a name of its own in `folder`, which is taken away at once; a folder in the place of each leaves nothing to
    write.
    """
    link = folder / "store.duckdb"
    os.link(snapshot, link)
    connection = duckdb.connect(
        str(link), read_only=True,
        config={
            "threads": 1, "memory_limit": f"{limits.memory_mb}MB", "temp_directory": "",
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "allow_community_extensions": "false", "python_enable_replacements": "false",
        },
    )  # fmt: skip
    link.unlink()
    for name in (link, link.with_name(f"{link.name}.wal")):
        name.mkdir()
    connection.execute("SET enable_progress_bar = false")  # it would be printed
    connection.execute("SET enable_external_access = false")  # neither files nor other databases nor extensions
    connection.execute("SET lock_configuration = true")  # and no way to change that
    return connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, limits: Limits) -> dict[str, Any]:
    """Run one statement; its result becomes files in `folder`. Returns what there is to say of it.

    The connection must stay open until the process ends: batches of its results must not outlive it.

    Keys: error (a sentence or None), detail (where in the SQL, as DuckDB marks it, or None), and, without an error,
    seconds and those of `ResultWriter.facts`.
    """
    began = time.monotonic()
    lines_before = 0
    try:
        said = refusal(_kinds(sql))
        if said is not None:
            return {"error": said, "detail": None}
        relation = _relation(connection, sql)
        columns = [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]
        if any(_AS_TEXT.search(kind) for _, kind in columns):
            lines_before = _PROJECTED_LINES
            relation = relation.project(", ".join(_selected(*column, at) for at, column in enumerate(columns, start=1)))
        reader = relation.to_arrow_reader(BATCH_ROWS)
        with ResultWriter(folder, reader.schema, columns, limits) as writer:
            for batch in reader:
                if not writer.add(batch):
                    break
        facts = writer.facts()
    except Exception as error:  # DuckDB's and Arrow's have no common root; the process has no other purpose
        traceback.print_exception(error)  # into the log of the process
        sentence, detail = explain(error, limits, lines_before=lines_before)
        return {"error": sentence, "detail": detail}
    return {"error": None, "detail": None, "seconds": time.monotonic() - began, **facts}


def _relation(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    try:
        return connection.sql(sql)
    except duckdb.Error as error:
        if "\nLINE " not in str(error):
            connection.execute(sql)  # fails as well, and says where in the SQL
        raise


# Nothing in it can hide a comment or a string: what follows is then read as DuckDB reads it.
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s+ANALYZE\b)?(\s*\([\w\s,]*\))?\s", re.IGNORECASE | re.ASCII)


def _kinds(sql: str) -> list[str]:
    """What kinds of statements these are; of an EXPLAIN, what it explains, since EXPLAIN ANALYZE runs that.

    An EXPLAIN that begins with a comment, or has one among its options, stays an EXPLAIN, which is refused.
    """
    kinds = [_kind(statement) for statement in duckdb.extract_statements(sql)]
    if kinds == ["EXPLAIN"]:
        begin = _EXPLAIN.match(sql)
        if begin:
            return [_kind(statement) for statement in duckdb.extract_statements(sql[begin.end() :])]
    return kinds


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # newer than the Python package knows
        return "OTHER"


def _selected(name: str, kind: str, at: int) -> str:
    alias = '"' + name.replace('"', '""') + '"'
    return f"CAST(#{at} AS VARCHAR) AS {alias}" if _AS_TEXT.search(kind) else f"#{at} AS {alias}"
