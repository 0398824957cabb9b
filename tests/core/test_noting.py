"""Notes from the command line: what is not given stays, and what does not exist is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.__main__ import main
from core.search.commands import delete
from store import queries
from store.database import open_memory, prepare
from store.ingest import Ingestor
from store.published import SEARCH_ID as PUBLISHED
from tests.store.factory import write_search


def told(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    assert main(["note", *arguments, "--home", str(home)]) == 0
    return capsys.readouterr().out.strip()


def refused(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    assert main(["note", *arguments, "--home", str(home)]) == 1
    return capsys.readouterr().err.strip()


def test_what_is_not_given_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    trial = f"{search_id}.00-initial"
    assert told(capsys, tmp_path, search_id) == f"{search_id}: no tags\nno note"
    told(capsys, tmp_path, search_id, "--text", "Odd *loss*", "--tags", "odd", "slow")
    told(capsys, tmp_path, search_id, "--tags", "odd")
    assert told(capsys, tmp_path, search_id) == f"{search_id}: odd\nOdd *loss*"
    told(capsys, tmp_path, search_id, "--trial", "00-initial", "--text", "of the trial")
    assert told(capsys, tmp_path, search_id, "--trial", trial) == f"{trial}: no tags\nof the trial"
    told(capsys, tmp_path, search_id, "--text", "", "--tags")
    assert told(capsys, tmp_path, search_id) == f"{search_id}: no tags\nno note"

    connection = open_memory()
    prepare(connection)
    Ingestor(connection, tmp_path).poll()
    notes = queries.notes(connection, search_id).set_index("trial_id")
    assert notes.loc[trial, "note"] == "of the trial"


def test_the_published_search_takes_notes_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, tmp_path, PUBLISHED, "--trial", "00-initial", "--tags", "start")
    assert told(capsys, tmp_path, PUBLISHED, "--trial", "00-initial").startswith(f"{PUBLISHED}.00-initial: start")


def test_what_does_not_exist_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    assert refused(capsys, tmp_path, "s-none", "--text", "x") == f"There is no search s-none in {tmp_path}."
    assert refused(capsys, tmp_path, search_id, "--trial", "09-x") == f"Search {search_id} has no trial 09-x."
    delete(tmp_path, search_id)
    assert "There is no search" in refused(capsys, tmp_path, search_id, "--text", "x")
