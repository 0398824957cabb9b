"""Snapshots: the store of one moment, taken beside its ingest, bounded on the disk."""

from __future__ import annotations

import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from store import owner as owner_module
from store import queries
from store import snapshot as snapshot_module
from store.contract import TABLES, comment
from store.errors import StoreError
from store.journal import JournalWriter, journal_folder
from store.owner import StoreOwner
from store.snapshot import Snapshots, copy_store
from tests.store.factory import write_search
from tests.store.processes import HOLDER, Process, epochs, say_epoch

Start = Callable[..., StoreOwner]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "snapshots"
    path.mkdir()
    return path


@pytest.fixture
def owner(tmp_path: Path, started: Start) -> StoreOwner:
    write_search(tmp_path / "home", epochs=2, trials=4)
    return started(tmp_path / "home")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_answers_every_query_as_the_store_does(owner: StoreOwner, folder: Path):
    copy_store(owner.cursor(), folder / "it's a copy.duckdb")
    assert files(folder) == ["it's a copy.duckdb"]  # and no write-ahead log
    with duckdb.connect(str(folder / "it's a copy.duckdb"), read_only=True) as copy:
        for name in ("search", "trial", "epoch", "class_report", "confusion", "prediction", "image", "journal"):
            mine, theirs = (one.execute(f"FROM {name} ORDER BY ALL").df() for one in (owner.cursor(), copy))
            assert len(mine)
            assert mine.astype(str).equals(theirs.astype(str)), name
        said = copy.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 'class_report'").fetchall()
        assert ("tp / (tp + fn); 0 where undefined",) in said
        assert copy.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'trial'").fetchall() == [
            ("Trials with their status and scores",)
        ]
    assert len(owner.cursor().execute("SHOW DATABASES").fetchall()) == 1  # the copy is let go of


def test_every_column_that_people_query_is_explained(owner: StoreOwner):
    columns = owner.cursor().execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE list_contains(?, table_name)", [list(TABLES)]
    )
    found = columns.fetchall()
    assert {table for table, _ in found} == set(TABLES)
    assert [(table, column) for table, column in found if not comment(table, column)] == []
    assert all(comment(table) for table in TABLES)
    assert comment("nothing") == comment("trial", "nothing") == ""


def test_a_store_in_memory_is_copied_too(
    tmp_path: Path, started: Start, folder: Path, process: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(owner_module, "STEP_ASIDE_SECONDS", 0.1)
    home = tmp_path / "home"
    write_search(home, epochs=2, trials=2)
    assert process(HOLDER, home / "store.duckdb").line() == "open"
    held = started(home)
    assert held.state == "memory"
    with Snapshots(folder, lambda: held).lease() as snapshot, duckdb.connect(str(snapshot.path)) as copy:
        assert len(queries.searches(copy)) == 2


def test_ingest_goes_on_while_a_copy_is_made(owner: StoreOwner, folder: Path):
    journal = JournalWriter(journal_folder(owner.home, "s-1"), "x")
    owner.cursor().execute("CREATE TABLE ballast AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(400000)")
    done: list[float] = []

    def copy() -> None:
        began = time.monotonic()
        copy_store(owner.cursor(), folder / "snapshot.duckdb")
        done.append(time.monotonic() - began)

    thread = threading.Thread(target=copy)
    thread.start()
    gaps, epoch = [], 0
    while not done:
        epoch += 1
        said = time.monotonic()
        say_epoch(journal, epoch)
        while epochs(owner)[-1:] != [epoch]:
            assert time.monotonic() - said < 10
            time.sleep(0.005)
        gaps.append(time.monotonic() - said)
    thread.join()
    assert epoch > 1, f"the copy took {done[0]:.2f} s, and nothing was taken in meanwhile"
    assert max(gaps) < max(1.0, done[0])


def test_a_snapshot_is_used_again_and_replaced(owner: StoreOwner, folder: Path, monkeypatch: pytest.MonkeyPatch):
    snapshots = Snapshots(folder, lambda: owner)
    assert snapshots.outdated()
    with snapshots.lease() as first:
        assert files(folder) == ["snapshot-1.duckdb"]
    with snapshots.lease(fresh=True) as second:  # nothing new: the same again
        assert second is first
    assert not snapshots.outdated()
    owner.version += 1
    assert snapshots.outdated()
    with snapshots.lease() as third:  # young enough
        assert third is first
        with snapshots.lease(fresh=True) as fourth:
            assert files(folder) == ["snapshot-1.duckdb", "snapshot-2.duckdb"]  # the first is still read
        assert snapshots.latest is fourth
    assert files(folder) == ["snapshot-2.duckdb"]
    monkeypatch.setattr(snapshot_module, "MIN_AGE_SECONDS", 0.0)
    monkeypatch.setattr(snapshot_module, "MAX_SHARE", 1e9)
    owner.version += 1
    with snapshots.lease():
        assert files(folder) == ["snapshot-3.duckdb"]
    (folder / "snapshot-3.duckdb").unlink()  # somebody tidied up
    with snapshots.lease() as fifth:
        assert fifth.path.exists()


def test_two_at_once_share_one_snapshot(owner: StoreOwner, folder: Path):
    snapshots, found = Snapshots(folder, lambda: owner), []

    def ask() -> None:
        with snapshots.lease() as snapshot:
            found.append(snapshot)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({snapshot.path for snapshot in found}) == 1


def test_without_room_a_sentence_and_no_file(owner: StoreOwner, folder: Path, monkeypatch: pytest.MonkeyPatch):
    snapshots = Snapshots(folder, lambda: owner)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with (
        pytest.raises(StoreError, match=r"has no room for it: 0\.0 GB are free, 0\.2 GB are needed"),
        snapshots.lease(),
    ):
        pass
    monkeypatch.undo()
    (folder / "snapshot-1.duckdb").write_bytes(b"in the way" * 1000)
    with pytest.raises(StoreError, match="No copy of the store for queries could be made"), snapshots.lease():
        pass
    assert len(queries.searches(owner.cursor())) == 2
    with snapshots.lease() as snapshot:  # the next try succeeds
        assert snapshot.path.exists()


def test_a_closed_store_is_said_so(owner: StoreOwner, folder: Path):
    owner.close()
    with pytest.raises(StoreError, match="is closed"), Snapshots(folder, lambda: owner).lease():
        pass
