"""Trials of several backbones from one command: compared, fused, evaluated, and answering one image together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import statements
from core.evaluation.fusion import fuse
from core.search.launcher import REPOSITORY
from pages.components.data import read
from pages.components.models import trial_outputs
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words

SEARCH = "s-together"
BACKBONES = {"inception_v3": 21_795_813, "resnet10t": 4_923_477}  # with five outputs
IDS = [f"{SEARCH}.00-{name}" for name in BACKBONES]
OPTIONS = [
    "--preset", "quick", "--method", "every", "--backbone", ",".join(BACKBONES), "--weights", "none",
    "--image-size", "75", "--per-class", "8", "--epochs", "1", "--final-seeds", "0", "--threads", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("together")
    for words_ in (["search", "--search-id", SEARCH, *OPTIONS], ["compare", SEARCH, "--csv", str(home / "table.csv")]):
        done = subprocess.run(
            [sys.executable, "-m", "core", *words_, "--home", str(home)], cwd=REPOSITORY, capture_output=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=400, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        (home / f"{words_[0]}.txt").write_text(done.stdout)
    return home


def test_an_inception_and_a_resnet_are_compared_and_answer_together(
    trained: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = (trained / "compare.txt").read_text()
    for name, parameters in BACKBONES.items():
        assert f"{parameters:,}" in printed
        assert f"00-{name}" in printed
    assert "inception_v3, resnet10t: none: the network starts from random weights" in printed
    monkeypatch.setenv("CELLASCENT_HOME", str(trained))
    table = read("outcomes", IDS)
    assert table["parameters"].tolist() == list(BACKBONES.values())
    assert (table["predict_images_per_second"] > 0).all()

    app = open_page("compare", trials=",".join(IDS), view="Outcome and cost")
    assert not app.error
    assert list(app.dataframe[0].value["backbone"]) == list(BACKBONES)
    assert not open_page("compare", trials=",".join(IDS), view="Paired test").error
    assert not open_page("evaluate", search=SEARCH, trial=IDS[0]).error

    outputs = [trial_outputs((trial_id,), "val")[0] for trial_id in IDS]
    both = fuse(np.stack([one.probabilities for one in outputs]), [1, 1], "average")
    app = open_page("whatif_fusion", search=SEARCH, members="~".join(IDS))
    assert not app.error
    assert figures(app)["Accuracy"] == f"{(both.argmax(axis=1) == outputs[0].true).mean():.4f}"

    dataset_id = str(read("search", SEARCH)["dataset_id"].iloc[0])
    fusion_id = statements.save_fusion(trained, "both", dataset_id, "average", dict.fromkeys(IDS, 1.0))
    app = open_page("predict", search=SEARCH, fusion=fusion_id)
    assert not app.error
    assert figures(app)["Called"]
    assert "Research use only" in words(app)
