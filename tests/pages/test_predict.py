"""The Predict page with a stand-in for the model, on images that lie on this machine."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from core.learning.settings import ModelError
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES, write_search


@pytest.fixture
def search_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished search whose images are there: a red square each."""
    monkeypatch.chdir(home)
    search_id = write_search(home, trials=1, n_train=5, n_val=5, n_test=5, n_calibration=0)
    for name in CLASSES:
        folder = home / "made-up" / name
        folder.mkdir(parents=True)
        for index in range(15):
            Image.new("RGB", (40, 36), (200, 10, 10)).save(folder / f"{index:05d}.png")
    return search_id


def stand_in(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    module = types.ModuleType("core.prediction.predictor")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core.prediction.predictor", module)


class RedIsBasophil:
    def predict(self, image: np.ndarray) -> SimpleNamespace:
        assert image.shape == (36, 40, 3)
        assert image.dtype == np.uint8
        probabilities = np.array([0.9, 0.04, 0.03, 0.02, 0.01], np.float32)
        return SimpleNamespace(classes=CLASSES, probabilities=probabilities, best="basophil")


def test_a_sample_image_is_read(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    stand_in(monkeypatch, lambda home, trial_id: asked.append(trial_id) or RedIsBasophil())
    app = open_page("predict", search=search_id)
    assert not app.error
    assert asked == [f"{search_id}.final-1"]  # the search's model, not its best trial
    assert figures(app)["Called"] == "basophil"
    assert app.metric[0].delta == "probability 90.0%"
    assert "40 x 36 px, labelled" in words(app)
    assert "Research use only" in words(app)
    assert "not calibrated" in words(app)


def test_weights_that_are_missing_are_told(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    def missing(home: Path, trial_id: str) -> None:
        raise ModelError(f"Trial {trial_id} has no weights.")

    stand_in(monkeypatch, missing)
    assert "has no weights" in open_page("predict", search=search_id).error[0].value


def test_a_broken_image_is_told(open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    for path in (home / "made-up").rglob("*.png"):
        path.write_bytes(b"not an image")
    stand_in(monkeypatch, lambda home, trial_id: RedIsBasophil())
    app = open_page("predict", search=search_id)
    assert len(app.error) == 1
    assert "Traceback" not in app.error[0].value


def test_images_that_are_gone_leave_the_upload(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    app = open_page("predict", search=search_id)
    assert "not on this machine" in words(app)
