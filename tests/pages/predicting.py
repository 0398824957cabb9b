"""A stand-in for the network behind the Predict page, and what the page then shows and records."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.prediction import readers
from core.prediction.calibration import Calibration, calibrate
from core.prediction.models import ModelEntry
from core.prediction.predictor import Look
from core.prediction.reader import Reader
from pages.components.data import read
from store.journal import replay
from tests.store.factory import CLASSES, write_search

RED = (0.9, 0.04, 0.03, 0.02, 0.01)


def searched(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished search whose images are there: a red square each."""
    monkeypatch.chdir(home)
    search_id = write_search(home, trials=1, n_train=5, n_val=5, n_test=5, n_calibration=5)
    for name in CLASSES:
        folder = home / "made-up" / name
        folder.mkdir(parents=True)
        for index in range(20):
            Image.new("RGB", (40, 36), (200, 10, 10)).save(folder / f"{index:05d}.png")
    return search_id


class Net(SimpleNamespace):
    """Says the same of every image; its feature map of `side` places is lit at one."""

    runtime, weights_sha256 = "torch", "w"

    def __init__(self, probabilities: tuple[float, ...] = RED, side: int = 6) -> None:
        facts = SimpleNamespace(image_size=24, backbone="resnet10t")
        super().__init__(facts=facts, logits=np.log(np.array(probabilities)), side=side)

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([[1.0, 0], [-1, 0], [0, 1], [0, 0], [0, 0]], np.float32), np.zeros(5, np.float32)

    def look(self, squares: np.ndarray) -> Look:
        assert squares.shape[1:] == (24, 24, 3)
        maps = np.zeros((len(squares), 2, self.side, self.side), np.float32)
        maps[:, :, 1, 1] = 1
        logits = np.repeat(self.logits[None], len(squares), axis=0).astype(np.float32)
        return Look(maps, np.tile([1.0, 0.5], (len(squares), 1)).astype(np.float32), logits)


def certain(watched: float = 0.9) -> Calibration:
    """From calibration images of which the network is mostly sure, 39 a class; one in 40 looks like another class."""
    rows, labels = [], []
    for index in range(len(CLASSES)):
        for image in range(39):
            row = np.full(len(CLASSES), (1 - watched) / 4)
            row[(index + 1) % 5 if image == 0 else index] = watched
            rows.append(row)
            labels.append(index)
    return calibrate(np.array(rows), np.array(labels), CLASSES)


Asked = list[str]


def stand_in(monkeypatch: pytest.MonkeyPatch, *members: Net, **known: Any) -> Asked:
    """Reads with these members; the ids of the models that were asked for."""
    asked: Asked = []
    made: dict[str, Reader] = {}

    def reader_of(home: Path, model_id: str) -> Reader:
        asked.append(model_id)
        trials = tuple(f"{model_id}-{index}" for index in range(len(members))) if len(members) > 1 else (model_id,)
        dataset_id = str(read("datasets").query("name != 'published'")["dataset_id"].iloc[0])
        kind, weights = "fusion" if len(members) > 1 else "trial", tuple(1 / len(members) for _ in members)
        entry = ModelEntry(model_id, "the model", kind, CLASSES, dataset_id, trials, weights)
        why = "The model has not been calibrated yet."
        return made.setdefault(model_id, Reader(entry, members, **{"why": why, "loaded_seconds": 2.34, **known}))  # type: ignore[arg-type]

    monkeypatch.setattr(readers, "reader_of", reader_of)
    return asked


def decided(app: AppTest) -> str:
    """The large words."""
    (header,) = app.header
    return str(header.value).partition(": ")[2] or str(header.value)


def recorded(home: Path) -> list[dict[str, Any]]:
    return [record for record in replay(home, "_home") if record["kind"] == "reading"]


def picture(app: AppTest) -> list[str]:
    """What the frames show: their texts for those who cannot see them."""
    return [one.proto.body for one in app.get("html") if "cell-view" in one.proto.body]
