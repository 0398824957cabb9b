"""One owner of the file at a time; nobody's pages are empty; nothing acknowledged is lost, whoever is killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from store import owner as owner_module
from store import queries
from store.database import SCHEMA_VERSION, open_file, store_file
from store.errors import StoreBusy, StoreError
from store.journal import JournalWriter, encode, journal_files, journal_folder
from store.owner import StoreOwner, shared
from store.removal import remove_files
from tests.store.factory import write_search
from tests.store.tools import wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_module, "RETRY_SECONDS", 0.2)


@pytest.fixture
def started() -> Iterator[Callable[..., StoreOwner]]:
    owners = []

    def start(home: Path, kind: str = "app") -> StoreOwner:
        owners.append(StoreOwner(home, kind))
        owners[-1].start()
        return owners[-1]

    yield start
    for owner in owners:
        owner.close()


class Process:
    """A Python process that runs `code` with the store imported; ended when the test ends."""

    def __init__(self, code: str, *arguments: Any) -> None:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        self.popen = subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE
        )  # fmt: skip

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def end(self, number: int = signal.SIGKILL) -> tuple[int, str]:
        self.popen.send_signal(number)
        _, errors = self.popen.communicate(timeout=30)
        return self.popen.returncode, errors


@pytest.fixture
def process() -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def start(code: str, *arguments: Any) -> Process:
        running.append(Process(code, *arguments))
        return running[-1]

    yield start
    for one in running:
        if one.popen.poll() is None:
            one.end()
        for pipe in (one.popen.stdin, one.popen.stdout, one.popen.stderr):
            if pipe is not None:
                pipe.close()


HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""
OWNER = """
import sys
from pathlib import Path
from store.owner import shared
owner = shared(Path(sys.argv[1]), sys.argv[2])
print(owner.state, flush=True)
sys.stdin.read()
"""
INGEST = """
import sys
from pathlib import Path
from store.serve import run_ingest
print("starting", flush=True)
sys.exit(run_ingest(Path(sys.argv[1]), idle_exit_s=float(sys.argv[2])))
"""
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


def say_epoch(journal: JournalWriter, epoch: int) -> None:
    journal.append("epoch", trial_id="s-1.x", search_id="s-1", epoch=epoch, splits={"val": {"loss": 0.5}})


def epochs(owner: StoreOwner, trial_id: str = "s-1.x") -> list[int]:
    return list(queries.epochs(owner.cursor(), [trial_id], ["val"])["epoch"])


# --- the usual ------------------------------------------------------------------------------------------------------


def test_what_is_appended_can_be_read_soon_after(tmp_path: Path, started: Callable[..., StoreOwner]):
    owner = started(tmp_path)
    assert (owner.state, owner.holder, owner.error) == ("owner", None, None)
    assert json.loads((tmp_path / "owner.json").read_text())["pid"] == os.getpid()
    journal = JournalWriter(journal_folder(tmp_path, "s-1"), "x")
    for epoch in range(3):
        version = owner.version
        say_epoch(journal, epoch)
        wait_for(lambda version=version: owner.version > version)
        assert epochs(owner) == list(range(epoch + 1))
    assert owner.last_applied_at is not None
    assert owner.idle_seconds < 10
    seen: list[Any] = []
    threads = [threading.Thread(target=lambda: seen.append(epochs(owner))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[0, 1, 2]] * 4


def test_it_starts_with_all_that_the_journals_hold(tmp_path: Path, started: Callable[..., StoreOwner]):
    search_id = write_search(tmp_path, trials=2, epochs=2, final=False)
    owner = started(tmp_path)
    assert len(queries.trials(owner.cursor(), search_id)) == 2


def test_closing_lets_go_of_the_file_even_with_cursors_about(tmp_path: Path):
    owner = StoreOwner(tmp_path)
    owner.start()
    cursor = owner.cursor()
    with pytest.raises(StoreError, match="already open in this process"):
        StoreOwner(tmp_path).start()
    owner.close()
    owner.close()
    assert owner.closed
    assert os.listdir(tmp_path) == ["store.duckdb"]  # noqa: PTH208
    with pytest.raises(duckdb.Error):
        cursor.execute("SELECT 1")
    with pytest.raises(StoreError, match="closed"):
        owner.cursor()
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).sql('SELECT count(*) FROM search').fetchall())"
    out = subprocess.run([sys.executable, "-c", code, store_file(tmp_path)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[(1,)]"


def test_a_process_shares_one_owner_a_home(tmp_path: Path):
    first = shared(tmp_path)
    assert shared(tmp_path / ".." / tmp_path.name) is first
    first.close()
    second = shared(tmp_path)
    assert second is not first
    assert second.state == "owner"
    second.close()


# --- who has it -----------------------------------------------------------------------------------------------------


def test_without_the_lock_the_journals_are_shown_from_memory(
    tmp_path: Path, started: Callable[..., StoreOwner], process: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(owner_module, "STEP_ASIDE_SECONDS", 0.3)
    search_id = write_search(tmp_path, trials=1, epochs=2, final=False)
    holder = process(HOLDER, store_file(tmp_path))
    assert holder.line() == "open"
    owner = started(tmp_path)
    assert owner.state == "memory"
    assert owner.holder is not None
    assert owner.holder.pid == holder.popen.pid
    assert str(holder.popen.pid) in str(owner.holder)
    assert len(queries.trials(owner.cursor(), search_id)) == 1
    assert len(queries.searches(owner.cursor())) == 2
    assert not (tmp_path / "owner.request").exists()
    journal = JournalWriter(journal_folder(tmp_path, "s-1"), "x")
    say_epoch(journal, 1)
    wait_for(lambda: epochs(owner) == [1])
    old_cursor = owner.cursor()
    holder.end()
    wait_for(lambda: owner.state == "owner")
    assert owner.holder is None
    assert epochs(owner) == [1]
    assert old_cursor.execute("SELECT count(*) FROM search").fetchall() == [(2,)]  # a page in the middle of its work
    say_epoch(journal, 2)
    wait_for(lambda: epochs(owner) == [1, 2])


def test_a_second_app_sees_the_first(
    tmp_path: Path, started: Callable[..., StoreOwner], process: Callable[..., Process]
):
    first = process(OWNER, tmp_path, "app")
    assert first.line() == "owner"
    began = time.monotonic()
    second = started(tmp_path)
    assert time.monotonic() - began < 4  # an app is not asked to step aside
    assert second.state == "memory"
    assert str(second.holder) == f"app (pid {first.popen.pid})"
    with pytest.raises(StoreBusy, match=r"held by app \(pid \d+\): stop that process"):
        StoreOwner(tmp_path, "ingest").start()


def test_an_ingest_process_steps_aside_for_an_app(
    tmp_path: Path, started: Callable[..., StoreOwner], process: Callable[..., Process]
):
    ingest = process(INGEST, tmp_path, 60)
    wait_for(lambda: (tmp_path / "owner.json").exists())
    owner = started(tmp_path)
    assert owner.state == "owner"
    assert ingest.popen.wait(timeout=20) == 0
    assert not (tmp_path / "owner.request").exists()
    assert json.loads((tmp_path / "owner.json").read_text()) == {
        "pid": os.getpid(), "kind": "app", "host": os.uname().nodename,
    }  # fmt: skip
    late = process(INGEST, tmp_path, 60)
    assert late.popen.wait(timeout=30) == 1
    assert late.popen.stderr is not None
    assert late.popen.stderr.read() == f"Not needed: the store of {tmp_path} is filled by app (pid {os.getpid()}).\n"


def test_an_ingest_process_fills_the_store_and_ends(tmp_path: Path, process: Callable[..., Process]):
    search_id = write_search(tmp_path, trials=1, epochs=2, final=False)
    gone = {"pid": 2**22 + 1, "host": os.uname().nodename}
    (tmp_path / "owner.request").write_text(json.dumps(gone))  # what a killed app left behind asks for nothing
    idle = process(INGEST, tmp_path, 0.5)
    assert idle.popen.wait(timeout=30) == 0
    with open_file(store_file(tmp_path), read_only=True) as connection:
        assert len(queries.trials(connection, search_id)) == 1
    busy = process(INGEST, tmp_path, 60)
    wait_for(lambda: (tmp_path / "owner.json").exists())
    code, errors = busy.end(signal.SIGTERM)
    assert (code, errors) == (0, "")
    assert not (tmp_path / "owner.json").exists()


# --- versions -------------------------------------------------------------------------------------------------------


def set_version(home: Path, version: int) -> None:
    with open_file(store_file(home)) as connection:
        connection.execute("UPDATE meta SET value = ?", [str(version)]).fetchall()


def test_a_newer_store_is_refused_in_one_sentence(tmp_path: Path, started: Callable[..., StoreOwner]):
    started(tmp_path).close()
    set_version(tmp_path, SCHEMA_VERSION + 1)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"made by a newer version \(schema 2; this version knows 1\): update"):
            started(tmp_path)
    set_version(tmp_path, SCHEMA_VERSION)  # it was let go of
    assert started(tmp_path).state == "owner"


def test_an_older_store_is_made_anew_from_the_journals(tmp_path: Path, started: Callable[..., StoreOwner]):
    search_id = write_search(tmp_path, trials=1, epochs=2, final=False)
    started(tmp_path).close()
    with open_file(store_file(tmp_path)) as connection:
        connection.execute("DROP VIEW trial CASCADE").fetchall()
        connection.execute("CREATE TABLE of_old AS SELECT 1 AS x").fetchall()
        connection.execute("DELETE FROM trial_record").fetchall()
    set_version(tmp_path, 0)
    owner = started(tmp_path)
    assert len(queries.trials(owner.cursor(), search_id)) == 1
    tables = owner.cursor().execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert ("of_old",) not in tables


def test_other_files_are_refused(tmp_path: Path, started: Callable[..., StoreOwner]):
    with duckdb.connect(str(store_file(tmp_path))) as connection:
        connection.execute("CREATE TABLE meta (x INTEGER)")
    with pytest.raises(StoreError, match="is a DuckDB file but no CellAscent store"):
        started(tmp_path)
    store_file(tmp_path).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="python -m core store rebuild"):
        started(tmp_path)


# --- killed, full, broken -------------------------------------------------------------------------------------------


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

    def faulty() -> int:
        if broken[0]:
            raise RuntimeError("something unforeseen\nwith details")
        return step()

    monkeypatch.setattr(owner._ingestor, "step", faulty)
    wait_for(lambda: owner.error)
    assert owner.error == "The store takes nothing new at the moment: something unforeseen"
    say_epoch(JournalWriter(journal_folder(tmp_path, "s-1"), "x"), 1)
    assert epochs(owner) == []
    broken[0] = False
    wait_for(lambda: owner.error is None and epochs(owner) == [1])
    assert owner.state == "owner"


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


# --- deleted searches -----------------------------------------------------------------------------------------------


def test_the_files_of_a_deleted_search_go_when_nothing_runs_it(tmp_path: Path, started: Callable[..., StoreOwner]):
    kept = write_search(tmp_path, trials=1, epochs=2, final=False, seed=1)
    gone = write_search(tmp_path, trials=1, epochs=2, final=False, seed=2)
    for search_id in (kept, gone):
        for folder in (f"trials/{search_id}.00-initial", f"searches/{search_id}", f"logs/{search_id}"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "lock").touch()
    owner = started(tmp_path)
    dataset_id = queries.search(owner.cursor(), gone)["dataset_id"][0]
    lock = (tmp_path / "trials" / f"{gone}.00-initial" / "lock").open()
    fcntl.flock(lock, fcntl.LOCK_EX)
    JournalWriter(journal_folder(tmp_path), "delete").append("tombstone", search_id=gone)
    wait_for(lambda: queries.search(owner.cursor(), gone).empty)
    time.sleep(0.3)
    assert (tmp_path / "searches" / gone).exists()
    lock.close()
    wait_for(lambda: not journal_folder(tmp_path, gone).exists())
    left = [path.name for part in ("trials", "searches", "logs", "journals") for path in (tmp_path / part).iterdir()]
    assert sorted(left) == ["_home", kept, kept, kept, f"{kept}.00-initial"]
    assert list(queries.searches(owner.cursor())["search_id"])[:1] == [kept]
    before = queries.images(owner.cursor(), dataset_id)
    assert len(before) == 361
    wait_for(lambda: owner.idle_seconds > 0.3)
    owner.close()
    store_file(tmp_path).unlink()
    again = started(tmp_path)
    assert queries.search(again.cursor(), gone).empty
    assert queries.images(again.cursor(), dataset_id).equals(before)  # what other searches may use outlives it


@pytest.mark.parametrize("search_id", ["..", "../x", "", ".", "_home", "a/b", "*", "s-1.x"])
def test_an_id_that_is_no_plain_name_removes_nothing(tmp_path: Path, search_id: str):
    for folder in ("journals/_home", "trials/s-1.x", "searches/s-1", "logs/s-1", "x"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "f").touch()
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(ValueError):
        remove_files(tmp_path, search_id)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_deletion_told_in_the_searchs_own_journal_survives_its_files(
    tmp_path: Path, started: Callable[..., StoreOwner]
):
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    JournalWriter(journal_folder(tmp_path, search_id), "delete").append("tombstone", search_id=search_id)
    started(tmp_path)
    wait_for(lambda: not journal_folder(tmp_path, search_id).exists())
    kept = [path.read_bytes() for path in journal_files(tmp_path)]
    assert sum(b'"tombstone"' in data for data in kept) == 1
    assert not any(b'"trial"' in data for data in kept)
