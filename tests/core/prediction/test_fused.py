"""Several models answer as one: weighted, voted, from their own weights files, at their own image sizes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.evaluation.fusion import fuse
from core.learning import model
from core.learning.settings import ModelError
from core.paths import trial_folder
from core.prediction.fused import FusedPredictor, load_fused
from core.prediction.predictor import Prediction, load

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)


class Fixed:
    """A model that answers the same to every image."""

    def __init__(self, *probabilities: float, classes: tuple[str, ...] = ("a", "b")) -> None:
        self.facts, self.probabilities = SimpleNamespace(classes=list(classes)), np.array(probabilities, np.float32)

    def predict(self, image: np.ndarray) -> Prediction:
        assert image is IMAGE
        return Prediction(tuple(self.facts.classes), self.probabilities)


def test_an_average_and_a_vote_by_hand():
    members = [Fixed(0.9, 0.1), Fixed(0.2, 0.8), Fixed(0.4, 0.6)]
    mean = FusedPredictor(members, [2, 1, 1], "average").predict(IMAGE)
    assert mean.probabilities == pytest.approx([0.6, 0.4], abs=1e-6)
    assert mean.best == "a"
    vote = FusedPredictor(members, [1, 1, 1], "vote").predict(IMAGE)
    assert vote.best == "b"
    assert vote.probabilities == pytest.approx([1 / 3, 2 / 3], abs=1e-5)


def test_members_of_other_classes_are_refused():
    with pytest.raises(ModelError, match="do not know the same classes"):
        FusedPredictor([Fixed(1, 0), Fixed(1, 0, classes=("b", "a"))], [1, 1], "average")


def save(home: Path, trial_id: str, seed: int, size: int) -> None:
    network = model.build("resnet10t", 3, None, seed=seed)
    mean, std = model.input_statistics(network)
    facts = model.ModelFacts(
        "resnet10t", ["a", "b", "c"], size, mean, std, {}, "1", trial_id, "d", synthetic=True, initial_weights="none"
    )
    model.save_weights(network, facts, trial_folder(home, trial_id))


def test_a_saved_fusion_reads_with_its_members_weights(tmp_path: Path):
    save(tmp_path, "s.00-initial", 1, 32)
    save(tmp_path, "t.00-initial", 2, 48)  # of another search, at another size
    fused = load_fused(tmp_path, ["s.00-initial", "t.00-initial"], [0.75, 0.25], "average")
    each = [load(tmp_path, trial_id).predict(IMAGE).probabilities for trial_id in ("s.00-initial", "t.00-initial")]
    expected = fuse(np.stack(each)[:, None, :], [0.75, 0.25])[0]
    got = fused.predict(IMAGE)
    assert got.classes == ("a", "b", "c")
    assert got.probabilities == pytest.approx(expected)
    assert not np.allclose(each[0], each[1])


def test_a_member_without_weights_is_named(tmp_path: Path):
    save(tmp_path, "s.00-initial", 1, 32)
    with pytest.raises(ModelError, match=r"s\.01-epochs has no weights"):
        load_fused(tmp_path, ["s.00-initial", "s.01-epochs"], [1, 1], "average")
