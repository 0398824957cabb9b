"""What is read once for each version of the store is read anew when what it reads has changed."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from pages.components import data
from pages.components.data import AGING, READINGS
from store import queries
from store.apply import READING_TABLES
from tests.store.tools import empty_store


class Asked(Exception):
    """The SQL that a query asks, instead of its answer."""


class Listening:
    def execute(self, sql: str, *_: Any) -> None:
        raise Asked(sql)

    sql = execute


def sql_of(name: str) -> str:
    query = getattr(queries, name)
    given = [one for one in inspect.signature(query).parameters.values() if one.default is one.empty][1:]
    try:
        query(Listening(), *(["x"] if "Sequence" in str(one.annotation) else "x" for one in given))
    except Asked as asked:
        return str(asked)
    raise AssertionError(f"{name} asks nothing")


def test_all_queries_of_what_changes_with_a_reading_are_read_anew_with_each():
    views = dict(empty_store().execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall())
    often = set(READING_TABLES)
    while more := {name for name, sql in views.items() if names(often).search(sql)} - often:
        often |= more
    assert "reviewed_reading" in often
    asked = {name: sql_of(name) for name in queries.__all__ if inspect.isfunction(getattr(queries, name))}
    assert {name for name, sql in asked.items() if names(often).search(sql)} == READINGS


def names(tables: set[str]) -> re.Pattern[str]:
    """A table where SQL names one; `reading` is a word of others, too."""
    return re.compile(rf"\b(?:FROM|JOIN)\s+\(?\s*(?:main\.)?(?:{'|'.join(sorted(tables))})\b", re.IGNORECASE)


def test_whether_a_process_is_gone_is_asked_again_and_again(monkeypatch: Any, tmp_path: Path):
    marked = {
        name for name in queries.__all__
        if inspect.isfunction(getattr(queries, name)) and "with_lost" in inspect.getsource(getattr(queries, name))
    }  # fmt: skip
    assert marked == AGING
    monkeypatch.setenv("CELLASCENT_HOME", str(tmp_path))
    asked: list[str] = []
    listing = queries.listing
    monkeypatch.setattr(queries, "listing", lambda cursor: asked.append("listing") or listing(cursor))
    now = [1000.0]
    monkeypatch.setattr("pages.components.data.time.monotonic", lambda: now[0])
    for seconds, times in ((0, 1), (5, 1), (10, 2)):
        now[0] = 1000.0 + seconds
        data.read("listing")
        assert len(asked) == times
    data.owner().close()
