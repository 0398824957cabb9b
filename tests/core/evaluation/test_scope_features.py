"""Features kept piece by piece: what another run takes away costs time alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.evaluation import scope_features
from core.evaluation.scope_features import outputs_of

PIXELS = np.arange(6 * 2 * 2 * 3, dtype=np.uint8).reshape(6, 2, 2, 3)


class Sums:
    """A network whose features and logits are sums of the pixels; `before` is done at each look."""

    facts = SimpleNamespace(classes=("a", "b"))

    def __init__(self, before: Any = None) -> None:
        self.before, self.seen = before, 0

    def features_and_logits(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.before is not None:
            self.before()
        self.seen += len(squares)
        sums = squares.reshape(len(squares), -1).sum(axis=1, keepdims=True).astype(np.float32)
        return np.hstack([sums, 2 * sums, 3 * sums]), np.hstack([-sums, sums])


def outputs(network: Sums, parts: Path) -> Any:
    rows = np.arange(len(PIXELS))
    return outputs_of(network, PIXELS, rows, parts, lambda done, total: None, lambda: None)  # type: ignore[arg-type]


def test_a_folder_that_another_run_removes_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scope_features, "PART", 2)
    parts = tmp_path / "trial" / "scope-parts" / "train"
    expected = outputs(Sums(), tmp_path / "other" / "scope-parts" / "train")
    found = outputs(Sums(lambda: shutil.rmtree(parts.parent)), parts)
    assert all((one == other).all() for one, other in zip(found, expected, strict=True))
    assert len(list(parts.iterdir())) == 1  # the last part; the others were taken away
    again = Sums()
    outputs(again, parts)
    assert again.seen == 4
    assert len(list(parts.iterdir())) == 3


def test_a_trial_that_is_deleted_meanwhile_does_not_come_back(tmp_path: Path):
    trial = tmp_path / "trial"
    outputs(Sums(lambda: shutil.rmtree(trial)), trial / "scope-parts" / "train")
    assert not trial.exists()
