"""The command `external`: from a folder to printed results, again without work, and when a search finishes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.__main__ import main
from core.data.dataset import Dataset
from core.data.external import registered
from core.data.sample import make_sample
from core.evaluation.external import recorded
from core.search import ingest, terminal
from core.search.settings import preset
from core.search.state import SearchState
from tests.core.evaluation.elsewhere import finished_search, sample


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ingest, "owned", lambda _home: True)  # no process that fills a store
    return tmp_path / "home"


@pytest.fixture
def own(home: Path) -> Dataset:
    return sample(home, "own")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_sample(tmp_path / "far", per_class=2, size=40, seed=9)
    rows = [f"{path.relative_to(tmp_path / 'far')},site {at % 2}" for at, path in enumerate(images(tmp_path / "far"))]
    (tmp_path / "far" / "manifest.csv").write_text("\n".join(["file,source", *rows]))
    return tmp_path / "far"


def images(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.png"))


def test_a_folder_is_registered_judged_and_printed(
    home: Path, own: Dataset, folder: Path, capsys: pytest.CaptureFixture[str]
):
    search_id = finished_search(home, own)
    command = ["external", "--of", search_id, "--data", str(folder), "--home", str(home)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "10 images in 5 classes count." in printed
    assert f"final-1 of {search_id} on far (" in printed
    assert "reported, never used to choose" in printed
    (record,) = recorded(home, search_id).values()
    assert printed.count("  site 0: accuracy ") == printed.count("  site 1: accuracy ") == 1
    assert printed.count("of 1; 95 %") == 10  # each class of each source
    assert "1 model judged by 1 set of images from elsewhere" in printed
    assert main(command) == 0
    assert "Nothing was left to do" in capsys.readouterr().out
    assert list(recorded(home, search_id).values()) == [record]
    (external_id,) = registered(home, own.dataset_id)
    assert main(["external", "--of", own.dataset_id, "--remove", external_id, "--home", str(home)]) == 0
    assert registered(home, own.dataset_id) == []
    assert len(recorded(home, search_id)) == 1


def test_a_set_is_registered_before_any_search_has_finished(
    home: Path, own: Dataset, folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["external", "--of", own.dataset_id, "--data", str(folder), "--home", str(home)]) == 0
    assert "No search on this data set has finished yet" in capsys.readouterr().out
    assert len(registered(home, own.dataset_id)) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--search", "s-1", "--data", "x"], "name it with --of"),
        (["--of", "d-1", "--trial", "final-1"], "name it with --search"),
        (["--of", "s-9"], "There is no search s-9"),
        (["--of", "d-9"], "There is no data set d-9"),
        (["--search", "s-9"], "There is no search s-9"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    home: Path, own: Dataset, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
):
    assert main(["external", *options, "--home", str(home)]) == 1
    assert sentence in capsys.readouterr().err


class Finished:
    """In place of the controller: the search has just come to its end."""

    def __init__(self, home: Path, search_id: str, *_: Any, **__: Any) -> None:
        self.state = SearchState(home, search_id)
        self.state.update()

    def run(self) -> str:
        return "COMPLETE"


def test_a_search_that_finishes_is_judged_in_the_background(
    home: Path, own: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert main(["external", "--of", own.dataset_id, "--data", str(folder), "--home", str(home)]) == 0
    search_id = finished_search(home, own)
    monkeypatch.setattr(terminal, "Controller", Finished)
    monkeypatch.setattr(terminal, "_interrupts", lambda: lambda: None)  # the signals stay those of the test run
    assert terminal.run(home, search_id, preset("own")) == 0
    assert "Its final models read 1 set of images from elsewhere now" in capsys.readouterr().out
    until = time.monotonic() + 100
    while jobs.job_pid(home, "external", search_id) is not None and time.monotonic() < until:
        time.sleep(0.1)
    assert [pair.trial_id for pair in recorded(home, search_id)] == [f"{search_id}.final-1"]
