"""`python -m core labels`: features with and without a network, what is recorded and printed, cancel, errors."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import jobs
from core.__main__ import main
from core.data.importing import import_data
from core.evaluation import label_check, label_features
from core.evaluation.label_command import to_arguments
from store import queries
from store.ingest import Ingestor
from tests.store.tools import empty_store

COLOURS = {"blue": (60, 60, 200), "green": (60, 200, 60), "red": (200, 60, 60)}
EACH = 20


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Images of three colours; one red one is filed as blue, and a manifest says where each comes from."""
    root = tmp_path / "cells"
    rng = np.random.default_rng(0)
    lines = ["file,source"]
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for index in range(EACH):
            shown = COLOURS["red"] if (name, index) == ("blue", 3) else colour
            pixels = np.clip(rng.normal(shown, 12, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index:02d}.png")
            lines.append(f"{name}/{index:02d}.png,{'here' if name == 'green' else 'there'}")
    (root / "manifest.csv").write_text("\n".join(lines))
    return root


def stored(home: Path) -> Any:
    connection = empty_store()
    Ingestor(connection, home).poll()
    return connection.cursor()


def test_a_wrong_label_is_printed_recorded_and_written_as_csv(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str]
):
    home, file = tmp_path / "home", tmp_path / "out.csv"
    assert main(["labels", "--data", str(cells), "--features", "simple", "--home", str(home), "--csv", str(file)]) == 0
    told = capsys.readouterr()
    assert "Method: simple features (16 x 16 thumbnail and 48-bin RGB histogram; as asked for)" in told.out
    assert "the check is weak" in told.out
    assert "Out-of-fold accuracy 98.3 %" in told.out
    assert "60 images" in told.out
    assert "Class and source are confounded" in told.out
    assert "predict out of fold" in told.err
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0]["path"] == "blue/03.png"
    assert (rows[0]["class"], rows[0]["suggested"], rows[0]["move_to"]) == ("blue", "red", "red/03.png")
    assert len(rows) <= 2
    assert all(row["path"] in told.out for row in rows)

    cursor = stored(home)
    (job,) = queries.jobs(cursor, kind="label_check").to_dict("records")
    assert (job["status"], job["message"]) == ("COMPLETE", f"{len(rows)} of 60 labels are suspected.")
    (check,) = queries.label_check(cursor, job["subject"]).to_dict("records")
    assert (check["n"], check["suspected"]) == (60, len(rows))
    assert check["accuracy"] == pytest.approx(59 / 60)
    assert label_features.is_weak(check["method"])
    issues = queries.label_issues(cursor, job["subject"])
    assert issues["path"].tolist() == [row["path"] for row in rows]
    assert issues["rank"].tolist() == list(range(1, len(rows) + 1))
    assert issues["confidence"].iloc[0] == pytest.approx(float(rows[0]["confidence"]), abs=1e-5)
    assert issues["sha256"].str.len().tolist() == [64] * len(rows)


def test_a_check_of_a_known_dataset_replaces_the_one_before(tmp_path: Path, cells: Path):
    dataset = import_data(tmp_path / "home", cells)
    command = [*to_arguments(dataset.dataset_id, "simple", "auto"), "--home", str(tmp_path / "home")]
    assert main(command) == 0
    assert main([*command, "--seed", "1"]) == 0
    (check,) = queries.label_check(stored(tmp_path / "home"), dataset.dataset_id).to_dict("records")
    assert check["method"].endswith("seed 1")


def test_a_backbone_with_weights_at_hand_is_used_and_named(tmp_path: Path, cells: Path):
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(5)
    weights = tmp_path / "some.safetensors"
    save_file(timm.create_model("resnet10t", pretrained=False, num_classes=0).state_dict(), weights)
    home = tmp_path / "home"
    small = ["--backbone", "resnet10t", "--image-size", "32", "--home", str(home)]
    assert main(["labels", "--data", str(cells), "--weights", str(weights), *small]) == 0
    dataset_id = queries.jobs(stored(home), kind="label_check")["subject"].iloc[0]
    (check,) = queries.label_check(stored(home), dataset_id).to_dict("records")
    assert check["method"].startswith("resnet10t at 32 px (averaged last feature map; weights: the file ")
    assert "RGB histogram" in check["method"]
    assert check["accuracy"] > 0.9  # even random convolutions tell these colours apart
    assert not label_features.is_weak(check["method"])
    assert (home / "cache" / f"{dataset_id}-32.npy").exists()

    # auto finds what has been kept
    assert main(["labels", "--dataset", dataset_id, "--features", "backbone", *small]) == 0
    (check,) = queries.label_check(stored(home), dataset_id).to_dict("records")
    assert "RGB histogram" not in check["method"]
    assert "kept by an earlier search as resnet10t-" in check["method"]


def test_without_weights_the_features_are_simple_and_the_method_says_why(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    import core.learning.model as model
    from core.learning.settings import InitialWeights

    gone = "none: no model hub could be reached (it does not answer), so the network starts from random weights"
    monkeypatch.setattr(model, "prepare_weights", lambda *asked: InitialWeights(None, None, gone))
    assert main(["labels", "--data", str(cells), "--home", str(tmp_path / "home")]) == 0
    told = capsys.readouterr().out
    assert "histogram; no model hub could be reached (it does not answer));" in told
    assert "the check is weak" in told


def test_pooled_features_are_the_averaged_last_feature_map():
    import torch

    from core.learning.model import build, input_statistics
    from core.learning.pooled import pooled_features
    from core.learning.settings import ModelError

    squares = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    told: list[tuple[int, int]] = []
    found = pooled_features("resnet10t", None, squares, lambda *words: told.append(words))
    model: Any = build("resnet10t", 0, None, seed=0).eval()
    with torch.inference_mode():
        images = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in input_statistics(model))
        expected = model.forward_features((images - mean) / std).mean(dim=(2, 3))
    assert found == pytest.approx(expected.numpy(), abs=1e-5)
    assert told == [(32, 40), (40, 40)]
    with pytest.raises(ModelError, match="inception_v3 cannot read images of 32 px"):
        pooled_features("inception_v3", None, squares[:1], lambda *words: None)


def test_a_cancelled_check_records_nothing_and_can_be_run_again(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    dataset = import_data(home, cells)
    command = [*to_arguments(dataset.dataset_id, "simple", "auto"), "--home", str(home)]
    folds_of = label_check.folds_of

    def cancelled_meanwhile(*arguments: Any) -> Any:
        jobs.cancel(home, "label_check", dataset.dataset_id)
        return folds_of(*arguments)

    monkeypatch.setattr(label_check, "folds_of", cancelled_meanwhile)
    assert main(command) == 130
    assert "Cancelled; nothing was recorded" in capsys.readouterr().err
    cursor = stored(home)
    assert queries.label_check(cursor, dataset.dataset_id).empty
    assert queries.jobs(cursor, dataset.dataset_id)["status"].tolist() == ["STOPPED"]
    monkeypatch.undo()
    assert main(command) == 0
    assert len(queries.label_check(stored(home), dataset.dataset_id)) == 1


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["--dataset", "d-nowhere"], "There is no dataset d-nowhere in "),
        (["--data", "/nowhere"], "There is nothing at /nowhere"),
        (["--dataset", "d-1", "--image-size", "4"], "The image size is 4 px; it must lie between 16 and 1024."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], sentence: str
):
    assert main(["labels", *command, "--home", str(tmp_path)]) == 1
    assert sentence in capsys.readouterr().err


def test_weights_that_do_not_fit_end_the_job_with_a_sentence(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    home = tmp_path / "home"
    assert main(["labels", "--data", str(cells), "--weights", str(tmp_path / "bad.safetensors"), "--home", str(home)])
    assert "cannot be read" in capsys.readouterr().err
    (job,) = queries.jobs(stored(home), kind="label_check").to_dict("records")
    assert job["status"] == "FAILED"
    assert "cannot be read" in job["message"]
