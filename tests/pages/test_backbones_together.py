"""Trials of an InceptionV3 and a ResNet: compared, fused, evaluated, and answering one image together."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import statements
from core.evaluation.fusion import fuse
from core.learning import model
from core.learning.settings import TrialSettings
from core.paths import trial_folder
from core.prediction.predictor import load
from pages.components.data import read
from pages.components.models import trial_outputs
from store.journal import HOME_JOURNAL, replay
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES, write_search
from tests.store.factory_costs import write_costs

SIZES = {"inception_v3": 75, "resnet10t": 32}
NAMES = {"00-initial": "inception_v3", "01-batch_size": "resnet10t"}


def save(home: Path, trial_id: str, backbone: str, seed: int) -> None:
    """Weights of a network that was not trained, as a trial leaves them."""
    network = model.build(backbone, len(CLASSES), None, seed=seed)
    mean, std = model.input_statistics(network)
    settings = TrialSettings(backbone=backbone, image_size=SIZES[backbone]).to_json()
    facts = model.ModelFacts(
        backbone, list(CLASSES), SIZES[backbone], mean, std, settings, "1", trial_id, "d", synthetic=True,
        initial_weights="none",
    )  # fmt: skip
    model.save_weights(network, facts, trial_folder(home, trial_id))


@pytest.fixture
def ids(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two finished trials with costs, predictions and weights, and their pictures."""
    monkeypatch.chdir(home)
    search_id = write_search(
        home, trials=2, epochs=2, n_train=5, n_val=30, n_test=30, n_calibration=0, final=False, pictures=home / "cells"
    )
    write_costs(home, search_id, {name: (backbone, "plain") for name, backbone in NAMES.items()})
    for seed, (name, backbone) in enumerate(NAMES.items()):
        save(home, f"{search_id}.{name}", backbone, seed)
    return [f"{search_id}.{name}" for name in NAMES]


def test_trials_of_two_backbones_are_compared_and_answer_together(
    open_page: OpenPage, ids: list[str], home: Path
) -> None:
    search_id = ids[0].partition(".")[0]
    app = open_page("compare", trials=",".join(ids), view="Outcome and cost")
    assert not app.error
    (table,) = [frame.value for frame in app.dataframe if "backbone" in frame.value]
    assert table["backbone"].tolist() == list(SIZES)
    assert not open_page("compare", trials=",".join(ids), view="Paired test").error
    assert not open_page("evaluate", search=search_id, trial=ids[1]).error

    outputs = [trial_outputs((trial_id,), "val")[0] for trial_id in ids]
    both = fuse(np.stack([one.probabilities for one in outputs]), [1, 1], "average")
    app = open_page("whatif_fusion", search=search_id, members="~".join(ids))
    assert not app.error
    assert figures(app)["Accuracy"] == f"{(both.argmax(axis=1) == outputs[0].true).mean():.4f}"

    dataset_id = str(read("search", search_id)["dataset_id"].iloc[0])
    fusion_id = statements.save_fusion(home, "both", dataset_id, "average", dict.fromkeys(ids, 1.0))
    app = open_page("predict", search=search_id, fusion=fusion_id)
    assert not app.error
    members = [load(home, trial_id) for trial_id in ids]
    (reading,) = [record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]
    files = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in (home / "cells").rglob("*.png")}
    image = np.asarray(Image.open(files[reading["image_sha256"]]).convert("RGB"))
    each = np.stack([member.predict(image).probabilities for member in members])  # each at its own size
    assert reading["model_id"] == fusion_id
    assert reading["raw"] == pytest.approx(fuse(each[:, None, :], [0.5, 0.5], "average")[0], abs=1e-5)
    assert "Research use only" in words(app)
