"""The command `scope`: from a folder to printed results, again without work, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.data.sample import make_sample
from core.evaluation import scope_features
from core.evaluation.scoping import known
from core.foreground import CANCELLED
from core.search import ingest
from tests.core.evaluation.elsewhere import finished_search, sample


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ingest, "owned", lambda _home: True)  # no process that fills a store
    home = tmp_path / "home"
    finished_search(home, sample(home, "own", per_class=12))
    make_sample(tmp_path / "far", per_class=4, size=40, seed=9)
    for name in ("basophil", "erythroblast", "monocyte"):
        shutil.rmtree(tmp_path / "far" / name)
    (tmp_path / "far" / "myeloblast").rename(tmp_path / "far" / "promyelocyte")
    (tmp_path / "far" / "seg_neutrophil").rename(tmp_path / "far" / "band_neutrophil")
    return home


def test_a_folder_is_read_judged_and_printed(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["scope", "--search", "s-1", "--out-of-scope", str(tmp_path / "far"), "--home", str(home)]
    assert main([*command, "--alpha", "0.2"]) == 0
    printed = capsys.readouterr().out
    found = known(home, "s-1.final-1")  # the search's model
    assert found is not None
    least = 1 / (found.scope.n + 1)
    assert f"With {found.scope.n} calibration images the least p-value is {least:.4f}; at a level below" in printed
    (outside_id,) = found.results
    assert f"8 images out of scope: far ({outside_id}), used for nothing else" in printed
    for label in (
        "Mahalanobis distance: AUROC ",
        "Energy: AUROC ",
        "  flagged at p <= 0.2: ",
        "  false alarms on test",
    ):
        assert label in printed
    assert printed.count("    band_neutrophil  ") == printed.count("    promyelocyte     ") == 2
    assert "An image that is not flagged may still show none of the classes" in printed
    assert "fitted and judged by 1 set out of scope" in printed
    assert main(["scope", "--trial", "s-1.final-1", "--out-of-scope", outside_id, "--home", str(home)]) == 0
    printed = capsys.readouterr().out
    assert "Nothing was left to do" in printed
    assert ("at the level 0.05 nothing can ever be flagged" in printed) == (least > 0.05)


REFUSED = [
    (["--trial", "s-1.final-1", "--alpha", "0"], "The level of an alarm is 0; it must lie between 0 and 1"),
    (["--trial", "s-1.x"], "Search s-1 has no trial x"),
    (["--search", "s-9"], "There is no search s-9"),
    (["--search", "s-1", "--out-of-scope", "d-9"], "There is no data set d-9"),
    (["--search", "s-1", "--out-of-scope", "OWN"], "has classes that the model knows"),
    (["--search", "s-1", "--out-of-scope", "/nowhere"], "/nowhere"),
]


def test_what_cannot_be_done_is_one_sentence(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for options, sentence in REFUSED:
        given = [str(tmp_path / "own") if option == "OWN" else option for option in options]
        assert main(["scope", *given, "--home", str(home)]) == 1
        assert sentence in capsys.readouterr().err.strip().splitlines()[-1]


def test_an_interrupted_command_says_that_it_can_go_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(*_arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(scope_features, "write_durably", interrupt)
    assert main(["scope", "--search", "s-1", "--home", str(home)]) == CANCELLED
    assert "What was done is kept; run it again to go on." in capsys.readouterr().err
