"""Readings and reviews: records of both forms, the latest review, and what people filter by."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from store import queries
from store.ingest import Ingestor
from store.queries import Wanted
from tests.store.factory_readings import NEW, OLDER, REVIEW
from tests.store.tools import empty_store, raw, wipe

STORE = empty_store()


@pytest.fixture
def cursor() -> duckdb.DuckDBPyConnection:
    wipe(STORE)
    return STORE


def at(day: int) -> dict[str, str]:
    return {"at": f"2026-01-{day:02d}T00:00:00+00:00"}


def test_a_record_of_the_older_form_is_a_reading_without_a_decision(cursor: duckdb.DuckDBPyConnection, tmp_path: Path):
    by_person = {**OLDER, "reading_id": "r-2", "flags": {"blur": True}, "decided_by": "N. N.", "decision": "b"}
    raw(tmp_path, "_home/app", [OLDER | at(1), by_person | at(2)])
    Ingestor(cursor, tmp_path).poll()
    second, first = queries.readings(cursor).to_dict("records")
    assert (first["model_id"], first["model_trial_id"]) == ("s-a.final-1", "s-a.final-1")
    assert pd.isna(first["decision"])
    assert (list(first["raised"]), first["kept"], list(first["probabilities"])) == (
        ["out_of_scope"],
        False,
        [0.25, 0.75],
    )
    assert (second["decision"], list(second["decided_classes"]), second["decided_by"]) == ("class", ["b"], "N. N.")
    assert list(second["raised"]) == ["blur"]


def test_all_of_a_reading_is_on_record(cursor: duckdb.DuckDBPyConnection, tmp_path: Path):
    raw(tmp_path, "_home/app", [NEW | at(1)])
    Ingestor(cursor, tmp_path).poll()
    (row,) = queries.reading(cursor, "r-new").to_dict("records")
    plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in row.items()}
    for name, said in NEW.items():
        if name in ("flags", "blast", "coverage"):
            assert json.loads(plain[name]) == said
        elif name != "kind":
            assert plain[name] == said, name
    assert plain["raised"] == ["blur", "blast"]
    assert (plain["reviews"], plain["verdict"]) == (0, None)


def reviews() -> list[dict[str, Any]]:
    return [
        {**REVIEW, "review_id": "v-1", "class": "c", "note": "first"} | at(1),
        {**REVIEW, "review_id": "v-2", "verdict": "confirm", "class": "a"} | at(3),
        {**REVIEW, "review_id": "v-3", "verdict": "refer", "class": None} | at(2),
    ]  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_every_review_is_kept_and_the_latest_counts_in_any_order(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, order: tuple[int, ...]
):
    said = [*reviews(), NEW | at(1)]
    ingestor = Ingestor(cursor, tmp_path)
    for number in order:
        raw(tmp_path, f"_home/{number}", [said[number]] * 2)  # a repeated record is the same review
        ingestor.poll()
    (row,) = queries.readings(cursor).to_dict("records")
    assert (row["verdict"], row["expert_class"], row["reviews"]) == ("confirm", "a", 3)
    assert queries.reviews(cursor, "r-new")["review_id"].tolist() == ["v-2", "v-3", "v-1"]


def test_readings_and_reviews_outlive_the_search_of_their_model(cursor: duckdb.DuckDBPyConnection, tmp_path: Path):
    gone = {"kind": "tombstone", "search_id": "s-a"} | at(9)
    raw(tmp_path, "_home/app", [OLDER | at(1), {**REVIEW, "reading_id": "r-old"} | at(2), gone])
    Ingestor(cursor, tmp_path).poll()
    assert queries.reading_count(cursor).to_dict("records") == [{"readings": 1, "reviewed": 1, "kept": 0}]


@pytest.fixture
def several(cursor: duckdb.DuckDBPyConnection, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    one = {**NEW, "reading_id": "r-1", "model_id": "t", "file_name": "Smear_7.png", "decision": "class",
           "decided_classes": ["a"], "through": "page", "blast": None, "kept": False, "batch_id": None}  # fmt: skip
    two = {**NEW, "reading_id": "r-2", "decision": "refer", "decided_classes": [], "flags": [], "through": "batch"}
    three = {**NEW, "reading_id": "r-3"}
    said = [{**REVIEW, "reading_id": "r-3"}, {**REVIEW, "reading_id": "r-2", "review_id": "v-2", "verdict": "refer",
            "class": None}]  # fmt: skip
    raw(tmp_path, "_home/app", [one | at(1), two | at(2), three | at(3), *(record | at(5) for record in said)])
    Ingestor(cursor, tmp_path).poll()
    return cursor


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["r-3", "r-2", "r-1"]),
        ({"model_id": "t"}, ["r-1"]),
        ({"class_": "a"}, ["r-3", "r-1"]),
        ({"expert_class": "c"}, ["r-3"]),
        ({"decision": "refer"}, ["r-2"]),
        ({"raised": "blur"}, ["r-3", "r-1"]),
        ({"raised": "blast"}, ["r-3", "r-2"]),
        ({"reviewed": True}, ["r-3", "r-2"]),
        ({"reviewed": False}, ["r-1"]),
        ({"verdict": "refer"}, ["r-2"]),
        ({"through": "page"}, ["r-1"]),
        ({"batch_id": "b-1"}, ["r-3", "r-2"]),
        ({"since": datetime(2026, 1, 2)}, ["r-3", "r-2"]),
        ({"until": datetime(2026, 1, 2)}, ["r-1"]),
        ({"text": "smear_"}, ["r-1"]),
        ({"text": "%"}, []),
        ({"decision": "set", "reviewed": False}, []),
    ],
    ids=str,
)
def test_what_is_wanted_is_found_newest_first_and_counted(
    several: duckdb.DuckDBPyConnection, wanted: dict[str, Any], found: list[str]
):
    assert queries.readings(several, Wanted(**wanted))["reading_id"].tolist() == found
    assert queries.reading_count(several, Wanted(**wanted))["readings"].item() == len(found)


def test_pages_of_readings_follow_each_other(several: duckdb.DuckDBPyConnection):
    pages = [queries.readings(several, Wanted(), 2, offset)["reading_id"].tolist() for offset in (0, 2, 4)]
    assert pages == [["r-3", "r-2"], ["r-1"], []]


def test_what_there_is_to_choose_from(several: duckdb.DuckDBPyConnection):
    found = queries.reading_choices(several)
    of = {name: dict(zip(rows["value"], rows["readings"], strict=True)) for name, rows in found.groupby("column")}
    assert of == {
        "model_id": {"f-1": 2, "t": 1}, "class_": {"a": 2, "b": 1}, "expert_class": {"c": 1},
        "decision": {"class": 1, "refer": 1, "set": 1}, "raised": {"blast": 2, "blur": 2},
        "verdict": {"correct": 1, "refer": 1}, "through": {"batch": 1, "field": 1, "page": 1},
    }  # fmt: skip


def test_an_image_that_one_model_read_twice_counts_once_in_the_agreement(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
):
    twice = [{**NEW, "reading_id": f"r-{number}"} | at(number) for number in (1, 2)]
    other_box, other_model = (
        {**NEW, "reading_id": "r-3", "box": [9, 9, 9, 9]},
        {**NEW, "reading_id": "r-4", "model_id": "t"},
    )
    said = [
        {**REVIEW, "review_id": f"v-{number}", "reading_id": f"r-{number}", "class": "abcd"[number - 1]}
        | at(10 - number)
        for number in (1, 2, 3, 4)
    ]
    raw(tmp_path, "_home/app", [*twice, other_box | at(3), other_model | at(4), *said])
    Ingestor(cursor, tmp_path).poll()
    found = queries.review_counts(cursor)
    assert dict(zip(found["expert_class"], found["readings"], strict=True)) == {"a": 1, "c": 1, "d": 1}
    assert list(found["decided"][0]) == ["a", "b"]


def test_what_can_be_gathered_is_kept_and_settled(several: duckdb.DuckDBPyConnection):
    assert queries.gatherable(several)["reading_id"].tolist() == ["r-3"]
    assert queries.gatherable(several, Wanted(through="page")).empty


def test_what_can_be_gathered_says_by_which_images_models_are_judged(
    several: duckdb.DuckDBPyConnection, tmp_path: Path
):
    def data(name: str, splits: list[str], sha256: list[str]) -> list[dict[str, Any]]:
        n = len(splits)
        columns = {"image_id": list(range(n)), "path": [f"{at}.png" for at in range(n)], "sha256": sha256,
                   "class": ["a"] * n, "split": splits, "status": ["ok"] * n}  # fmt: skip
        return [
            {"kind": "dataset", "dataset_id": name, "name": name, "classes": ["a"], "usable": n, "bad": 0} | at(6),
            {"kind": "images", "dataset_id": name, "columns": columns} | at(6),
        ]

    def judged_in(day: int, *records: dict[str, Any]) -> object:
        raw(tmp_path, f"_home/data-{day}", [record | at(day) for record in records])
        Ingestor(several, tmp_path).poll()
        (row,) = queries.gatherable(several).to_dict("records")  # one row, in however many data sets its image is
        assert (row["width"], row["height"]) == (40, 36)
        return None if pd.isna(row["judged_in"]) else row["judged_in"]

    assert judged_in(6, *data("own", ["train", "val", "test"], ["01", "02", "03"])) is None
    external = {"kind": "external_set", "dataset_id": "own", "external_id": "far", "removed": False}
    assert judged_in(7, *data("far", ["train"], ["01"])) is None
    assert judged_in(8, external) == "far"
    assert judged_in(9, external | {"removed": True}) is None
    assert judged_in(10, *data("held", ["test", "test"], ["00", "01"])) == "held"
