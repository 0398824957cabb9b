"""A model's decisions on its test images are those that its readings have."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from core.evaluation.decision import Thresholds
from core.prediction.calibration import calibrate
from core.prediction.known_errors import decisions_of, errors_of
from core.prediction.models import ModelEntry
from core.prediction.reader import Point, Reader

CLASSES = ("basophil", "monocyte", "myeloblast")
ENTRY = ModelEntry("s-1.final", "final", "search", CLASSES, "d-1", ("s-1.final",))


def probabilities(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), n)
    logits = rng.normal(0, 1.5, (3 * n, 3)) + 3 * np.eye(3)[labels]
    found = np.exp(logits)
    return found / found.sum(axis=1, keepdims=True), labels


def test_every_decision_is_the_one_of_the_reading():
    network = SimpleNamespace(runtime="torch", weights_sha256="w")
    reader = Reader(ENTRY, (network,), calibration=calibrate(*probabilities(40, 0), CLASSES))
    raw, _ = probabilities(30, 1)
    found = decisions_of(reader, raw)
    for one, decision in zip(raw, found, strict=True):
        assert decision == reader._reading(one, (), "", 9, 9, None, {}).decision
    assert {decision.kind for decision in found} >= {"class", "set"}


def test_errors_count_what_is_one_class_apart_from_the_rest():
    raw, labels = probabilities(30, 2)
    true = [CLASSES[label] for label in labels]
    plain = errors_of(Reader(ENTRY, ()), raw, true)  # not calibrated: the highest probability decides
    assert plain.sum(axis=1).tolist() == [30, 30, 30]
    assert plain[:, 3].tolist() == [0, 0, 0]
    assert np.trace(plain) == (raw.argmax(axis=1) == labels).sum()
    careful = Point("careful", Thresholds((0.9, 0.9, 0.9)))
    few = errors_of(Reader(ENTRY, ()), raw, true, careful)
    assert few[:, 3].sum() == (raw.max(axis=1) < 0.9).sum()
