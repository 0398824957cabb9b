"""The store's commands: made anew, checked, exported."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from store import cli, queries
from store.database import SCHEMA_VERSION, open_file, prepare, store_file
from store.errors import StoreBusy, StoreError
from store.ingest import Ingestor
from store.journal import JournalWriter, journal_files, journal_folder
from store.maintain import check, export, rebuild
from store.owner import StoreOwner
from tests.store.factory import write_search
from tests.store.processes import HOLDER, Process
from tests.store.tools import dump, raw

NOISE = b"12345678 {}\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two searches, a deleted one, and a store that has read all of it."""
    home = tmp_path_factory.mktemp("template")
    write_search(home, trials=2, epochs=2, final=False, seed=1)
    gone = write_search(home, trials=1, epochs=1, final=False, seed=2)
    write_search(home, trials=1, epochs=2, seed=3, status="FAILED")
    JournalWriter(journal_folder(home), "delete").append("tombstone", search_id=gone)
    owner = StoreOwner(home)
    owner.start()
    owner.close()
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    return shutil.copytree(template, tmp_path / "home")


def checked(home: Path) -> tuple[int, str]:
    lines: list[str] = []
    return check(home, lines.append), "\n".join(lines)


def change(home: Path, sql: str) -> None:
    with open_file(store_file(home)) as connection:
        connection.execute(sql).fetchall()


def test_a_store_that_says_what_the_journals_say_passes(home: Path):
    code, said = checked(home)
    assert code == 0, said
    assert said.count(".jsonl: ") == len(journal_files(home))
    assert "table epoch_split: " in said
    raw(home, "s-20261124-101500-000001/late", [{"kind": "files", "bytes": 1}, b"torn"])
    code, said = checked(home)
    assert code == 0
    assert "late.jsonl: 0 records, " in said
    assert "bytes after them (unfinished, or not yet in the store)" in said


def test_every_difference_is_found(home: Path):
    changes = {
        "epoch_split": "DELETE FROM epoch_split WHERE epoch = 2",
        "trial_record": "UPDATE trial_record SET learning_rate = 0.5 WHERE position = 0",
        "image": "INSERT INTO image BY NAME (SELECT * REPLACE ('d' AS dataset_id) FROM image LIMIT 1)",
        "heartbeat": "UPDATE heartbeat SET done = 41",
        "journal": "UPDATE journal SET records = records + 1",
    }
    for sql in changes.values():
        change(home, sql)
    code, said = checked(home)
    assert code == 1
    assert {line.split()[1] for line in said.splitlines() if "DIFFERS" in line} == {f"{table}:" for table in changes}
    assert rebuild(home).startswith(f"Made {store_file(home)} anew: ")
    assert checked(home)[0] == 0


def test_damaged_lost_and_shortened_journals_are_found(home: Path):
    _, first, second, *_ = journal_files(home)
    whole = first.read_bytes()
    first.write_bytes(whole[:50] + b"#" + whole[51:])
    code, said = checked(home)
    assert code == 1
    assert "1 DAMAGED lines (byte 0: its checksum does not confirm it)" in said
    first.write_bytes(whole[: len(whole) // 2])
    code, said = checked(home)
    assert code == 1
    assert "SHORTER" in said
    first.write_bytes(whole)
    assert checked(home)[0] == 0
    second.unlink()
    code, said = checked(home)
    assert code == 1
    assert f"{second.parent.name}/{second.name}: GONE" in said


def test_what_cannot_be_compared_is_said(home: Path, process: Callable[..., Process]):
    change(home, "UPDATE meta SET value = '0'")
    assert checked(home)[0] == 2
    change(home, "UPDATE meta SET value = '1'")
    holder = process(HOLDER, store_file(home))
    assert holder.line() == "open"
    code, said = checked(home)
    assert code == 2
    assert f"held by another process (pid {holder.popen.pid})" in said
    holder.end()
    store_file(home).unlink()
    code, said = checked(home)
    assert code == 2
    assert "there is none yet" in said
    raw(home, "_home/x", [NOISE])
    assert checked(home)[0] == 1


def test_rebuild_gives_the_same_store(home: Path):
    with open_file(store_file(home)) as connection:
        before = dump(connection)
    rebuild(home)
    with open_file(store_file(home)) as connection:
        assert dump(connection) == before
    store_file(home).unlink()
    rebuild(home)
    with open_file(store_file(home)) as connection:
        assert dump(connection) == before
    assert [path.name for path in home.iterdir() if "duckdb" in path.name] == ["store.duckdb"]


def test_rebuild_replaces_a_store_that_cannot_be_opened(home: Path):
    store_file(home).write_bytes(b"broken" * 5000)
    store_file(home).with_name("store.duckdb.wal").write_bytes(b"broken too")
    rebuild(home)
    assert checked(home)[0] == 0


def test_rebuild_is_refused_while_somebody_has_the_store(home: Path, process: Callable[..., Process]):
    holder = process(HOLDER, store_file(home))
    assert holder.line() == "open"
    with pytest.raises(StoreBusy, match="stop that process"):
        rebuild(home)
    holder.end()
    change(home, f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}'")
    with pytest.raises(StoreError, match="made by a newer version"):
        rebuild(home)
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_export_needs_no_lock(home: Path, tmp_path: Path, process: Callable[..., Process]):
    assert process(HOLDER, store_file(home)).line() == "open"
    assert export(home, tmp_path / "out" / "copy.duckdb").startswith(f"Wrote {tmp_path}/out/copy.duckdb: ")
    with duckdb.connect(str(tmp_path / "out" / "copy.duckdb"), read_only=True) as connection:
        assert len(queries.searches(connection)) == 3
    export(home, tmp_path / "o'ut")
    names = sorted(path.name for path in (tmp_path / "o'ut").iterdir())
    assert "prediction.parquet" in names
    with duckdb.connect() as connection:
        trials = connection.read_parquet(str(tmp_path / "o'ut" / "trial.parquet"))
        assert trials.count("*").fetchall() == [(3 + 14,)]
    with pytest.raises(StoreError, match="exists: name a new file"):
        export(home, tmp_path / "o'ut")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "o'ut", "out"]


def test_the_command_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, default=None)
    cli.add_store_commands(parser.add_subparsers(dest="store_command", required=True))

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.run(parser.parse_args(words))
        out = capsys.readouterr()
        return code, out.out, out.err

    before = ("--home", str(home))
    assert run(*before, "check")[0] == 0
    assert run("check", *before)[0] == 0  # the option may stand on either side
    assert run(*before, "rebuild")[1].startswith("Made ")
    assert run(*before, "export", str(tmp_path / "x.duckdb"))[0] == 0
    code, out, errors = run(*before, "export", str(tmp_path / "x.duckdb"))
    assert (code, out) == (1, "")
    assert errors.count("\n") == 1
    raw(home, "_home/x", [NOISE])
    assert run(*before, "ingest", "--idle-exit", "0.2")[0] == 0
    assert run(*before, "check")[0] == 1


def test_a_store_of_a_deleted_search_that_still_has_its_files_passes(tmp_path: Path):
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    JournalWriter(journal_folder(tmp_path, search_id), "delete").append("tombstone", search_id=search_id)
    with open_file(store_file(tmp_path)) as connection:
        prepare(connection)
        Ingestor(connection, tmp_path).poll()
    code, said = checked(tmp_path)
    assert code == 0, said
    assert "its search is deleted" in said
