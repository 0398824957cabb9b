"""A desk on a small store, shared by the tests of a module; each query is a process, which takes half a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.owner import StoreOwner
from store.sandbox.desk import Desk
from store.sandbox.limits import Limits
from store.sandbox.query import Query
from tests.store.factory import write_search

LIMITS = Limits(seconds=20, memory_mb=100, shown_rows=1_000, shown_mb=1, kept_rows=300_000, kept_mb=20)
ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)"

Ask = Callable[..., Query]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreOwner]:
    home = tmp_path_factory.mktemp("home")
    write_search(home, epochs=2, trials=4)
    owner = StoreOwner(home)
    owner.start()
    yield owner
    owner.close()


@pytest.fixture(scope="module")
def desk(owner: StoreOwner) -> Iterator[Desk]:
    desk = Desk(owner.home, lambda: owner, limits=LIMITS)
    yield desk
    desk.close()


@pytest.fixture
def ask(desk: Desk) -> Ask:
    """`ask(sql)` runs a query to its end."""

    def run(sql: str, **options: bool) -> Query:
        query = desk.start(sql, **options)
        assert query.wait(60), f"{sql} does not end"
        return query

    return run


@pytest.fixture(scope="module")
def results(desk: Desk) -> Path:
    return desk.snapshots._folder
