"""A deleted search's files go, and nothing else does."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from store import queries
from store.database import store_file
from store.journal import JournalWriter, journal_files, journal_folder
from store.owner import StoreOwner
from store.removal import remove_files
from tests.store.factory import write_search
from tests.store.tools import wait_for


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
