"""One forward pass gives features and logits, and they are those behind the probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from core.learning import model
from core.paths import trial_folder
from core.prediction.predictor import load

SQUARES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("backbone", ["resnet10t", "convnext_atto", "mobilenetv3_small_050"])
def test_features_and_logits_belong_to_the_probabilities(tmp_path: Path, backbone: str):
    network = model.build(backbone, 3, None, seed=1).eval()
    mean, std = model.input_statistics(network)
    facts = model.ModelFacts(
        backbone, ["a", "b", "c"], 64, mean, std, {}, "1", "s.00", "d", synthetic=True, initial_weights="none"
    )
    model.save_weights(network, facts, trial_folder(tmp_path, "s.00"))
    predictor = load(tmp_path, "s.00")
    features, logits = predictor.features_and_logits(SQUARES)
    assert softmax(logits, axis=1) == pytest.approx(predictor.predict_squares(SQUARES), abs=1e-6)
    assert features.dtype == logits.dtype == np.float32
    assert features.shape == (3, network.get_classifier().in_features)  # type: ignore[operator]
    with torch.inference_mode():
        again = network.get_classifier()(torch.from_numpy(features)).numpy()  # type: ignore[operator]
    assert again == pytest.approx(logits, abs=1e-4)
