"""The Predict page with a stand-in for the model, on images that lie on this machine."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from core import statements
from core.evaluation.decision import Thresholds, as_record, equal_costs
from core.evaluation.scope import fit
from core.evaluation.scope_file import save_scope
from core.learning.settings import ModelError
from core.paths import trial_folder
from pages.components.data import read
from store.journal import replay
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


def save_point(home: Path, search_id: str, thresholds: tuple[float, ...], model: str | None = None) -> str:
    return statements.save_operating_point(
        home, "careful", model or f"{search_id}.final-1", CLASSES, as_record(Thresholds(thresholds)),
        search_id=search_id if model is None else None,
    )  # fmt: skip


def test_an_operating_point_decides(open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(monkeypatch, lambda home, trial_id: RedIsBasophil())
    point = save_point(home, search_id, (1.0, 0.02, 0.2, 0.2, 0.2))  # 0.04 is twice its threshold
    app = open_page("predict", search=search_id, point=point)
    assert figures(app)["Decided by careful"] == "erythroblast"
    assert app.metric[0].delta == "probability 4.0%"
    assert "thresholds basophil 1, erythroblast 0.02" in words(app)
    app = open_page("predict", search=search_id)  # without it in the link, the highest probability
    assert figures(app)["Called"] == "basophil"
    box = next(box for box in app.selectbox if box.label == "Decide by")
    box.set_value(point).run()
    assert app.query_params["point"] in (point, [point])
    assert figures(app)["Decided by careful"] == "erythroblast"


def test_an_image_below_all_thresholds_is_referred(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, lambda home, trial_id: RedIsBasophil())
    app = open_page("predict", search=search_id, point=save_point(home, search_id, (0.95,) * 5))
    assert figures(app)["Decided by careful"] == "Refer to an expert"
    assert app.metric[0].delta == "highest probability 90.0%"


def test_points_that_cannot_be_used_are_told(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in(monkeypatch, lambda home, trial_id: RedIsBasophil())
    app = open_page("predict", search=search_id, point="o-gone")
    assert "operating point in this link is not one of this model's" in words(app)
    assert figures(app)["Called"] == "basophil"
    few = statements.save_operating_point(
        home, "few", f"{search_id}.final-1", CLASSES[:3], as_record(equal_costs(3)), search_id=search_id
    )
    app = open_page("predict", search=search_id, point=few)
    assert "made for 3 classes, the model has 5. The highest probability decides." in words(app)
    assert figures(app)["Called"] == "basophil"


def test_a_fusion_reads_with_all_its_members(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[object, ...]] = []
    module = types.ModuleType("core.prediction.fused")
    module.load_fused = lambda home, *members: asked.append(members) or RedIsBasophil()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core.prediction.fused", module)
    members = {f"{search_id}.00-initial": 1.0, f"{search_id}.final-1": 3.0}
    dataset_id = str(read("search", search_id)["dataset_id"].iloc[0])
    fusion_id = statements.save_fusion(home, "both", dataset_id, "vote", members)
    point = save_point(home, search_id, (0.95,) * 5, fusion_id)
    app = open_page("predict", search=search_id, fusion=fusion_id, point=point)
    assert not app.error
    assert asked == [((f"{search_id}.00-initial", f"{search_id}.final-1"), (0.25, 0.75), "vote")]
    assert "shares of their votes, not probabilities" in words(app)
    assert figures(app)["Decided by careful"] == "Refer to an expert"


class Featured(RedIsBasophil):
    """The network's features of one image of 24 px: a point of the plane."""

    facts = SimpleNamespace(image_size=24)

    def __init__(self, *features: float) -> None:
        self.features = np.array([features], np.float32)

    def features_and_logits(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert squares.shape == (1, 24, 24, 3)
        return self.features, np.array([[1.0, 0.0]], np.float32)


def fit_scope(home: Path, trial_id: str, calibration: int = 39) -> None:
    """Training images whose features lie around (1, 0), with weights that are none."""
    folder = trial_folder(home, trial_id)
    folder.mkdir(parents=True)
    (folder / "weights.json").write_text('{"sha256": "w"}')
    rng = np.random.default_rng(0)
    around = [np.column_stack([np.ones(n), rng.normal(0, 0.1, n)]) for n in (60, calibration)]
    gaussians = fit(around[0], np.zeros(60))
    distances = {"mahalanobis": gaussians.distances(around[1]), "energy": np.linspace(-3, 3, calibration)}
    save_scope(folder, gaussians, distances)


def test_an_image_unlike_the_training_images_is_flagged_first(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    fit_scope(home, f"{search_id}.final-1")
    stand_in(monkeypatch, lambda home, trial_id: Featured(0.1, 1.0))
    app = open_page("predict", search=search_id)
    assert not app.error
    assert "This image looks unlike the cells that the model was trained on (p = 0.025)" in words(app)
    assert figures(app)["Called"] == "basophil"  # nothing is kept back
    app.button(key="record_reading").click().run()
    assert not app.exception
    (recorded,) = [record for record in replay(home, "_home") if record["kind"] == "reading"]
    (said,) = recorded["flags"]
    assert (said["name"], said["value"], said["raised"]) == ("out_of_scope", 1 / 40, True)
    assert "39 calibration images" in said["reason"]
    assert (recorded["decision"], recorded["decided_classes"]) == ("class", ["basophil"])
    assert (recorded["decided_by"], recorded["through"]) == ("highest probability", "page")
    assert recorded["model_trial_id"] == f"{search_id}.final-1"
    assert len(recorded["image_sha256"]) == 64
    assert recorded["probabilities"] == pytest.approx([0.9, 0.04, 0.03, 0.02, 0.01])


def test_an_image_that_is_not_flagged_may_still_be_strange(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    fit_scope(home, f"{search_id}.final-1", calibration=9)
    stand_in(monkeypatch, lambda home, trial_id: Featured(1.0, 0.0))
    said = words(open_page("predict", search=search_id))
    assert "looks unlike" not in said
    assert "not flagged (at most 0.05 would be). It may still show none of the classes." in said
    assert "So few calibration images (9) cannot flag any image" in said


def test_without_a_check_it_is_said(open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(monkeypatch, lambda home, trial_id: RedIsBasophil())
    assert "No out-of-scope check has been made for this model" in words(open_page("predict", search=search_id))
    fit_scope(home, f"{search_id}.final-1")
    (trial_folder(home, f"{search_id}.final-1") / "scope.safetensors").write_bytes(b"")
    assert "does not match its scope.json" in words(open_page("predict", search=search_id))
