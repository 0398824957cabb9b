"""One owner of the file at a time; nobody's pages are empty; nothing acknowledged is lost, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core import statements
from store import owner as owner_module
from store import queries
from store.database import SCHEMA_VERSION, open_file, store_file
from store.errors import StoreBusy, StoreError
from store.ingest import Ingestor
from store.journal import JournalWriter, journal_folder
from store.owner import StoreOwner, shared
from tests.store.factory import write_search
from tests.store.factory_readings import a_reading
from tests.store.processes import HOLDER, OWNER, Process, epochs, say_epoch
from tests.store.tools import wait_for

INGEST = """
import sys
from pathlib import Path
from store.serve import run_ingest
print("starting", flush=True)
sys.exit(run_ingest(Path(sys.argv[1]), idle_exit_s=float(sys.argv[2])))
"""


# --- the usual ------------------------------------------------------------------------------------------------------


def test_who_waits_for_the_store_finds_the_own_record_also_in_a_stream_of_others(
    tmp_path: Path, started: Callable[..., StoreOwner]
):
    owner, over, save = started(tmp_path), threading.Event(), partial(statements.save_reading, tmp_path, a_reading())

    def stream() -> None:
        while not over.wait(0.005):
            save(file_name="a.png", through="api")

    others = [threading.Thread(target=stream) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        for _ in range(40):
            reading_id = save(file_name="mine.png", through="page")
            assert owner.catch_up(30)
            assert len(queries.reading(owner.cursor(), reading_id)) == 1
    finally:
        over.set()
        for thread in others:
            thread.join()
    assert owner.catch_up(30)
    assert owner.version < queries.reading_count(owner.cursor())["readings"].iloc[0]  # several a transaction


def test_readings_do_not_make_searches_and_data_new(tmp_path: Path, started: Callable[..., StoreOwner]):
    owner = started(tmp_path)
    journal = JournalWriter(journal_folder(tmp_path, "s-1"), "x")

    def grown(say: Callable[[], object]) -> tuple[bool, bool]:
        before = owner.version, owner.research_version
        say()
        wait_for(lambda: owner.version > before[0])
        assert owner.catch_up(10)  # the version is counted first
        return owner.version > before[0], owner.research_version > before[1]

    assert grown(lambda: say_epoch(journal, 0)) == (True, True)
    save = partial(statements.save_reading, tmp_path, a_reading(), file_name="a.png", through="api")
    assert grown(save) == (True, False)
    reading_id = queries.readings(owner.cursor())["reading_id"].iloc[0]
    assert grown(lambda: statements.save_review(tmp_path, reading_id, "refer")) == (True, False)
    assert grown(lambda: say_epoch(journal, 1)) == (True, True)
    with next(journal_folder(tmp_path, "s-1").iterdir()).open("ab") as file:
        assert grown(lambda: (file.write(b"{}\n"), file.flush())) == (True, True)  # damage is news of a search


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


def test_who_has_written_can_wait_until_the_store_has_it(
    tmp_path: Path, started: Callable[..., StoreOwner], monkeypatch: pytest.MonkeyPatch
):
    journal = JournalWriter(journal_folder(tmp_path, "s-1"), "x")
    say_epoch(journal, 0)
    owner = started(tmp_path)
    # However long it looks neither at files that have been quiet, nor at all:
    monkeypatch.setattr("store.tail.HOT_SECONDS", -1.0)
    monkeypatch.setattr("store.tail.SWEEP_SECONDS", 3600.0)
    monkeypatch.setattr(owner_module, "ACTIVE_SECONDS", 3600.0)
    for epoch in range(1, 20):
        say_epoch(journal, epoch)
        assert owner.catch_up(20)
        assert epochs(owner) == list(range(epoch + 1))
    owner.close()
    assert not owner.catch_up(20)


def test_nobody_waits_for_what_cannot_be_taken(
    tmp_path: Path, started: Callable[..., StoreOwner], monkeypatch: pytest.MonkeyPatch
):
    owner = started(tmp_path)

    def refuse(*_: Any, **__: Any) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(Ingestor, "step", refuse)
    assert not owner.catch_up(0.1)
    assert "no space left" in str(owner.error)
    monkeypatch.undo()
    assert owner.catch_up(20)
    assert owner.error is None


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
    tmp_path: Path, started: Callable[..., StoreOwner], process: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
):
    first = process(OWNER, tmp_path, "app")
    assert first.line() == "owner"
    monkeypatch.setattr(owner_module, "STEP_ASIDE_SECONDS", 3600.0)
    second = started(tmp_path)  # an app is not asked to step aside
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
    assert ingest.popen.wait(timeout=100) == 0
    assert not (tmp_path / "owner.request").exists()
    assert json.loads((tmp_path / "owner.json").read_text()) == {
        "pid": os.getpid(), "kind": "app", "host": os.uname().nodename,
    }  # fmt: skip
    late = process(INGEST, tmp_path, 60)
    assert late.popen.wait(timeout=100) == 1
    assert late.popen.stderr is not None
    assert late.popen.stderr.read() == f"Not needed: the store of {tmp_path} is filled by app (pid {os.getpid()}).\n"


def test_an_ingest_process_fills_the_store_and_ends(tmp_path: Path, process: Callable[..., Process]):
    search_id = write_search(tmp_path, trials=1, epochs=2, final=False)
    gone = {"pid": 2**22 + 1, "host": os.uname().nodename}
    (tmp_path / "owner.request").write_text(json.dumps(gone))  # what a killed app left behind asks for nothing
    idle = process(INGEST, tmp_path, 0.5)
    assert idle.popen.wait(timeout=100) == 0
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
        newer = rf"made by a newer version \(schema {SCHEMA_VERSION + 1}; this version knows {SCHEMA_VERSION}\): update"
        with pytest.raises(StoreError, match=newer):
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
