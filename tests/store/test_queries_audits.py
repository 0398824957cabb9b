"""Queries of audits and sources, on a small store: whose word counts, what a table counts."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from store import queries
from store.ingest import Ingestor
from store.journal import JournalWriter, journal_folder
from tests.store.tools import empty_store

ID = "d-0123456789abcdef"


@pytest.fixture
def journal(tmp_path: Path) -> JournalWriter:
    writer = JournalWriter(journal_folder(tmp_path), "made")
    columns = {
        "image_id": [0, 1, 2, 3, 4], "path": [f"a/{n}.png" for n in range(5)], "class": ["a", "a", "b", "b", "b"],
        "split": ["train", "test", "train", "val", None], "source": ["north", "north", None, None, "north"],
        "status": ["ok", "ok", "ok", "ok", "bad"],
    }  # fmt: skip
    writer.append("images", dataset_id=ID, columns=columns)
    return writer


def tell(journal: JournalWriter, by: str, sources: dict[int, str | None]) -> None:
    columns = {"image_id": list(sources), "source": list(sources.values())}
    journal.append("image_sources", dataset_id=ID, told_by=by, columns=columns)


def cursor(home: Path) -> duckdb.DuckDBPyConnection:
    connection = empty_store()
    Ingestor(connection, home).poll()
    return connection.cursor()


def told(home: Path) -> list[tuple[object, object]]:
    rows = queries.image_sources(cursor(home), ID)
    assert list(rows["image_id"]) == [0, 1, 2, 3]  # no bad file
    return [
        tuple(None if pd.isna(value) else value for value in pair)
        for pair in zip(rows["source"], rows["told_by"], strict=True)
    ]


def test_a_manifest_counts_until_somebody_says_more(tmp_path: Path, journal: JournalWriter):
    assert told(tmp_path) == [("north", "manifest"), ("north", "manifest"), (None, None), (None, None)]
    tell(journal, "guess", {2: "south", 3: None})
    assert told(tmp_path)[2:] == [("south", "guess"), (None, None)]
    tell(journal, "person", {1: "east", 2: None})
    assert told(tmp_path) == [("north", "manifest"), ("east", "person"), (None, "person"), (None, None)]
    tell(journal, "person", {1: None})
    assert told(tmp_path)[1] == (None, "person")  # also over a manifest


def test_which_class_comes_from_which_source(tmp_path: Path, journal: JournalWriter):
    tell(journal, "person", {1: "east"})
    tell(journal, "guess", {2: "east"})
    rows = queries.source_classes(cursor(tmp_path), ID)
    assert list(zip(rows["source"].fillna("?"), rows["class"], rows["images"], strict=True)) == [
        ("east", "a", 1), ("east", "b", 1), ("north", "a", 1), ("?", "b", 1),
    ]  # fmt: skip


def test_the_latest_audit_of_each_feature_and_target_counts(tmp_path: Path, journal: JournalWriter):
    facts = {
        "labels": ["a", "b"], "n": 4, "low": 0.3, "high": 0.9, "chance": 0.5, "folds": 2, "version": 1, "seconds": 0.1,
    }  # fmt: skip
    for seed, feature, target, right in ((0, "thumbnail", "class", 4), (0, "histogram", "source", 2),
                                         (0, "histogram", "class", 3), (1, "histogram", "class", 2)):  # fmt: skip
        journal.append(
            "audit", dataset_id=ID, feature=feature, target=target, confusion=[2, 0, 0, 2], n_right=right,
            accuracy=right / 4, seed=seed, basis="unknown to the store", **facts,
        )  # fmt: skip
    rows = queries.audits(cursor(tmp_path), ID)
    found = list(zip(rows["target"], rows["feature"], rows["n_right"], rows["seed"], strict=True))
    assert found == [("class", "histogram", 2, 1), ("class", "thumbnail", 4, 0), ("source", "histogram", 2, 0)]
    assert list(rows["confusion"][0]) == [2, 0, 0, 2]
