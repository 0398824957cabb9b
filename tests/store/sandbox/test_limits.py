"""Endless, greedy and crashing queries, while journals are being ingested; each ends with one clear sentence."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from store import queries
from store.journal import JournalWriter, journal_folder
from store.owner import StoreOwner
from store.sandbox.desk import Desk
from store.sandbox.limits import Limits
from tests.store.factory import write_search
from tests.store.processes import epochs, say_epoch
from tests.store.sandbox.conftest import ENDLESS, LIMITS, Ask

GREEDY = (
    "SELECT list(range) FROM range(100000000)",
    "SELECT * FROM range(20000000) ORDER BY random()",
    "SELECT count(*) FROM range(1000000000) a JOIN range(1000000000) b ON a.range < b.range",
    "SELECT repeat('x', 1000000000) AS a, repeat('y', 1000000000) AS b",
    "WITH RECURSIVE r AS (SELECT 'x' AS a UNION ALL SELECT a || a FROM r) SELECT max(len(a)) FROM r",
)


@contextlib.contextmanager
def ingesting(owner: StoreOwner) -> Iterator[list[float]]:
    """Records arrive all the while; gives how long each took to be visible, seconds."""
    journal = JournalWriter(journal_folder(owner.home, "s-1"), "x")
    delays: list[float] = []
    stop = threading.Event()

    def write() -> None:
        first = len(epochs(owner))
        for epoch in range(first + 1, first + 10_000):
            said = time.monotonic()
            say_epoch(journal, epoch)
            while epochs(owner)[-1:] != [epoch] and time.monotonic() - said < 20:
                time.sleep(0.01)
            delays.append(time.monotonic() - said)
            if stop.wait(0.02):
                return

    thread = threading.Thread(target=write)
    thread.start()
    yield delays
    wait_for(lambda: len(delays) > 3)
    stop.set()
    thread.join()
    assert max(delays) < 10, "ingest stood still"
    assert owner.error is None


@pytest.mark.parametrize("sql", GREEDY)
def test_too_much_memory(ask: Ask, owner: StoreOwner, sql: str):
    with ingesting(owner):
        outcome = ask(sql).outcome
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.startswith("The query needs more than the 100 MB of memory that it may use")


def test_an_endless_query_ends_at_its_time_limit(owner: StoreOwner):
    desk = Desk(owner.home, lambda: owner, limits=Limits(seconds=1))
    with ingesting(owner):
        began = time.monotonic()
        recursive = desk.start("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT sum(n) FROM r")
        query = desk.start(ENDLESS)
        assert query.wait(60)
        assert recursive.wait(60)
        assert time.monotonic() - began < 30
    for each in (query, recursive):
        assert each.outcome is not None
        assert str(each.outcome.error).startswith("The query was ended after 1 s, its time limit")
    desk.close()


def test_a_million_rows(ask: Ask, owner: StoreOwner):
    with ingesting(owner):
        query = ask("SELECT range AS n, 'row ' || range AS name FROM range(1000000)")
    outcome = query.outcome
    assert outcome is not None
    assert (outcome.error, outcome.rows, outcome.whole, outcome.shown_rows) == (None, 300_000, False, 1_000)
    assert len(query.shown()) == 1_000
    csv = query.csv().decode().splitlines()
    assert len(csv) == 300_001
    assert csv[:2] == ["n,name", "0,row 0"]
    assert csv[-1] == "299999,row 299999"


def test_cancelling_ends_the_process(desk: Desk):
    query = desk.start(ENDLESS)
    wait_for(lambda: query.stage == "running")
    (child,) = children()
    query.cancel()
    assert query.wait(5)
    assert query.outcome is not None
    assert query.outcome.error == "The query was cancelled."
    assert not psutil.pid_exists(child.pid)
    done = query.outcome
    query.cancel()  # a second time, and after the end
    assert query.outcome is done


def test_a_process_that_is_killed_is_said_so(desk: Desk):
    for number, said in ((signal.SIGKILL, "more than the 100 MB"), (signal.SIGSEGV, "ended by signal 11 before it")):
        query = desk.start(ENDLESS)
        wait_for(lambda query=query: query.stage == "running")
        (child,) = children()
        child.send_signal(number)
        assert query.wait(10)
        assert query.outcome is not None
        assert said in str(query.outcome.error)


def test_two_people_at_once_and_a_third_who_waits(desk: Desk, ask: Ask):
    first, second = desk.start(ENDLESS), desk.start(ENDLESS)
    wait_for(lambda: first.stage == second.stage == "running")
    third = desk.start("SELECT 1 AS one")
    assert not third.wait(1)
    assert third.stage == "waiting"
    fourth = desk.start("SELECT 2")
    fourth.cancel()
    assert fourth.wait(5), "who waits can be cancelled too"
    first.cancel()
    assert third.wait(20)
    assert third.outcome is not None
    assert third.outcome.rows == 1
    assert second.stage == "running"
    second.cancel()
    assert second.wait(5)
    assert first.outcome == second.outcome == fourth.outcome


def test_what_a_query_reads_is_the_store_of_then(desk: Desk, ask: Ask, owner: StoreOwner):
    before = ask("SELECT count(*) AS n FROM search", fresh=True)
    write_search(owner.home, seed=5, trials=1, epochs=1, final=False)
    deadline = time.monotonic() + 20
    while len(queries.searches(owner.cursor())) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    again = ask("SELECT count(*) AS n FROM search")  # the snapshot is young enough
    assert desk.snapshots.outdated()
    after = ask("SELECT count(*) AS n FROM search", fresh=True)
    assert [query.shown()["n"][0] for query in (before, again, after)] == [2, 2, 3]
    assert before.snapshot is again.snapshot
    assert after.snapshot is not before.snapshot


def children() -> list[psutil.Process]:
    mine = psutil.Process(os.getpid()).children()
    return [child for child in mine if "store.sandbox" in " ".join(child.cmdline())]


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_limits_are_what_the_desk_was_given(desk: Desk):
    assert desk.limits == LIMITS


def test_nothing_is_left_of_all_that(desk: Desk, results: Path):
    deadline = time.monotonic() + 10
    while len(list(results.iterdir())) > 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [path.name for path in results.iterdir() if path.name.startswith("result")] == []
    assert len(list(results.glob("snapshot-*"))) == 1
    assert children() == []
