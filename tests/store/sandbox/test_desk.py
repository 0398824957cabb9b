"""What a desk leaves on the disk: nothing that nobody needs, also after kill -9."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from store.errors import StoreError
from store.owner import StoreOwner
from store.sandbox import desk as desk_module
from store.sandbox.desk import Desk, shared
from store.sandbox.folder import OwnFolder
from store.sandbox.query import Query
from tests.store.processes import Process
from tests.store.sandbox.conftest import ENDLESS, Ask

APP = """
import sys, time
from pathlib import Path
from store.sandbox.desk import shared
query = shared(Path(sys.argv[1])).start(sys.argv[2])
while query.stage != "running":
    time.sleep(0.02)
print(query._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process() -> Callable[..., Process]:
    return Process


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # not every container's first process reaps
    except psutil.NoSuchProcess:
        return True


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def folders(home: Path) -> list[Path]:
    return [path for path in (home / "query").iterdir() if path.is_dir()]


def test_kill_9_of_the_app_ends_its_queries_and_the_next_start_tidies_up(tmp_path: Path, process: type[Process]):
    app = process(APP, tmp_path, ENDLESS)
    pid = int(app.line())
    (left,) = folders(tmp_path)
    assert (left / "snapshot-1.duckdb").exists()
    second = OwnFolder(tmp_path)  # another app of the same home leaves what is in use alone
    assert left in folders(tmp_path)
    app.end(signal.SIGKILL)
    wait_until(lambda: ended(pid))
    third = OwnFolder(tmp_path)
    assert set(folders(tmp_path)) == {second.path, third.path}
    second.remove()
    third.remove()
    assert folders(tmp_path) == []


def test_an_app_that_ends_takes_everything_along(tmp_path: Path, process: type[Process]):
    app = process(APP, tmp_path, ENDLESS)
    pid = int(app.line())
    assert app.popen.stdin is not None
    app.popen.stdin.close()
    assert app.popen.wait(30) == 0
    wait_until(lambda: ended(pid))
    assert folders(tmp_path) == []


def test_a_result_goes_with_the_last_who_holds_it(ask: Ask, results: Path):
    query: Query | None = ask("SELECT 1")
    assert len(list(results.glob("result-*"))) == 1
    query = None
    gc.collect()
    assert query is None
    assert list(results.glob("result-*")) == []


def test_only_the_latest_results_are_kept(desk: Desk, ask: Ask, results: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(desk_module, "KEPT_RESULTS", 2)
    held = [ask(f"SELECT {number} AS n") for number in range(3)]
    wait_until(lambda: len(list(results.glob("result-*"))) == 2)
    assert [query.gone for query in held] == [True, False, False]
    for read in (held[0].shown, held[0].csv, held[0].parquet):
        with pytest.raises(StoreError, match="has been removed to make room: run it again"):
            read()
    assert held[2].shown()["n"].tolist() == [2]


def test_one_desk_a_home(tmp_path: Path):
    desk = shared(tmp_path)
    assert shared(tmp_path) is desk
    desk.close()
    assert shared(tmp_path) is not desk
    shared(tmp_path).close()
    desk_module.shared_owner(tmp_path).close()


def test_a_store_that_is_closed_is_one_sentence(tmp_path: Path):
    owner = StoreOwner(tmp_path)
    owner.start()
    desk = Desk(tmp_path, lambda: owner)
    owner.close()
    query = desk.start("SELECT 1")
    assert query.wait(10)
    assert query.outcome is not None
    assert query.outcome.error == f"The store of {tmp_path} is closed."
    desk.close()
