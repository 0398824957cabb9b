"""What the API says of a home folder: its models, their operating points, readings that go on record."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import statements
from core.api.errors import ApiError
from core.api.service import HomeService
from core.data.intake import IntakeError
from core.evaluation.decision import Costs, Thresholds, as_record
from core.learning.settings import ModelError
from core.prediction import models, readers
from core.prediction.models import ModelEntry
from core.prediction.points import points
from core.prediction.reading import OUT_OF_SCOPE, Decision, Flag, Reading
from store.journal import HOME_JOURNAL, replay

CLASSES = ("a", "b")
FIRST = ModelEntry("s-2.final-1", "new: final-1", "search", CLASSES, "d", ("s-2.final-1",))
OTHER = ModelEntry("s-1.00-initial", "old: 00-initial", "trial", CLASSES, "d", ("s-1.00-initial",))


class Fixed:
    """Reads every image as 'b'."""

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def read(self, data: bytes, *, name: str, point: Any = None) -> Reading:
        if not data:
            raise IntakeError(f"{name} is empty (0 bytes); copy or export it again.")
        probabilities = np.array([0.25, 0.75])
        by = "highest probability" if point is None else f"operating point {point.name}"
        return Reading(
            self.model_id, "torch", "w", hashlib.sha256(data).hexdigest(), 4, 3, CLASSES, probabilities, probabilities,
            False, 1.0, np.empty(0), (), {}, (Flag(OUT_OF_SCOPE, None, "It cannot be checked."),), None,
            Decision("class", ("b",), by), {"network": 0.01},
        )  # fmt: skip


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeService:
    def entry(home: Path, target: str) -> ModelEntry:
        found = {one.model_id: one for one in (FIRST, OTHER)}.get(target)
        if found is None:
            raise ModelError(f"There is no trial {target} in {home}.")
        return found

    monkeypatch.setattr(models, "models", lambda home: [FIRST, OTHER])
    monkeypatch.setattr(models, "entry", entry)
    monkeypatch.setattr(readers, "reader_of", lambda home, model_id: Fixed(model_id))
    return HomeService(tmp_path)


def image() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def refusal(service: HomeService, *asked: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        service.read(*asked)
    return caught.value


def test_a_reading_is_answered_and_recorded(service: HomeService, tmp_path: Path):
    said = service.read(image(), "/home/someone/\u202eZelle\n1.png", "", "")
    assert said["model_id"] == FIRST.model_id
    assert said["decision"] == {"kind": "class", "classes": ("b",), "decided_by": "highest probability", "reasons": (),
                                "words": "B"}  # fmt: skip
    assert said["probabilities"] == {"a": 0.25, "b": 0.75}
    assert said["image_sha256"] == hashlib.sha256(image()).hexdigest()
    assert "Not a medical device" in said["notice"]
    assert "Zelle" not in str(said)
    [record] = [one for one in replay(tmp_path, HOME_JOURNAL) if one["kind"] == "reading"]
    assert record["reading_id"] == said["reading_id"]
    assert record["through"] == "api"
    assert record["file_name"] == "Zelle 1.png"
    assert record["kept"] is False
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.suffix for path in written] == [".jsonl"]  # the image is nowhere
    assert service.read(image(), "", OTHER.model_id, "")["model_id"] == OTHER.model_id


def test_no_model_and_unknown_ones(service: HomeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for model in ("s-9", "../../etc", "a/b", "..", "s-1.\n", "\u00e4", "-"):
        error = refusal(service, image(), "", model, "")
        assert (error.status, error.code) == (422, "unknown_model")
        assert str(tmp_path) not in error.message
    error = refusal(service, image(), "", "", "o-1")
    assert (error.status, error.code) == (422, "unknown_point")
    monkeypatch.setattr(models, "models", lambda home: [])
    assert (refusal(service, image(), "", "", "").code, service.models()["default"]) == ("no_model", None)


def test_images_and_models_that_fail(service: HomeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    error = refusal(service, b"", "secret.png", "", "")
    assert (error.status, error.code) == (422, "bad_image")
    assert error.message == "The image is empty (0 bytes); copy or export it again."

    def broken(home: Path, model_id: str) -> None:
        raise ModelError(f"There are no usable weights in {home}: FileNotFoundError.")

    monkeypatch.setattr(readers, "reader_of", broken)
    error = refusal(service, image(), "", "", "")
    assert (error.status, error.code) == (503, "model_unavailable")
    assert str(tmp_path) not in error.message
    assert not [one for one in replay(tmp_path, HOME_JOURNAL) if one["kind"] == "reading"]


def test_operating_points_decide_by_their_id(service: HomeService, tmp_path: Path):
    def save(name: str, model_id: str = FIRST.model_id, classes: tuple[str, ...] = CLASSES, rule: Any = None) -> str:
        made = as_record(Thresholds((0.5, 0.5))) if rule is None else rule
        return statements.save_operating_point(tmp_path, name, model_id, classes, made)

    first, second = save("careful"), save("cheap", rule=as_record(Costs(((0, 1, 1), (1, 0, 1)))))
    save("another model's", OTHER.model_id)
    save("other classes", classes=("a", "c"))
    save("of a later version", rule={"kind": "new"})
    gone = save("taken back")
    [row] = [one for one in replay(tmp_path, HOME_JOURNAL) if one.get("operating_point_id") == gone]
    about = ("operating_point_id", "name", "search_id", "model_id", "classes", "rule", "prevalence")
    statements.remove(tmp_path, "operating_point", {name: row[name] for name in about})
    assert [(one.point_id, one.name) for one in points(tmp_path, FIRST)] == [(second, "cheap"), (first, "careful")]
    listed = service.models()
    assert listed["default"] == FIRST.model_id
    assert [one["model_id"] for one in listed["models"]] == [FIRST.model_id, OTHER.model_id]
    assert listed["models"][0]["points"] == [
        {"point_id": second, "name": "cheap"}, {"point_id": first, "name": "careful"},
    ]  # fmt: skip
    said = service.read(image(), "", "", first)
    assert said["decision"]["decided_by"] == "operating point careful"
    record = [one for one in replay(tmp_path, HOME_JOURNAL) if one["kind"] == "reading"][-1]
    assert record["operating_point_id"] == first
    assert refusal(service, image(), "", OTHER.model_id, first).code == "unknown_point"
