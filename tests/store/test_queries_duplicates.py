"""Duplicate pairs and leaks as the pages ask for them, from the records of a data set that was really read."""

from __future__ import annotations

import duckdb
import pytest

from core.data.dataset import PUBLISHED_FRACTIONS, Dataset
from core.data.importing import import_data
from store import queries
from store.ingest import Ingestor
from tests.core.data.fields import field, save, turn
from tests.core.data.test_duplicates_scan import SIDE, leaking
from tests.store.tools import empty_store


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("duplicates")
    root = leaking(folder / "data")
    same = field(3, SIDE, SIDE, 6)
    for split in ("train", "val"):  # equal pixels in two splits: the scan leaves the one in train out
        save(same, root / split / "a" / "same.png")
    save(same, root / "val" / "a" / "again.png")
    for name in "ab":  # one picture under two labels, turned
        save(turn(field(4, SIDE, SIDE, 6), "rot180" if name == "a" else "identity"), root / "test" / name / "both.png")
    dataset = import_data(folder / "home", root, fractions=PUBLISHED_FRACTIONS)
    connection = empty_store()
    Ingestor(connection, folder / "home").poll()
    return dataset, connection


def test_pairs_with_both_images(stored: tuple[Dataset, duckdb.DuckDBPyConnection]):
    dataset, connection = stored
    rows = queries.duplicate_pairs(connection.cursor(), dataset.dataset_id)
    assert rows["kind"].value_counts().to_dict() == {"overlap": 3, "exact": 2, "near": 2}
    by_names = {frozenset((row["path_a"], row["path_b"])): row for row in rows.to_dict("records")}
    turned = by_names[frozenset(("test/a/original.png", "train/a/turned.png"))]
    assert (turned["leak"], turned["conflict"], turned["kind"]) == (True, False, "near")
    both = by_names[frozenset(("test/a/both.png", "test/b/both.png"))]
    assert (both["leak"], both["conflict"], both["transform"]) == (False, True, "rot180")
    exact = rows[rows["kind"] == "exact"]
    assert not exact["leak"].any()  # what was left out is no leak any more
    assert sorted(exact["status_b"]) == ["bad", "ok"]
    assert exact["correlation"].tolist() == [1.0, 1.0]


def test_leaks_are_counted_by_the_two_splits(stored: tuple[Dataset, duckdb.DuckDBPyConnection]):
    dataset, connection = stored
    rows = queries.leaks(connection.cursor(), dataset.dataset_id)
    assert rows.to_dict("records") == [
        {"split_a": "test", "split_b": "train", "pairs": 1, "images": 1},
        {"split_a": "val", "split_b": "train", "pairs": 2, "images": 1},
    ]
    assert {(row["split_a"], row["split_b"]): row["pairs"] for row in rows.to_dict("records")} == dataset.leaks()
