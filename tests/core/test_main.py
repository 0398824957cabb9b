"""The command line says one sentence where the system refuses something, and nothing where nobody reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core import __main__
from core.__main__ import main
from core.search.launcher import REPOSITORY
from store.journal import JournalError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (JournalError("Cannot write to the journal x: No space left on device."), "Cannot write to the journal x: "),
        (OSError(28, "No space left on device", "/x/y"), "It cannot go on: /x/y: No space left on device.\n"),
        (OSError(5, "Input/output error"), "It cannot go on: Input/output error.\n"),
    ],
)
def test_a_disk_that_refuses_is_told_in_one_sentence(
    error: OSError, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refused(_: Any) -> int:
        raise error

    monkeypatch.setattr(__main__, "_run", refused)
    assert main(["recipes"]) == 1
    assert capsys.readouterr().err.startswith(sentence)


def test_a_pipe_within_the_work_is_no_reader_that_left(monkeypatch: pytest.MonkeyPatch):
    def broken(_: Any) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(__main__, "_run", broken)
    with pytest.raises(BrokenPipeError):
        main(["recipes"])


def test_who_reads_no_further_gets_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "core", "recipes"], cwd=REPOSITORY, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_folder_that_is_not_there_is_told_before_images_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["readings", "s-1.final-1", "--home", str(tmp_path), "--json", str(tmp_path / "no" / "out.json")]
    assert main(command) == 1
    assert capsys.readouterr().err == f"There is no folder {tmp_path / 'no'} to write to; make it first.\n"
