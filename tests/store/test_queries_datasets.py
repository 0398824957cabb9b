"""What the queries of datasets count, and which images a page of them has."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from store import queries
from store.ingest import Ingestor
from store.journal import JournalWriter, journal_folder
from store.published import DATASET_ID as PUBLISHED
from tests.store.factory import write_search
from tests.store.factory_data import write_sources
from tests.store.tools import empty_store

# image_id, class, split, source, width, status, pixels
IMAGES = [
    (0, "a", "train", "Munich", 10, "ok", "p0"), (1, "a", "train", None, 10, "ok", "p1"),
    (2, "a", "test", "Munich", 12, "ok", "p2"), (3, "b", "train", "Barcelona", 10, "ok", "p3"),
    (4, "b", "val", "Munich", 10, "ok", "p3"), (5, "a", None, None, 10, "bad", "p5"),
    (6, "b", None, None, 10, "bad", "p5"), (7, "b", None, None, 9, "bad", "p7"), (8, "b", None, None, 9, "bad", "p7"),
    (9, None, None, None, None, "bad", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    journal = JournalWriter(journal_folder(home), "datasets-d-1", 1)
    journal.append(
        "dataset", dataset_id="d-1", name="small", root="/data", classes=["a", "b"], split_origin="made", split_seed=0,
        fractions={"train": 0.6}, synthetic=False, usable=5, bad=5,
    )  # fmt: skip
    columns = dict(zip(("image_id", "class", "split", "source", "width", "status", "pixel_sha256"),
                       (list(values) for values in zip(*IMAGES, strict=True)), strict=True))  # fmt: skip
    more = {
        "path": [f"{row[0]}.png" for row in IMAGES], "sha256": [f"s{row[0]}" for row in IMAGES],
        "group_id": [row[6] for row in IMAGES], "height": columns["width"], "reason": [None] * len(IMAGES),
    }  # fmt: skip
    journal.append("images", dataset_id="d-1", columns=columns | more)
    journal.close()
    return home


@pytest.fixture(scope="module")
def cursor(home: Path) -> duckdb.DuckDBPyConnection:
    connection = empty_store()
    Ingestor(connection, home).poll()
    return connection.cursor()


def ids(cursor: duckdb.DuckDBPyConnection, *wish: str | int | None) -> list[int]:
    return queries.image_page(cursor, "d-1", *wish)["image_id"].tolist()


def test_a_page_of_images_deals_the_classes_out_in_turn(cursor: duckdb.DuckDBPyConnection):
    assert ids(cursor) == [0, 3, 1, 4, 2]
    assert ids(cursor, None, None, None, 2, 2) == [1, 4]
    assert ids(cursor, "a") == [0, 1, 2]
    assert ids(cursor, "a", "train", "Munich") == [0]
    assert ids(cursor, None, None, "") == [1]  # not known
    assert ids(cursor, "c") == []


def test_counts_by_class_split_source_and_size(cursor: duckdb.DuckDBPyConnection):
    groups = queries.image_groups(cursor, "d-1")
    rows = groups.astype(object).where(groups.notna(), None).values.tolist()
    assert rows == [
        ["a", "test", "Munich", 1], ["a", "train", "Munich", 1], ["a", "train", None, 1],
        ["b", "train", "Barcelona", 1], ["b", "val", "Munich", 1],
    ]  # fmt: skip
    sizes = queries.image_sizes(cursor, "d-1").values.tolist()
    assert sizes == [["a", 10, 10, 2], ["a", 12, 12, 1], ["b", 10, 10, 2]]


def test_only_equal_pixels_of_several_classes_are_a_conflict(cursor: duckdb.DuckDBPyConnection):
    found = queries.label_conflicts(cursor, "d-1")
    assert found[["conflict", "image_id", "class"]].values.tolist() == [[1, 5, "a"], [1, 6, "b"]]


def test_one_image_knows_its_group(cursor: duckdb.DuckDBPyConnection):
    (row,) = queries.image_record(cursor, "d-1", 4).to_dict("records")
    assert (row["path"], row["source"], row["status"], row["group_images"]) == ("4.png", "Munich", "ok", 2)
    (row,) = queries.image_record(cursor, "d-1", 6).to_dict("records")
    assert (row["status"], row["group_images"]) == ("bad", 0)
    assert queries.image_record(cursor, "d-1", 99).empty


def test_datasets_count_the_searches_on_them_and_a_persons_source_counts(tmp_path: Path):
    first = write_search(tmp_path, trials=1, epochs=1, seed=1)
    write_search(tmp_path, search_id="s-other", trials=1, epochs=1, seed=1)
    write_sources(tmp_path, "d-000001-360-5", {0: "Munich"}, told_by="person")
    connection = empty_store()
    Ingestor(connection, tmp_path).poll()
    found = queries.datasets(connection.cursor()).set_index("dataset_id")
    assert found["searches"].to_dict() == {"d-000001-360-5": 2, PUBLISHED: 1}
    assert found.index[-1] == PUBLISHED
    assert (found.loc["d-000001-360-5", "images"], found.loc["d-000001-360-5", "bad"]) == (360, 1)
    assert queries.image_page(connection.cursor(), "d-000001-360-5", None, None, "Munich")["image_id"].tolist() == [0]
    JournalWriter(journal_folder(tmp_path), "delete").append("tombstone", search_id=first)
    Ingestor(connection, tmp_path).poll()
    assert queries.datasets(connection.cursor()).set_index("dataset_id").loc["d-000001-360-5", "searches"] == 1
