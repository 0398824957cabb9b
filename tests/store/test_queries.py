"""Every query: values on a small store, and an empty frame with the same columns for what is unknown."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from store import queries
from store.ingest import Ingestor
from store.journal import replay
from store.published import SEARCH_ID
from tests.store.factory import CLASSES, write_search
from tests.store.factory_readings import OLDER
from tests.store.tools import empty_store, raw

ARGUMENTS: dict[str, list[Any]] = {
    "searches": [], "search": ["?"], "cycles": ["?"], "heartbeats": ["?"], "epochs_saved": ["?"], "trials": ["?"],
    "trial": ["?"], "epochs": [["?"]], "class_epochs": ["?", "val"], "class_report": ["?", "val"],
    "confusion": ["?", "val"], "predictions": ["?", "val"], "dataset": ["?"], "dataset_counts": ["?"],
    "images": ["?"], "readings": [], "reading": ["?"], "reading_count": [],
    "reading_choices": [], "reviews": ["?"], "review_counts": [], "gatherable": [],
    "calibrations": ["?"], "reading_checks": ["?"],
    "notes": ["?"], "fusions": [], "operating_points": ["?"],
    "outputs": [["?"], "val"], "split_hash": ["?"], "resumptions": ["?"],
    "listing": [], "label_check": ["?"], "label_issues": ["?"],
    "trial_names": [], "compared": [["?"]], "class_ends": [["?"], "val"], "class_curves": [["?"], ["val"]],
    "search_predictions": ["?", "val"],
    "audited": [], "audits": ["?"], "image_sources": ["?"], "source_classes": ["?"], "sources_told": ["?"],
    "external_sets": ["?"], "external_results": [["?"]], "external_predictions": ["?", "?"],
    "external_cells": [["?"]], "outcomes": [["?"]],
    "robustness": [["?"]], "scope_fits": [["?"]], "scope_results": [["?"]], "scope_scores": ["?", "?"],
    "datasets": [], "image_groups": ["?"], "image_sizes": ["?"], "image_page": ["?"], "image_record": ["?", 0],
    "label_conflicts": ["?"],
    "duplicate_pairs": ["?"], "leaks": ["?"],
    "jobs": ["?", "audit"], "journals": [], "damage": [], "columns": [],
}  # fmt: skip


class Home:
    """A finished, a running, a lost, a stopped, a failed and a waiting search, in one store."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.complete = write_search(home, epochs=3, seed=1)
        self.running = write_search(home, epochs=3, trials=3, seed=2, status="RUNNING")
        self.lost = write_search(home, epochs=3, trials=2, seed=3, status="RUNNING", lost=True)
        self.stopped = write_search(home, epochs=3, trials=5, seed=4, status="STOPPED")
        self.failed = write_search(home, epochs=3, trials=2, seed=5, status="FAILED")
        self.waiting = write_search(home, seed=6, status="WAITING")
        self.connection = empty_store()
        Ingestor(self.connection, home).poll()

    def records(self, search_id: str, kind: str) -> list[dict[str, Any]]:
        return [record for record in replay(self.home, search_id) if record["kind"] == kind]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def cursor(small: Home) -> duckdb.DuckDBPyConnection:
    return small.connection.cursor()


def test_all_queries_are_listed_here():
    public = {
        name
        for name, value in vars(queries).items()
        if inspect.isfunction(value) and value.__module__.startswith(queries.__name__) and not name.startswith("_")
    }
    assert public == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_unknown_id_gives_the_same_columns_and_no_rows(name: str, cursor: duckdb.DuckDBPyConnection):
    frame = getattr(queries, name)(cursor, *ARGUMENTS[name])
    assert isinstance(frame, pd.DataFrame)
    documented = " ".join((inspect.getdoc(getattr(queries, name)) or "").split())
    for column in frame.columns:
        assert column in documented or name in ("searches", "trial", "journals"), f"{name} does not document {column}"
    if ARGUMENTS[name] and name != "epochs_saved":
        assert frame.empty
        assert list(frame.columns)


def test_the_list_of_searches(cursor: duckdb.DuckDBPyConnection, small: Home):
    frame = queries.searches(cursor).set_index("search_id")
    assert list(frame.index[-1:]) == [SEARCH_ID]
    assert frame["status"].to_dict() == {
        small.complete: "COMPLETE", small.running: "RUNNING", small.lost: "RUNNING", small.stopped: "STOPPED",
        small.failed: "FAILED", small.waiting: "WAITING", SEARCH_ID: "COMPLETE",
    }  # fmt: skip
    assert frame.index[frame["lost"]].tolist() == [small.lost]
    row = frame.loc[small.complete]
    assert (row["trials_total"], row["trials_done"], row["trials_failed"], row["de_count"]) == (14, 14, 0, 2)
    assert row["best_trial_id"] == f"{small.complete}.02-learning_rate"
    assert row["model_trial_id"] == f"{small.complete}.final-2"
    assert row["best_val_accuracy"] == 1.0
    assert row["dataset_name"] == "made-up"
    assert row["synthetic"]
    assert row["finished_at"] > row["created_at"]
    assert row["stage"] == "train"
    assert frame.loc[small.running, "best_trial_id"] == f"{small.running}.00-initial"
    assert pd.isna(frame.loc[small.running, "finished_at"])
    assert frame.loc[small.failed, "trials_failed"] == 1
    assert frame.loc[small.failed, "message"] == "made up"
    assert pd.isna(frame.loc[small.waiting, "trials_total"])
    assert frame.loc[small.waiting, "de_count"] == 0
    one = queries.search(cursor, small.complete)
    assert len(one) == 1
    assert (
        one.drop(columns="lost")
        .iloc[0]
        .equals(queries.searches(cursor).set_index("search_id", drop=False).loc[small.complete].drop("lost"))
    )


def test_trials_in_the_order_asked(cursor: duckdb.DuckDBPyConnection, small: Home):
    frame = queries.trials(cursor, small.complete)
    assert list(frame["position"]) == list(range(14))
    assert list(frame["coordinate"][:4]) == ["initial", "batch_size", "epochs", "learning_rate"]
    assert frame["coordinate"].iloc[-1] == "final"
    assert pd.isna(frame["cycle"].iloc[-1])
    for kind, split, columns in (
        ("epoch", "train", ("train_loss", "train_accuracy")),
        ("epoch", "val", ("val_loss", "val_accuracy")),
        ("evaluation", "test", ("test_loss", "test_accuracy")),
    ):
        for record in small.records(small.complete, kind):
            row = frame[frame["trial_id"] == record["trial_id"]].iloc[0]
            if record["epoch"] == row["epochs"]:
                scores = record["splits"][split]
                assert (row[columns[0]], row[columns[1]]) == (scores["loss"], scores["accuracy"])
    assert list(frame["epochs_done"]) == list(frame["epochs"])
    reuse = frame[frame["reused_epochs"] > 0]
    assert list(reuse["coordinate"]) == ["epochs"] * 4
    assert reuse["from_trial_id"].iloc[0] == f"{small.complete}.00-initial"
    assert (frame["finished_at"] > frame["started_at"]).all()
    assert frame["files_bytes"].between(90_000_001, 90_000_010).all()
    assert not frame["lost"].any()
    saved = queries.epochs_saved(cursor, small.complete).iloc[0]
    assert (saved["reused"], saved["total"], saved["trials"]) == (
        frame["reused_epochs"].sum(),
        frame["epochs"].sum(),
        14,
    )


def test_unfinished_trials(cursor: duckdb.DuckDBPyConnection, small: Home):
    running = queries.trials(cursor, small.running).iloc[-1]
    assert (running["status"], running["epochs_done"], running["lost"]) == ("RUNNING", 2, False)
    assert pd.isna(running["finished_at"])
    assert queries.trials(cursor, small.lost).iloc[-1]["lost"]
    failed = queries.trials(cursor, small.failed).iloc[-1]
    assert failed["status"] == "FAILED"
    assert "signal 9" in failed["error"]
    assert queries.trials(cursor, small.stopped).iloc[-1]["status"] == "STOPPED"
    one = queries.trial(cursor, failed["trial_id"])
    assert one.iloc[0].equals(queries.trials(cursor, small.failed).iloc[-1])


def test_curves(cursor: duckdb.DuckDBPyConnection, small: Home):
    ids = [f"{small.complete}.00-initial", f"{small.complete}.01-epochs"]
    frame = queries.epochs(cursor, ids, ["train", "val"])
    assert frame.groupby("trial_id").size().to_dict() == {ids[0]: 6, ids[1]: 8}
    said = [r["splits"]["val"]["loss"] for r in small.records(small.complete, "epoch") if r["trial_id"] == ids[1]]
    mine = frame[(frame["trial_id"] == ids[1]) & (frame["split"] == "val")]
    assert list(mine["loss"]) == said
    assert list(mine["epoch"]) == [1, 2, 3, 4]
    assert list(mine["reused"]) == [True, True, True, False]
    assert set(queries.epochs(cursor, ids)["split"]) == {"train", "val", "test", "calibration"}
    assert queries.epochs(cursor, []).empty
    assert queries.epochs(cursor, ids, []).empty


def test_classes_and_confusion_agree_with_the_predictions(cursor: duckdb.DuckDBPyConnection, small: Home):
    trial_id = f"{small.complete}.01-batch_size"
    for split, epochs in (("val", (1, 2, 3)), ("test", (3,)), ("calibration", (3,))):
        classes = queries.class_epochs(cursor, trial_id, split)
        assert sorted(set(classes["epoch"])) == list(epochs)
        for epoch in epochs:
            predictions = queries.predictions(cursor, trial_id, split, epoch)
            index = {name: position for position, name in enumerate(CLASSES)}
            true = predictions["true_class"].map(index).to_numpy()
            called = np.array(predictions["probabilities"].tolist()).argmax(axis=1)
            rows = classes[classes["epoch"] == epoch]
            assert list(rows["class"]) == list(CLASSES)
            assert list(rows["tp"]) == [int(((true == c) & (called == c)).sum()) for c in range(5)]
            assert list(rows["support"]) == [int((true == c).sum()) for c in range(5)]
            report = queries.class_report(cursor, trial_id, split, epoch)
            assert np.allclose(report["recall"], rows["tp"] / rows["support"])
            assert np.allclose(report["f1"], 2 * rows["tp"] / (2 * rows["tp"] + rows["fp"] + rows["fn"]))
        counts = queries.confusion(cursor, trial_id, split)["count"].to_numpy().reshape(5, 5)
        expected = np.zeros((5, 5), dtype=int)
        np.add.at(expected, (true, called), 1)
        assert (counts == expected).all()
        assert queries.class_report(cursor, trial_id, split).equals(report)
        assert queries.predictions(cursor, trial_id, split).equals(predictions)


def test_predictions_keep_every_bit_and_name_their_file(cursor: duckdb.DuckDBPyConnection, small: Home):
    trial_id = f"{small.complete}.00-initial"
    (record,) = (r for r in small.records(small.complete, "evaluation") if r["trial_id"] == trial_id)
    said = record["predictions"]["test"]
    frame = queries.predictions(cursor, trial_id, "test")
    assert list(frame["image_id"]) == sorted(said["image_ids"])
    exact = np.frombuffer(base64.b64decode(said["probabilities"]), dtype="<f4").reshape(-1, 5)
    order = np.argsort(said["image_ids"])
    assert np.array_equal(np.array(frame["probabilities"].tolist(), dtype="<f4"), exact[order])
    for _, row in frame.iterrows():
        assert row["path"] == f"{row['true_class']}/{row['image_id']:05d}.png"


def test_predictions_of_a_whole_search_are_those_of_its_trials(cursor: duckdb.DuckDBPyConnection, small: Home):
    finished = queries.trials(cursor, small.complete)
    last = queries.search_predictions(cursor, small.complete, "val")
    assert sorted(last["trial_id"]) == sorted(finished["trial_id"])
    for row in last.to_dict("records"):
        one = queries.predictions(cursor, row["trial_id"], "val")
        assert row["epoch"] == finished.set_index("trial_id").loc[row["trial_id"], "epochs"]
        order = np.argsort(row["image_ids"])
        packed = np.asarray(row["probabilities"]).reshape(len(order), 5)[order]
        assert np.array_equal(packed, np.array(one["probabilities"].tolist()))
        assert [CLASSES[c] for c in np.asarray(row["true_classes"])[order]] == list(one["true_class"])
    every = queries.search_predictions(cursor, small.complete, "val", True)
    assert len(every) == int(finished["epochs"].sum())
    # Only what is finished: the third trial of the stopped search is not.
    stopped = queries.search_predictions(cursor, small.stopped, "val", True)
    complete = queries.trials(cursor, small.stopped).query("status == 'COMPLETE'")
    assert set(stopped["trial_id"]) == set(complete["trial_id"])
    assert queries.search_predictions(cursor, SEARCH_ID, "val").empty


def test_cycles_and_heartbeats(cursor: duckdb.DuckDBPyConnection, small: Home):
    cycles = queries.cycles(cursor, small.complete)
    assert list(cycles["de_count"]) == [0, 0, 0, 1, 2]
    assert list(cycles["trial_ids"][1]) == [
        f"{small.complete}.01-{c}" for c in ("batch_size", "epochs", "learning_rate")
    ]
    beats = queries.heartbeats(cursor, small.running)
    assert pd.isna(beats["trial_id"][0])
    assert list(beats["trial_id"][1:]) == [f"{small.running}.{n}" for n in ("00-initial", "01-batch_size", "01-epochs")]
    assert (beats["rss_bytes"] == 900_000_000).all()


def test_data(cursor: duckdb.DuckDBPyConnection, small: Home):
    dataset_id = queries.search(cursor, small.complete)["dataset_id"][0]
    (dataset,) = queries.dataset(cursor, dataset_id).to_dict("records")
    assert list(dataset["classes"]) == list(CLASSES)
    assert (dataset["usable"], dataset["bad"]) == (360, 1)
    counts = queries.dataset_counts(cursor, dataset_id)
    assert counts["count"].sum() == 360
    assert counts.groupby("split")["count"].sum().to_dict() == {"train": 200, "calibration": 40, "val": 60, "test": 60}
    assert len(queries.images(cursor, dataset_id)) == 361
    (bad,) = queries.images(cursor, dataset_id, "bad").to_dict("records")
    assert bad["reason"] == "the file ends early"
    assert queries.images(cursor, dataset_id, "ok")["image_id"].tolist() == list(range(360))


def test_the_split_hash_is_of_images_and_splits_alone(cursor: duckdb.DuckDBPyConnection, small: Home):
    dataset_id = queries.search(cursor, small.complete)["dataset_id"][0]
    (found,) = queries.split_hash(cursor, dataset_id)["split_hash"]
    images = queries.images(cursor, dataset_id, "ok").sample(frac=1, random_state=0)
    lines = sorted(f"{sha} {split}" for sha, split in zip(images["sha256"], images["split"], strict=True))
    assert found == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    other = queries.search(cursor, small.running)["dataset_id"][0]
    assert queries.split_hash(cursor, other)["split_hash"][0] != found
    assert queries.split_hash(cursor, SEARCH_ID).empty  # the published data have no image list


def test_what_a_search_settled_and_the_command_that_repeats_it(tmp_path: Path):
    store = empty_store()
    asked = {"kind": "search", "search_id": "s", "name": "n", "origin": "own", "command": "asked", "seq": 0}
    data = {"kind": "search_data", "search_id": "s", "dataset_id": "d", "settled": {"threads": 2}, "seq": 1}
    began = {"kind": "search_event", "search_id": "s", "status": "RUNNING", "attempt": 1, "seq": 2, "message": "first"}
    again = {**began, "attempt": 2, "message": "Resumed with torch 1 then, 2 now."}
    later = {**again, "seq": 5, "message": None}
    ingestor = Ingestor(store, tmp_path)
    raw(tmp_path, "s/a", [{"at": "2026-01-01T00:00:00+00:00", **asked}])
    ingestor.poll()
    assert queries.search(store, "s")["command"][0] == "asked"
    records = [data | {"command": "exact"}, began, again, later]
    raw(tmp_path, "s/b", [{"at": "2026-01-02T00:00:00+00:00", **record} for record in records])
    ingestor.poll()
    (found,) = queries.search(store, "s").to_dict("records")
    assert (found["command"], json.loads(found["settled"])) == ("exact", {"threads": 2})
    resumed = queries.resumptions(store, "s")
    assert resumed[["attempt", "message"]].to_dict("records") == [{"attempt": 2, "message": again["message"]}]


def test_the_stores_own_state(tmp_path: Path):
    store = empty_store()
    raw(tmp_path, "_home/app", [{**OLDER, "at": "2026-01-01T00:00:00+00:00", "reading_id": "r-1"}])
    raw(tmp_path, "_home/app", [{**OLDER, "at": "2026-01-02T00:00:00+00:00", "reading_id": "r-2"}, b"?\n"])
    raw(tmp_path, "_home/app", [{"kind": "tombstone", "at": "2026-01-03T00:00:00+00:00", "search_id": "s"}])
    Ingestor(store, tmp_path).poll()
    (journal,) = queries.journals(store).to_dict("records")
    assert (journal["path"], journal["records"], journal["damaged"]) == ("_home/app.jsonl", 3, 1)
    (damage,) = queries.damage(store).to_dict("records")
    assert damage["reason"] == "its checksum does not confirm it"
