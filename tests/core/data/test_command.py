"""`python -m core data`: what it says and imports, how it ends, and what of it pages can follow."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.data.command import KIND, add_arguments, subject, to_arguments
from core.data.dataset import ScanCancelled
from core.data.sample import make_sample
from core.foreground import CANCELLED
from core.jobs import JobError, cancel, running
from store import queries
from store.ingest import Ingestor
from tests.store.tools import empty_store


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("data") / "cells", per_class=6, size=32, seed=2)


@pytest.fixture(autouse=True)
def no_audit(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The audit that follows an import is another process; here only that it was asked for."""
    asked: list[str] = []
    monkeypatch.setattr("core.data.command.start_in_background", lambda home, dataset_id: asked.append(dataset_id))
    return asked


def cursor(home: Path) -> Any:
    connection = empty_store()
    Ingestor(connection, home).poll()
    return connection.cursor()


def job(home: Path) -> dict[Any, Any]:
    (row,) = queries.jobs(cursor(home), None, KIND).to_dict("records")
    return row


def test_import_tells_what_it_took_and_leaves_a_finished_job(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str], no_audit: list[str]
):
    assert main(["data", str(cells), "--import", "--home", str(tmp_path)]) == 0
    said = capsys.readouterr()
    row = job(tmp_path)
    assert (row["subject"], row["status"]) == (str(cells), "COMPLETE")
    assert row["message"] == "cells is imported: 30 images of 5 classes."
    assert f"({row['result']}): SYNTHETIC cells, 30 usable images, split made with seed 0" in said.out
    assert f"/data?dataset={row['result']}" in said.out
    assert "read images: 30 images" in said.err
    found = queries.datasets(cursor(tmp_path)).set_index("dataset_id").loc[row["result"]]
    assert (found["images"], found["bad"], found["searches"], len(found["classes"])) == (30, 0, 0, 5)
    assert no_audit == [row["result"]]


def test_without_import_nothing_is_kept(tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", str(cells), "--seed", "3", "--home", str(tmp_path)]) == 0
    assert "split made with seed 3" in capsys.readouterr().out
    assert not (tmp_path / "journals").exists()


def test_shares_and_held_out_decide_the_split(tmp_path: Path, cells: Path):
    shares = ["--calibration", "0", "--validation", "0.5", "--test", "0"]
    assert main(["data", str(cells), "--import", "--home", str(tmp_path / "a"), *shares]) == 0
    counts = queries.image_groups(cursor(tmp_path / "a"), job(tmp_path / "a")["result"])
    assert counts.groupby("split")["images"].sum().to_dict() == {"train": 15, "val": 15}
    assert main(["data", str(cells), "--import", "--held-out", "--home", str(tmp_path / "b")]) == 0
    counts = queries.image_groups(cursor(tmp_path / "b"), job(tmp_path / "b")["result"])
    assert counts.groupby("split")["images"].sum().to_dict() == {"test": 30}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say what to read"),
        (["{cells}", "--bloodmnist", "there"], "Say what to read"),
        (["/nowhere/at/all", "--import"], "There is nothing at /nowhere/at/all"),
        (["{cells}", "--import", "--test", "0.9"], "must not be negative and must sum to 1"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(
    tmp_path: Path, cells: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["data", *(text.format(cells=cells) for text in arguments), "--home", str(tmp_path)]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in said
    if "--import" in arguments:
        assert (job(tmp_path)["status"], job(tmp_path)["message"]) == ("FAILED", said)


def test_cancelled_by_a_person_elsewhere_and_by_ctrl_c(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def cancelled(home: Path, source: Path, **options: Any) -> None:
        cancel(home, KIND, str(source))
        assert options["cancelled"]()
        raise ScanCancelled("Reading the data was cancelled.")

    monkeypatch.setattr("core.data.importing.import_data", cancelled)
    assert main(["data", str(cells), "--import", "--home", str(tmp_path)]) == CANCELLED
    assert job(tmp_path)["status"] == "STOPPED"

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.data.importing.import_data", interrupted)
    assert main(["data", str(cells), "--import", "--home", str(tmp_path / "b")]) == CANCELLED
    assert job(tmp_path / "b")["status"] == "STOPPED"
    assert capsys.readouterr().err.endswith("Cancelled; nothing was kept of it.\n")


def test_one_import_of_a_source_at_a_time(tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str]):
    with running(tmp_path, KIND, subject(cells)):
        assert main(["data", f"{cells}/", "--import", "--home", str(tmp_path)]) == 1
    assert "does this already" in capsys.readouterr().err
    assert JobError.__mro__[1] is ValueError  # what main shows as one sentence


@pytest.mark.parametrize("source", [Path("/data/my cells"), 64])
def test_the_command_line_of_a_page_says_what_it_asked_for(source: Path | int):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    fractions = {"train": 0.5, "calibration": 0.0, "val": 0.25, "test": 0.25}
    found = parser.parse_args(to_arguments(source, Path("/home/downloads"), seed=7, fractions=fractions)[1:])
    assert found.keep
    assert subject(found.source or found.size) == subject(source)
    assert (found.seed, found.calibration, found.val, found.test, found.held_out) == (7, 0.0, 0.25, 0.25, False)
    assert found.bloodmnist == (Path("/home/downloads") if source == 64 else None)
    assert parser.parse_args(to_arguments(source, Path("d"), held_out=True)[1:]).held_out


def test_a_zip_is_imported_too(tmp_path: Path, cells: Path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", cells)
    assert main(["data", archive, "--import", "--home", str(tmp_path / "home")]) == 0
    assert job(tmp_path / "home")["message"] == "packed is imported: 30 images of 5 classes."
