"""Killed, full, broken: nothing acknowledged is lost, and what hinders is said."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core import statements
from store import owner as owner_module
from store import queries
from store.errors import StoreError
from store.ingest import Batch, Ingestor
from store.journal import JournalWriter, encode, journal_files, journal_folder
from store.owner import StoreOwner
from tests.store.factory import write_search
from tests.store.factory_readings import a_reading
from tests.store.processes import OWNER, Process, epochs, say_epoch
from tests.store.tools import wait_for

WRITER = """
import sys
from pathlib import Path
from store.journal import JournalWriter, journal_folder
home, name, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
journal = JournalWriter(journal_folder(home, "s-1"), name)
for epoch in range(number):
    journal.append("epoch", trial_id=f"s-1.{name}", search_id="s-1", epoch=epoch, splits={"val": {"loss": epoch}})
    print(epoch, flush=True)
"""


def test_killed_writers_and_owners_lose_nothing_acknowledged(tmp_path: Path, process: Callable[..., Process]):
    rng = random.Random(7)
    acknowledged: dict[str, int] = {}
    writers = {name: process(WRITER, tmp_path, name, 100_000) for name in ("a", "b", "c")}
    for _ in range(4):
        owner = process(OWNER, tmp_path, "app")
        owner.line()
        time.sleep(rng.uniform(0.0, 0.4))
        owner.end(signal.SIGKILL)
    for name, writer in writers.items():
        writer.popen.kill()
        out, _ = writer.popen.communicate()
        whole = [line for line in out.split("\n")[:-1] if line]
        acknowledged[name] = int(whole[-1])
    last = StoreOwner(tmp_path)
    last.start()
    wait_for(lambda: last.idle_seconds > 0.5)
    for name, number in acknowledged.items():
        assert number > 0
        found = epochs(last, f"s-1.{name}")
        assert found[: number + 1] == list(range(number + 1))
        assert len(found) <= number + 2  # at most one more that was written but not yet acknowledged
    files = len(journal_files(tmp_path))
    rows = last.cursor().execute("SELECT count(*), sum(damaged) FROM journal").fetchall()
    assert rows == [(files, 0)]
    last.close()


FULL = """
import resource, sys, time
from pathlib import Path
import store.owner
from store import queries
store.owner.RETRY_SECONDS = 0.2
store.owner.CATCH_UP_SECONDS = 0.0
home, limit, wanted = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
owner = store.owner.StoreOwner(home)
owner.start()
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
print("limited", flush=True)
until = time.monotonic() + 30
while owner.error is None and time.monotonic() < until:
    time.sleep(0.01)
print(owner.error, flush=True)
print(len(queries.searches(owner.cursor())) > 0, flush=True)  # pages go on reading
time.sleep(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
count = "SELECT count(*) FROM epoch_split WHERE search_id = 's-1'"
def done():
    try:
        found = owner.cursor().execute(count).fetchall()[0][0]
    except Exception:
        return False
    return owner.state == "owner" and owner.error is None and found == wanted
while not done() and time.monotonic() < until:
    time.sleep(0.05)
print(owner.state, owner.error, owner.cursor().execute(count).fetchall()[0][0], flush=True)
owner.close()
"""


def test_a_full_disk_is_said_and_survived(tmp_path: Path, process: Callable[..., Process]):
    full = process(FULL, tmp_path, 100_000, 300)
    assert full.line() == "limited"
    journal = journal_folder(tmp_path, "s-1") / "x-1-0123456789ab.jsonl"
    journal.parent.mkdir(parents=True)
    at = "2026-01-01T00:00:00+00:00"
    records = [
        {"kind": "epoch", "at": at, "trial_id": f"s-1.{os.urandom(300).hex()}", "search_id": "s-1", "epoch": epoch,
         "splits": {"val": {"loss": 0.5}}}
        for epoch in range(300)
    ]  # fmt: skip
    journal.write_bytes(b"".join(map(encode, records)))
    assert full.line().startswith("The store takes nothing new at the moment: ")
    assert full.line() == "True"
    assert full.line() == "owner None 300"
    assert full.popen.wait(timeout=30) == 0


def test_a_fault_in_the_thread_is_said_and_tried_again(
    tmp_path: Path, started: Callable[..., StoreOwner], monkeypatch: pytest.MonkeyPatch
):
    owner = started(tmp_path)
    assert owner._ingestor is not None
    step = owner._ingestor.step
    broken = [True]

    def faulty(**how: bool) -> int:
        if broken[0]:
            raise RuntimeError("something unforeseen\nwith details")
        return step(**how)

    monkeypatch.setattr(owner._ingestor, "step", faulty)
    wait_for(lambda: owner.error)
    assert owner.error == "The store takes nothing new at the moment: something unforeseen"
    say_epoch(JournalWriter(journal_folder(tmp_path, "s-1"), "x"), 1)
    assert epochs(owner) == []
    broken[0] = False
    wait_for(lambda: owner.error is None and epochs(owner) == [1])
    assert owner.state == "owner"


def test_what_was_applied_before_a_fault_makes_the_store_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A batch is halved at a row that the database refuses; the disk is full between the halves."""
    owner = StoreOwner(tmp_path)
    owner._open_file()
    while owner._look():
        pass
    say_epoch(JournalWriter(journal_folder(tmp_path, "A"), "x"), 0)
    statements.save_reading(tmp_path, a_reading(), file_name="a.png", through="api")
    commit, calls = Ingestor._commit, iter(range(100))

    def faulty(self: Ingestor, batch: Batch) -> None:
        match next(calls):
            case 0:
                raise ValueError("a row that the database refuses")
            case 2:
                raise duckdb.IOException("the disk is full")
        commit(self, batch)

    monkeypatch.setattr(Ingestor, "_commit", faulty)
    before = owner.version, owner.research_version
    assert owner._look(everything=True) is None
    assert epochs(owner) == [0]
    assert (owner.version, owner.research_version) == (before[0] + 1, before[1] + 1)
    owner._ingest_at = 0.0
    assert owner._look(everything=True) == 1
    assert (owner.version, owner.research_version) == (before[0] + 2, before[1] + 1)
    owner.close()


def test_a_file_that_became_unusable_is_left_for_memory_and_opened_again(
    tmp_path: Path, started: Callable[..., StoreOwner], monkeypatch: pytest.MonkeyPatch
):
    search_id = write_search(tmp_path, trials=1, epochs=2, final=False)
    owner = started(tmp_path)
    opened = owner_module.open_file
    allowed = [False]

    def hesitant(path: Path, **options: Any) -> Any:
        if not allowed[0]:
            raise StoreError("Cannot open the store.")
        return opened(path, **options)

    monkeypatch.setattr(owner_module, "open_file", hesitant)
    assert owner._connection is not None
    owner._ingestor._connection.close()  # type: ignore[union-attr]
    monkeypatch.setattr(owner, "_usable", lambda: False)
    say_epoch(JournalWriter(journal_folder(tmp_path, "s-1"), "x"), 1)
    wait_for(lambda: owner.state == "memory" and owner.error)
    wait_for(lambda: "Cannot open the store" in (owner.error or ""))
    wait_for(lambda: epochs(owner) == [1])  # from memory
    assert len(queries.trials(owner.cursor(), search_id)) == 1
    allowed[0] = True
    wait_for(lambda: owner.state == "owner" and owner.error is None)
    assert epochs(owner) == [1]
