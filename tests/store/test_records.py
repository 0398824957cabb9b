"""What each record becomes, and that an unusable one costs nothing but itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.ingest
from store.apply import KEYS
from store.ingest import Ingestor
from store.journal import encode
from tests.store.factory_readings import NEW, OLDER, REVIEW
from tests.store.tools import EPOCH, PREDICTIONS, T0, empty_store, encoded, raw, scores, wipe

STORE = empty_store()


# --- what single records become -------------------------------------------------------------------------------------


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    wipe(STORE)
    return STORE


def test_an_epoch_becomes_rows_of_every_view(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    raw(tmp_path, "s-a/x", [EPOCH])
    assert Ingestor(connection, tmp_path).poll() == 1
    rows = connection.execute(
        "SELECT split, loss, accuracy, seconds, images_per_second FROM epoch ORDER BY 1"
    ).fetchall()
    assert rows == [("train", 0.5, 0.75, 3.5, 40.0), ("val", 0.5, 0.75, 3.5, 40.0)]
    found = connection.execute(
        "SELECT class, support, tp, fp, tn, fn, loss, auc FROM class_metric WHERE split = 'train'"
    )
    assert found.fetchall() == [("class 0", 2, 1, 0, 1, 1, 0.4, None), ("class 1", 1, 1, 1, 1, 0, None, 1.0)]
    found = connection.execute("SELECT true_class, predicted_class, count FROM confusion").fetchall()
    # the first image is a tie: the first class is called; the second is called wrongly
    assert found == [
        ("class 0", "class 0", 1),
        ("class 0", "class 1", 0),
        ("class 1", "class 0", 1),
        ("class 1", "class 1", 0),
    ]
    found = connection.execute(
        "SELECT image_id, true_class, probabilities FROM prediction ORDER BY image_id"
    ).fetchall()
    assert [(image, name) for image, name, _ in found] == [(7, "class 0"), (8, "class 1")]
    assert np.array_equal(np.array(found[1][2], dtype="f4"), np.array([0.9, 0.1], dtype="f4"))  # to the last bit


def test_class_names_come_with_the_dataset_whenever_it_comes(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    ingestor = Ingestor(connection, tmp_path)
    raw(tmp_path, "s-a/x", [EPOCH])
    ingestor.poll()
    raw(tmp_path, "s-a/y", [{"kind": "search_data", "at": T0, "search_id": "s-a", "dataset_id": "d"}])
    raw(tmp_path, "_home/y", [{"kind": "dataset", "at": T0, "dataset_id": "d", "name": "n", "classes": ["cat", "dog"]}])
    ingestor.poll()
    assert connection.execute("SELECT DISTINCT class FROM class_report ORDER BY 1").fetchall() == [("cat",), ("dog",)]
    assert connection.execute("SELECT DISTINCT true_class FROM prediction ORDER BY 1").fetchall() == [
        ("cat",),
        ("dog",),
    ]


def test_undefined_rates_are_zero_and_unknown_ones_missing(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    nothing = scores(support=[0, 0], tp=[0, 0], fp=[0, 0], tn=[0, 0], fn=[0, 0])
    unknown = scores(tp=None, fp=None, tn=None, fn=None)
    raw(tmp_path, "s-a/x", [{**EPOCH, "splits": {"val": nothing, "train": unknown}, "predictions": {}}])
    Ingestor(connection, tmp_path).poll()
    query = "SELECT precision, recall, specificity, f1 FROM class_report WHERE split = ? LIMIT 1"
    assert connection.execute(query, ["val"]).fetchall() == [(0.0, 0.0, 0.0, 0.0)]
    assert connection.execute(query, ["train"]).fetchall() == [(None, None, None, None)]


def test_status_is_that_of_the_highest_attempt_and_number(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    trial = {"trial_id": "s-a.00-initial", "search_id": "s-a"}

    def event(attempt: int, seq: int, status: str) -> dict[str, Any]:
        return {"kind": "trial_event", "at": T0, **trial, "attempt": attempt, "seq": seq, "status": status}

    raw(tmp_path, "s-a/z", [{"kind": "trial", "at": T0, **trial, "epochs": 5}])
    ingestor = Ingestor(connection, tmp_path)
    ingestor.poll()
    status = "SELECT status, attempt FROM trial"
    assert connection.execute(status).fetchall() == [("WAITING", None)]
    raw(tmp_path, "s-a/z", [event(1, 10**9, "FAILED"), event(2, 0, "RUNNING")])
    raw(tmp_path, "s-a/a", [event(1, 5, "COMPLETE")])
    ingestor.poll()
    assert connection.execute(status).fetchall() == [("RUNNING", 2)]
    raw(tmp_path, "s-a/a", [event(2, 10**9, "STOPPED")])
    raw(tmp_path, "s-a/b", [event(2, 7, "COMPLETE")])
    ingestor.poll()
    assert connection.execute(status).fetchall() == [("STOPPED", 2)]


def test_the_last_sign_of_life_wins_whenever_it_is_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    beat = {"kind": "heartbeat", "search_id": "s-a", "trial_id": None, "stage": "train", "total": 9}
    ingestor = Ingestor(connection, tmp_path)
    for name, second, done in (("b", 2, 20), ("a", 1, 10), ("c", 3, 30), ("a", 0, 0)):
        raw(tmp_path, f"s-a/{name}", [{**beat, "at": f"2026-11-24T10:00:0{second}+00:00", "done": done}])
        ingestor.poll()
    assert connection.execute("SELECT trial_id, done FROM heartbeat").fetchall() == [("", 30)]


def test_the_latest_cost_counts_and_odd_settings_cost_the_view_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    trial = {"kind": "trial", "at": T0, "trial_id": "s-a.00", "search_id": "s-a"}
    cost = {"kind": "cost", "trial_id": "s-a.00", "search_id": "s-a", "parameters": 5, "peak_rss_bytes": 9}
    late = {**cost, "at": "2026-11-24T11:00:00+00:00", "predict_images_per_second": 2.5}
    odd = {**trial, "trial_id": "s-a.01", "settings": {"backbone": 3, "image_size": "large"}}
    raw(tmp_path, "s-a/x", [{**trial, "settings": {"recipe": "jitter", "image_size": 96}}, late, odd])
    raw(tmp_path, "s-a/y", [{**cost, "at": T0, "predict_images_per_second": 7.0}])
    Ingestor(connection, tmp_path).poll()
    found = connection.execute(
        "SELECT backbone, recipe, image_size, parameters, predict_images_per_second, peak_rss_bytes FROM trial "
        "ORDER BY trial_id"
    ).fetchall()
    assert found == [(None, "jitter", 96, 5, 2.5, 9), ("3", None, None, None, None, None)]


@pytest.mark.parametrize("order", [("tombstone", "x", "y"), ("x", "tombstone", "y"), ("x", "y", "tombstone")])
@pytest.mark.parametrize("where", ["_home", "s-a"])
def test_a_deleted_search_stays_deleted(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, order: tuple[str, ...], where: str
):
    other = {**EPOCH, "search_id": "s-b", "trial_id": "s-b.00-initial"}
    files = {"kind": "files", "at": T0, "search_id": "s-a", "trial_id": "s-a.00-initial", "bytes": 1}
    cost = {"kind": "cost", "at": T0, "search_id": "s-a", "trial_id": "s-a.00-initial", "parameters": 1}
    say = {
        "tombstone": lambda: raw(tmp_path, f"{where}/t", [{"kind": "tombstone", "at": T0, "search_id": "s-a"}]),
        "x": lambda: raw(tmp_path, "s-a/x", [EPOCH, b"damaged\n", files, cost]),
        "y": lambda: raw(tmp_path, "_home/y", [{**EPOCH, "epoch": 2}, other]),
    }
    ingestor = Ingestor(connection, tmp_path)
    for name in order:
        say[name]()
        ingestor.poll()
    assert connection.execute("SELECT DISTINCT search_id FROM epoch_split").fetchall() == [("s-b",)]
    for table in ("trial_files", "trial_cost", "damage"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
    assert connection.execute("SELECT DISTINCT search_id FROM journal").fetchall() == [("_home",)]
    assert ingestor.tombstones == {"s-a"}


def test_scores_rest_on_the_present_fit_and_the_latest_word_counts(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    later = "2026-11-25T10:00:00.000000+00:00"
    raw(tmp_path, "s/x", [{**FIT, "at": T0}, {**JUDGED, "at": T0}, {**JUDGED, "at": T0, "outside_id": "e"}])
    ingestor = Ingestor(connection, tmp_path)
    ingestor.poll()
    found = "SELECT dataset_id, class, mahalanobis, mahalanobis_p, energy_p FROM scope_score WHERE part = 'outside'"
    assert connection.execute(f"{found} ORDER BY 1").fetchall() == [
        ("d", "a", 2.5, pytest.approx(1 / 3), pytest.approx(2 / 3)), ("e", "a", 2.5, pytest.approx(1 / 3),
         pytest.approx(2 / 3)),
    ]  # fmt: skip
    raw(tmp_path, "s/y", [{**FIT, "at": later, "fit": "g"}, {**JUDGED, "at": later, "fit": "g", "mahalanobis": [0]}])
    ingestor.poll()
    assert connection.execute(found).fetchall() == [("d", "a", 0.0, 1.0, pytest.approx(2 / 3))]
    assert connection.execute("SELECT count(*) FROM scope_fit").fetchall() == [(1,)]


# --- what must not stop it ------------------------------------------------------------------------------------------

WRONG = [
    {"loss": "low"}, {"loss": True}, {"loss": [1]}, {"accuracy": 10**400}, {"support": [1, 2, 3]}, {"tp": [1.5, 2]},
    {"fp": [-1, 0]}, {"tn": [2**31, 0]}, {"class_loss": ["a", 1]}, {"class_auc": 1}, {"confusion": [1, 2, 3]},
]  # fmt: skip
WRONG_PREDICTIONS = [
    {"image_ids": None}, {"image_ids": [7]}, {"true_class": [0, 5]}, {"true_class": [0]}, {"probabilities": "?"},
    {"probabilities": "AAAA"}, {"probabilities": encoded([[0.5, float("nan")], [0.9, 0.1]])}, {"probabilities": None},
]  # fmt: skip
FIT = {
    "kind": "scope_fit", "trial_id": "t", "search_id": "s", "fit": "f", "n_train": 3, "n_features": 2, "version": 1,
    "calibration_ids": [1, 2], "calibration_mahalanobis": [0.5, 1], "calibration_energy": [-1, -2.5], "test_ids": [],
    "test_mahalanobis": [], "test_energy": [],
}  # fmt: skip
JUDGED = {
    "kind": "scope_result", "trial_id": "t", "search_id": "s", "fit": "f", "outside_id": "d", "version": 1,
    "image_ids": [0], "classes": ["a"], "mahalanobis": [2.5], "energy": [-1.5],
}  # fmt: skip
WRONG_READINGS = [
    {"p_values": [0.5]}, {"raw": [None, 1]}, {"box": [1, 2, 3]}, {"box": [0, 0, 0, 5]}, {"box": [-1, 0, 2, 2]},
    {"kept": "yes"}, {"decision": "set", "decided_classes": ["a"]}, {"decision": "refer", "decided_classes": ["a"]},
    {"decision": "class"}, {"prediction_set": "ab"}, {"decided_classes": ["a"]},
]  # fmt: skip
WRONG_REVIEWS = [
    {"verdict": "perhaps"}, {"class": None}, {"verdict": "refer"}, {"reading_id": None}, {"review_id": 7}, {"note": []}
]  # fmt: skip
BAD = [
    *({**EPOCH, "splits": {"val": scores(**wrong)}, "predictions": None} for wrong in WRONG),
    *({**EPOCH, "predictions": {"val": {**PREDICTIONS, **wrong}}} for wrong in WRONG_PREDICTIONS),
    {**EPOCH, "epoch": "one"}, {**EPOCH, "epoch": 2**63}, {**EPOCH, "epoch": None}, {**EPOCH, "trial_id": None},
    {**EPOCH, "at": "yesterday"}, {**EPOCH, "at": "0001-01-01T00:00:00+14:00"}, {**EPOCH, "at": 5},
    {**EPOCH, "at": None}, {**EPOCH, "splits": [1]}, {**EPOCH, "splits": {"val": 1}}, {**EPOCH, "reused": "no"},
    {**EPOCH, "trial_id": "half a \ud800 pair"}, {**EPOCH, "search_id": {"a": 1}},
    {"kind": "search", "search_id": "s", "name": 3, "origin": "own"}, {"kind": "tombstone"},
    {"kind": "tombstone", "search_id": "_home"},
    {"kind": "images", "dataset_id": "d", "columns": {"image_id": [1, 2], "path": ["a"]}},
    {"kind": "images", "dataset_id": "d", "columns": [1]}, {"kind": "dataset", "dataset_id": "d", "name": "n"},
    {"kind": "images", "dataset_id": "d", "columns": {"image_id": [1], "path": [None]}},
    {"kind": "search_event", "search_id": "s", "attempt": 1, "seq": 0, "status": "WAITING"},
    {"kind": "reading", "reading_id": "r", "image_sha256": "0", "classes": ["a"], "probabilities": [1, 2]},
    *({**OLDER, **wrong} for wrong in WRONG_READINGS), *({**REVIEW, **wrong} for wrong in WRONG_REVIEWS),
    {"kind": "search", "search_id": "s", "name": "n", "origin": "own", "settings": {"a": "\ud800"}},
    {"kind": "cost", "trial_id": "s-a.00", "search_id": "s-a", "parameters": None},
    {"kind": "cost", "trial_id": "s-a.00", "search_id": "s-a", "parameters": 1, "predict_images_per_second": "fast"},
    {**FIT, "calibration_energy": [1]}, {**FIT, "test_ids": [4]}, {**FIT, "calibration_mahalanobis": [None, 1]},
    {**FIT, "fit": None}, {**JUDGED, "classes": []}, {**JUDGED, "energy": [None]},
    {**JUDGED, "mahalanobis": "AAAA"}, {**JUDGED, "image_ids": [-1]},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad.get("kind")))
def test_an_unusable_record_is_counted_and_left_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, bad: dict[str, Any]
):
    good = [{**EPOCH, "epoch": epoch, "trial_id": "s-a.01-x"} for epoch in range(3)]
    raw(tmp_path, "s-a/x", [good[0], {"at": T0, **bad}, good[1], {"kind": "from-the-future"}, good[2]])
    assert Ingestor(connection, tmp_path).poll() == 5
    assert connection.execute("SELECT count(*) FROM epoch").fetchall() == [(6,)]
    assert connection.execute("SELECT records, damaged, unknown FROM journal").fetchall() == [(5, 1, 1)]
    ((line_at, reason),) = connection.execute("SELECT line_at, reason FROM damage").fetchall()
    assert line_at > 0
    assert reason
    assert ("it has no time" in reason) == ("at" in bad and bad["at"] is None)
    for table in KEYS:
        if table != "epoch_split":
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
GOOD = [
    EPOCH,
    {"kind": "search", "at": T0, "search_id": "s-a", "name": "n", "origin": "own", "settings": {}, "environment": {}},
    {"kind": "trial", "at": T0, "trial_id": "s-a.00", "search_id": "s-a", "settings": {}, "learning_rate": 0.1},
    {"kind": "heartbeat", "at": T0, "search_id": "s-a", "pid": 1, "stage": "x", "done": 0},
    {"kind": "cycle", "at": T0, "search_id": "s-a", "cycle": 1, "trial_ids": ["a"], "chosen_score": 0.5},
    {"kind": "images", "at": T0, "dataset_id": "d", "columns": {"image_id": [1], "path": ["a"], "group_id": [3]}},
    {"kind": "cost", "at": T0, "trial_id": "s-a.00", "search_id": "s-a", "parameters": 5, "peak_rss_bytes": 9},
    {"kind": "tombstone", "at": T0, "search_id": "s-z"}, {**NEW, "at": T0}, {**REVIEW, "at": T0},
]  # fmt: skip


@given(record=st.sampled_from(GOOD), data=st.data())
@settings(max_examples=80, deadline=None)
def test_no_payload_stops_the_others(record: dict[str, Any], data: st.DataObject):
    field = data.draw(st.sampled_from([name for name in record if name != "kind"]))
    record = {**record, field: data.draw(json_values)}
    try:
        line = encode(record)
    except ValueError:  # no JSON: a writer would have refused it too
        return
    wipe(STORE)
    with tempfile.TemporaryDirectory() as folder:
        raw(Path(folder), "s-q/x", [line, {**EPOCH, "search_id": "s-q", "trial_id": "s-q.00"}])
        Ingestor(STORE, Path(folder)).poll()
    rows = STORE.execute("SELECT count(*) FROM epoch WHERE search_id = 's-q'").fetchall()
    assert rows == [(2,)]


def test_a_row_that_only_the_database_refuses_is_found_and_left_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_rows = store.ingest.write_rows

    def picky(connection: duckdb.DuckDBPyConnection, rows: dict[str, list[Any]]) -> None:
        write_rows(connection, rows)
        if any(row["epoch"] == 13 for row in rows.get("epoch_split", [])):
            raise duckdb.ConversionException("13 is unlucky")

    monkeypatch.setattr(store.ingest, "write_rows", picky)
    raw(tmp_path, "s-a/x", [{**EPOCH, "epoch": epoch} for epoch in range(20)])
    Ingestor(connection, tmp_path).poll()
    assert connection.execute("SELECT count(DISTINCT epoch) FROM epoch").fetchall() == [(19,)]
    assert connection.execute("SELECT records, damaged FROM journal").fetchall() == [(20, 1)]
    assert connection.execute("SELECT reason FROM damage").fetchall() == [("the database refuses it: 13 is unlucky",)]
