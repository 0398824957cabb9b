"""`python -m core audit`: what it prints, what it exits with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core import jobs
from core.__main__ import main
from core.evaluation import audit_command
from core.evaluation.auditing import is_audited
from core.paths import dataset_file
from tests.core.evaluation.shortcuts import make_set


def test_it_prints_baselines_sources_and_what_cannot_be_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Class and source are one here, as in the study's classes."""
    root = make_set(tmp_path / "cells", each=12)
    rows = (root / "manifest.csv").read_text().splitlines()
    (root / "manifest.csv").write_text(
        "\n".join([rows[0], *(row.split(",")[0] + "," + row.split("/")[0].upper() for row in rows[1:])])
    )
    arguments = ["audit", "--data", str(root), "--home", str(tmp_path / "home")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "48 images, 2 classes, 2 known sources" in said
    for feature in ("histogram", "corners", "border", "file", "thumbnail"):
        assert re.search(rf"^{feature} +[01]\.\d{{3}} \([01]\.\d{{3}} to [01]\.\d{{3}}\) +[01]\.\d{{3}} \(", said, re.M)
    assert re.search(r"^LEFT +manifest +24 +0 +24$", said, re.M)
    assert "Class and source are fully confounded" in said
    assert "How well right is recognised elsewhere cannot be known from these data." in said
    assert "no split here is known to be patient-disjoint" in said
    assert "chance 0.500" in said
    dataset_id = said[said.index("(d-") + 1 : said.index("):")]
    assert is_audited(tmp_path / "home", dataset_id)
    assert main(["audit", "--dataset", dataset_id, "--home", str(tmp_path / "home")]) == 0
    assert "10 of 10 were recorded before" in capsys.readouterr().out


def test_a_guess_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And what the files say of it is not told as a finding, since it was guessed from the files."""
    root = make_set(tmp_path / "cells", each=10, manifest=False, quality={"north": 60, "south": 95}.__getitem__)
    assert main(["audit", "--data", str(root), "--home", str(tmp_path / "home")]) == 0
    said = capsys.readouterr().out
    assert "Sources are guessed from names" in said
    assert re.search(r"^names north\.\.\., JPEG quality 60 +guess +10 +10 +20$", said, re.M)
    assert re.search(r"^file .* 1\.000 \(", said, re.M)
    assert "Facts of the files alone predict the source" not in said


def test_what_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["audit", "--dataset", "d-none", "--home", str(tmp_path)]) == 1
    assert "There is no dataset d-none" in capsys.readouterr().err
    assert main(["audit", "--data", str(tmp_path / "none"), "--home", str(tmp_path)]) == 1
    assert "There is nothing at" in capsys.readouterr().err
    assert main(["audit", "--data", str(tmp_path), "--seed", "-1", "--home", str(tmp_path)]) == 1
    assert "The seed is -1" in capsys.readouterr().err


def test_an_audit_that_another_process_does_is_not_done_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root, home = make_set(tmp_path / "cells", each=8), tmp_path / "home"
    assert main(["audit", "--data", str(root), "--home", str(home)]) == 0
    dataset_id = next((home / "datasets").glob("d-*.json")).stem
    assert dataset_file(home, dataset_id).exists()
    with jobs.running(home, "audit", dataset_id):
        assert main(["audit", "--dataset", dataset_id, "--home", str(home)]) == 1
    assert "does this already" in capsys.readouterr().err


@pytest.mark.parametrize("error", [jobs.JobCancelled, KeyboardInterrupt])
def test_cancelling_is_no_error(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def cancelled(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(audit_command, "run_audit", cancelled)
    root = make_set(tmp_path / "cells", each=8)
    assert main(["audit", "--data", str(root), "--home", str(tmp_path / "home")]) == 130
    assert "run it again for the rest" in capsys.readouterr().err


def test_a_gone_image_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root, home = make_set(tmp_path / "cells", each=8), tmp_path / "home"
    assert main(["data", str(root), "--import", "--home", str(home)]) == 0
    dataset_id = next((home / "datasets").glob("d-*.json")).stem
    next(root.glob("left/*.png")).unlink()
    assert main(["audit", "--dataset", dataset_id, "--home", str(home)]) == 1
    assert "put the images back" in capsys.readouterr().err


def test_the_studys_classes_are_told_by_colour_and_both_hospitals_by_name(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """On a part of the real images: 40 a class are enough to see it."""
    root = tmp_path / "cells"
    for folder in sorted((real_data / "blood5").iterdir()):
        if folder.is_dir():
            (root / folder.name).mkdir(parents=True)
            for file in sorted(folder.iterdir())[:40]:
                (root / folder.name / file.name).symlink_to(file)
    (root / "manifest.csv").write_bytes((real_data / "blood5" / "manifest.csv").read_bytes())
    assert main(["audit", "--data", str(root), "--home", str(tmp_path / "home")]) == 0
    said = capsys.readouterr().out
    found = re.search(r"^histogram +([01]\.\d+) \(.*?\) +([01]\.\d+) \(", said, re.M)
    assert found is not None
    assert float(found[1]) > 0.8  # 0.96 on all 1,500
    assert float(found[2]) > 0.95  # 0.998
    assert re.search(r"^PBC \(Barcelona.* manifest +40 +40 +40 +0 +0 +120$", said, re.M)
    assert re.search(r"^AML-Cytomorphology_LMU \(Munich.* manifest +0 +0 +0 +40 +40 +80$", said, re.M)
