"""Exactly once, in any order, whatever the records hold and wherever the work is interrupted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.ingest
from store import tail
from store.ingest import Ingestor
from store.journal import encode
from tests.store.tools import EPOCH, PREDICTIONS, T0, dump, empty_store, raw, scores, wipe

STORE = empty_store()
AGAIN = empty_store()


# --- any records, in any order, read at any moments -----------------------------------------------------------------

searches = st.sampled_from(["s-a", "s-b"])
times = st.sampled_from([f"2026-11-24T10:00:0{n}.000000+00:00" for n in range(4)])
small = st.integers(0, 2)


def _record(kind: str, **fields: Any) -> Any:
    return st.fixed_dictionaries({"kind": st.just(kind), "at": times, "seq": small, **fields})


def _of_trial(kind: str, **fields: Any) -> Any:
    def trial_id(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "trial_id": f"{record['search_id']}.0{record.pop('n')}-x"}

    return _record(kind, search_id=searches, n=small, **fields).map(trial_id)


statuses = st.sampled_from(["RUNNING", "COMPLETE", "STOPPED", "FAILED"])
splits = st.dictionaries(st.sampled_from(["train", "val"]), st.builds(scores, loss=st.sampled_from([0.1, 0.2])))
records = st.one_of(
    _record("dataset", dataset_id=st.just("d"), name=st.sampled_from("xy"), classes=st.just(["a", "b"])),
    _record("images", dataset_id=st.just("d"), columns=st.just({"image_id": [0, 1], "path": ["p", "q"]})),
    _record("search", search_id=searches, name=st.sampled_from("xy"), origin=st.just("own"), patience=small),
    _record("search_data", search_id=searches, dataset_id=st.sampled_from("de")),
    _record("search_event", search_id=searches, attempt=small, status=statuses, de_count=small),
    _record("cycle", search_id=searches, cycle=small, trial_ids=st.just(["t"]), improved=st.booleans(), de_count=small),
    _of_trial("trial", position=small, epochs=small),
    _of_trial("trial_event", attempt=small, status=statuses, pid=small),
    _of_trial("epoch", epoch=small, splits=splits),
    _of_trial("epoch", epoch=small, splits=st.just({}), predictions=st.just({"val": PREDICTIONS})),
    _of_trial("heartbeat", done=small),
    _of_trial("files", bytes=small),
    _record("reading", reading_id=st.sampled_from("rq"), image_sha256=st.just("00"), classes=st.just(["a", "b"]),
            probabilities=st.just([0.5, 0.5]), decision=st.just("class"),
            decided_classes=st.sampled_from([["a"], ["b"]])),
    _record("review", review_id=st.sampled_from("vwx"), reading_id=st.sampled_from("rq"), verdict=st.just("correct"),
            **{"class": st.sampled_from("abc")}),
    _record("tombstone", search_id=searches),
    _record("from-the-future", search_id=searches),
    _of_trial("trial_event", attempt=small, status=st.just("BORED")),
)  # fmt: skip
lines = st.one_of(records, records, records, st.sampled_from([b"\n", b"12345678 {}\n"]))
events = st.lists(
    st.tuples(st.sampled_from(["_home/x", "s-a/x", "s-a/y", "s-b/x"]), lines) | st.just("poll"), max_size=16
)


@given(events=events, bound=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_any_records_in_any_order_give_what_one_replay_from_zero_gives(events: list[Any], bound: int):
    wipe(STORE)
    wipe(AGAIN)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for event in events:
            if event == "poll":  # each time by a process that knows nothing but the store
                Ingestor(STORE, home, max_records=bound).poll()
            else:
                name, line = event
                raw(home, name, [line])
        Ingestor(STORE, home, max_bytes=100 * bound).poll()
        before = dump(STORE)
        Ingestor(STORE, home).poll()
        assert dump(STORE) == before
        Ingestor(AGAIN, home).poll()
        assert dump(AGAIN) == before
        STORE.execute("DELETE FROM journal")  # even when all is read a second time, nothing changes
        Ingestor(STORE, home).poll()
        assert {**dump(STORE), "journal": 0} == {**before, "journal": 0}


@given(events=events, fail_at=st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_a_fault_in_the_middle_of_a_transaction_loses_and_doubles_nothing(events: list[Any], fail_at: int):
    wipe(STORE)
    wipe(AGAIN)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        home = Path(folder)
        for event in events:
            if event != "poll":
                raw(home, event[0], [event[1]])
        calls = 0
        write_rows = store.ingest.write_rows

        def faulty(connection: duckdb.DuckDBPyConnection, rows: dict[str, list[Any]]) -> None:
            nonlocal calls
            write_rows(connection, rows)
            calls += 1
            if calls - 1 == fail_at:
                raise duckdb.IOException("No space left on device")

        patch.setattr(store.ingest, "write_rows", faulty)
        ingestor = Ingestor(STORE, home, max_records=3)
        for _ in range(3):
            try:
                while ingestor.step():
                    pass
            except duckdb.IOException:
                continue
        patch.undo()
        Ingestor(AGAIN, home).poll()
        assert dump(STORE) == dump(AGAIN)


# --- how much at once, and how soon ---------------------------------------------------------------------------------


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    wipe(STORE)
    return STORE


def test_a_backlog_is_taken_in_bounded_transactions(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    beat = {"kind": "heartbeat", "at": T0, "search_id": "s-a", "trial_id": "t", "stage": "x" * 1000}
    for name in "abc":
        raw(tmp_path, f"s-a/{name}", [beat] * 20)
    ingestor = Ingestor(connection, tmp_path, max_records=25)
    assert [ingestor.step() for _ in range(4)] == [25, 25, 10, 0]
    wipe(connection)
    ingestor = Ingestor(connection, tmp_path, max_bytes=11_000)
    steps = [ingestor.step() for _ in range(16)]
    assert sum(steps) == 60
    assert max(steps) <= 11
    wipe(connection)
    assert Ingestor(connection, tmp_path, max_bytes=10).poll() == 60  # a line longer than the bound is taken whole


def test_an_unfinished_line_waits_until_it_is_whole(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    line = encode(EPOCH)
    ingestor = Ingestor(connection, tmp_path)
    for cut in (0, 1, 9, 100, len(line) - 1):
        path = raw(tmp_path, "s-a/x", [])
        path.write_bytes(line[:cut])
        assert ingestor.poll() == 0
    path.write_bytes(line)
    assert ingestor.poll() == 1
    assert connection.execute("SELECT damaged FROM journal").fetchall() == [(0,)]


def test_quiet_journals_are_looked_at_now_and_then(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = 1000.0
    monkeypatch.setattr(tail.time, "monotonic", lambda: clock)
    raw(tmp_path, "s-a/x", [EPOCH])
    ingestor = Ingestor(connection, tmp_path)
    assert ingestor.step() == 1
    clock += 100.0
    assert ingestor.step() == 0  # a sweep: from now on the file counts as quiet
    raw(tmp_path, "s-a/x", [{**EPOCH, "epoch": 2}])
    raw(tmp_path, "s-b/new", [{**EPOCH, "epoch": 3}])
    clock += 0.05
    assert ingestor.step() == 1  # a new file is seen at once
    clock += tail.SWEEP_SECONDS
    assert ingestor.step() == 1
    clock += 0.05
    raw(tmp_path, "s-a/x", [{**EPOCH, "epoch": 4}])
    assert ingestor.step() == 1  # and having grown it is watched again
    (tmp_path / "journals/s-a/x.jsonl").unlink()
    assert ingestor.step() == 0


def test_limits_end_the_reading_where_another_store_ended(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    path = raw(tmp_path, "s-a/x", [EPOCH])
    end = path.stat().st_size
    raw(tmp_path, "s-a/x", [{**EPOCH, "epoch": 2}])
    raw(tmp_path, "s-a/y", [{**EPOCH, "epoch": 3}])
    assert Ingestor(connection, tmp_path, limits={"s-a/x.jsonl": end}).poll() == 1
