"""A model made ready for readings, and what its reader then says: from real files to a recorded calibration."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.__main__ import main
from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.intake import IntakeError
from core.data.sample import make_sample
from core.evaluation.conformal import ConformalError
from core.evaluation.decision import Thresholds
from core.evaluation.fusion import fuse
from core.evaluation.scope import ScopeError
from core.evaluation.temperature import tempered
from core.jobs import JobCancelled
from core.learning.settings import ModelError
from core.paths import trial_folder
from core.prediction import models
from core.prediction.fitting import Fitted, fit
from core.prediction.judging import judge, read_all
from core.prediction.reader import Point
from core.prediction.readers import reader_of
from core.statements import remove, save_fusion
from store import queries
from store.ingest import Ingestor
from tests.core.evaluation.elsewhere import finished_search
from tests.store.tools import empty_store

TRIAL = "s-1.final-1"
FRACTIONS = {"train": 0.3, "calibration": 0.4, "val": 0.1, "test": 0.2}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """A home with a finished search, calibrated; tests copy it."""
    home = tmp_path_factory.mktemp("fitting") / "home"
    make_sample(home.parent / "own", per_class=30, size=40, seed=0)
    dataset = import_data(home, home.parent / "own", fractions=FRACTIONS)
    finished_search(home, dataset)
    run(home)
    return home, dataset


@pytest.fixture
def home(made: tuple[Path, Dataset], tmp_path: Path) -> Path:
    shutil.copytree(made[0], tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def image(made: tuple[Path, Dataset]) -> bytes:
    return picture(made[1], "test")


def picture(dataset: Dataset, split: str) -> bytes:
    return (dataset.root / next(one for one in dataset.usable if one.split == split).path).read_bytes()


def run(home: Path, target: str = TRIAL) -> Fitted:
    with jobs.running(home, "calibration", target) as job:
        return fit(home, target, job)


def test_a_reading_is_made_of_what_was_fitted(home: Path, image: bytes):
    reader = reader_of(home, TRIAL, "torch")
    assert reader.calibration is not None
    assert reader.calibration.n == 60
    seen = reader.see(image)
    reading = seen.reading
    assert reading.image_sha256 == hashlib.sha256(image).hexdigest()
    assert reading.raw.sum() == pytest.approx(1)
    assert reading.probabilities == pytest.approx(tempered(reading.raw, reader.calibration.temperature))
    assert [flag.name for flag in reading.flags] == ["out_of_scope", "blur", "exposure", "stain", "size"]
    assert all(flag.raised is not None for flag in reading.flags)
    assert reading.coverage == dict.fromkeys(reader.classes, 1 - 1 / 13)  # 12 images a class cannot carry 95 %
    assert reading.blast is not None
    assert (reading.blast.class_, reading.blast.images) == ("myeloblast", 12)
    held = reader.calibration.sets.members(reading.raw)[0]
    assert set(reading.prediction_set) == {name for name, one in zip(reader.classes, held, strict=True) if one}
    again = reader.read_pixels(seen.rgb, "box")
    assert (again.probabilities == reading.probabilities).all()
    assert json.dumps(reading.to_json())


def test_an_operating_point_decides(home: Path, image: bytes):
    reader = reader_of(home, TRIAL, "torch")
    wanted = Point("all basophils", Thresholds((0.0001, 1.0, 1.0, 1.0, 1.0)))
    reading = reader.read(image, point=wanted)
    assert reading.raised or reading.decision.classes[0] == "basophil"
    assert reader.read(image, point=Point("none", Thresholds((1.0,) * 5))).decision.kind == "refer"


def test_calibration_images_are_those_of_the_split_alone(home: Path, made: tuple[Path, Dataset]):
    reader = reader_of(home, TRIAL, "torch")
    own = [one for one in made[1].usable if one.split == "calibration"]
    raw = np.stack([one.raw for one in read_all(reader, made[1].root, own)])
    labels = np.array([reader.classes.index(one.class_ or "") for one in own])
    assert reader.calibration is not None
    for index, known in enumerate(reader.calibration.sets.known):
        assert known == pytest.approx(np.sort(raw[labels == index, index]), rel=1e-3)


def test_a_second_call_gives_the_same_and_the_reader_is_shared(home: Path):
    before = (trial_folder(home, TRIAL) / "calibration-torch.json").read_text()
    reader = reader_of(home, TRIAL, "torch")
    assert reader_of(home, "s-1", "torch") is reader  # the search's model
    found = run(home)
    assert (trial_folder(home, TRIAL) / "calibration-torch.json").read_text() == before
    assert "at least 92.3% of new images" in found.sentence()
    assert reader_of(home, TRIAL, "torch") is not reader  # its files are new


def test_a_fusion_has_a_calibration_of_its_own(home: Path, made: tuple[Path, Dataset], image: bytes):
    run(home, "s-1.00-initial")
    fusion = save_fusion(home, "both", made[1].dataset_id, "average", {TRIAL: 3, "s-1.00-initial": 1})
    reading = reader_of(home, fusion, "torch").read(image)
    assert not reading.calibrated
    assert "not calibrated" in reading.decision.reasons[0] or reading.raised
    run(home, fusion)
    reader = reader_of(home, fusion, "torch")
    each = np.stack([reader_of(home, one, "torch").read(image).raw for one in (TRIAL, "s-1.00-initial")])
    reading = reader.read(image)
    assert reading.raw == pytest.approx(fuse(each[:, None], [0.75, 0.25])[0], rel=1e-4)
    assert reading.calibrated
    assert TRIAL in reading.flags[0].reason
    row = {"fusion_id": fusion, "name": "both", "dataset_id": made[1].dataset_id, "rule": "average",
           "trial_ids": [TRIAL], "weights": [1.0], "chosen_by": "person"}  # fmt: skip
    remove(home, "fusion", row)
    with pytest.raises(ModelError, match="There is no fusion"):
        models.entry(home, fusion)


def test_the_models_of_a_home(home: Path, made: tuple[Path, Dataset]):
    found = models.models(home)
    assert [(one.model_id, one.kind) for one in found] == [(TRIAL, "search"), ("s-1.00-initial", "trial")]
    save_fusion(home, "gone", made[1].dataset_id, "vote", {TRIAL: 1, "s-9.00-initial": 1})  # a member is not here
    assert len(models.models(home)) == 2
    assert models.entry(home, "s-1").model_id == TRIAL
    for target, words in (("s-9", "no search s-9"), ("s-1.07-x", "no trial 07-x"), ("f-1", "no fusion f-1")):
        with pytest.raises(ModelError, match=words):
            models.entry(home, target)


def test_what_is_not_calibrated_says_so(home: Path, image: bytes):
    (trial_folder(home, TRIAL) / "calibration-torch.json").unlink()
    (trial_folder(home, TRIAL) / "checks.json").unlink()
    reader = reader_of(home, TRIAL, "torch")
    reading = reader.read(image)
    assert not reading.calibrated
    assert reading.prediction_set == ()
    assert (reading.probabilities == reading.raw).all()
    assert [flag.raised for flag in reading.flags[1:]] == [None] * 4
    assert "python -m core calibrate" in reader.why


def test_the_store_knows_the_calibration_and_how_far_readings_hold(
    home: Path, made: tuple[Path, Dataset], capsys: pytest.CaptureFixture[str]
):
    assert main(["readings", TRIAL, "--runtime", "torch", "--home", str(home), "--json", str(home / "out.json")]) == 0
    said = capsys.readouterr().out
    assert "30 test images of own" in said
    assert "referred to an expert: " in said
    folder = home.parent / "strange"
    make_sample(folder, per_class=4, size=40, seed=9)
    for name in ("basophil", "erythroblast", "monocyte", "myeloblast"):
        shutil.rmtree(folder / name)
    (folder / "seg_neutrophil").rename(folder / "band")
    assert main(["readings", TRIAL, "--runtime", "torch", "--home", str(home), "--out-of-scope", str(folder)]) == 0
    assert "called one of the classes without a word" in capsys.readouterr().out
    store = empty_store()
    Ingestor(store, home).poll()
    known = queries.calibrations(store.cursor(), TRIAL)
    found = known[known["runtime"] == "torch"].iloc[0]
    calibration = reader_of(home, TRIAL, "torch").calibration
    assert calibration is not None
    assert found["temperature"] == calibration.temperature
    assert list(found["images"]) == [12] * 5
    assert found["loss_after"] <= found["loss_before"]
    assert (found["watched"], found["threshold"]) == ("myeloblast", calibration.watch()[0])
    checks = queries.reading_checks(store.cursor(), TRIAL)
    assert checks["kind"].tolist() == ["test", "out_of_scope"]
    assert checks["n"].tolist() == [30, 4]
    assert set(checks["runtime"]) == {"torch"}
    figures = json.loads(checks["figures"].iloc[0])
    written = json.loads((home / "out.json").read_text())
    assert {name: written[name] for name in figures} == figures
    assert figures["referred"]["n"] == 30


def test_predict_reads_records_and_goes_on_after_a_bad_file(
    home: Path, image: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(image)
    bad.write_bytes(b"text")
    assert main(["predict", str(bad), str(good), "--home", str(home), "--json", "--runtime", "torch"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "is not an image" in lines[0]["error"]
    assert set(lines[1]["probabilities"]) == set(reader_of(home, TRIAL, "torch").classes)
    store = empty_store()
    Ingestor(store, home).poll()
    recorded = queries.readings(store.cursor(), queries.Wanted())
    assert recorded["reading_id"].tolist() == [lines[1]["reading_id"]]
    assert recorded["through"].tolist() == ["command line"]
    assert main(["predict", str(good), "--home", str(home), "--runtime", "torch"]) == 0
    assert "Research use only" in capsys.readouterr().out
    assert main(["predict", str(good), "--home", str(tmp_path / "empty")]) == 1
    assert "There is no trained model" in capsys.readouterr().err


def test_one_damaged_file_takes_no_other_with_it_and_calibrating_mends_it(home: Path, image: bytes):
    checks = trial_folder(home, TRIAL) / "checks.json"
    checks.write_text("{")
    reading = reader_of(home, TRIAL, "torch").read(image)
    assert reading.calibrated
    assert reading.flags[0].raised is not None  # out of scope
    assert [flag.raised for flag in reading.flags[1:]] == [None] * 4
    assert "cannot be read; make it anew" in reading.flags[1].reason
    run(home)
    assert all(flag.raised is not None for flag in reader_of(home, TRIAL, "torch").read(image).flags)


def test_what_onnx_runtime_cannot_use_is_read_with_torch(home: Path, image: bytes):
    pytest.importorskip("onnxruntime")
    assert reader_of(home, TRIAL).runtime == "onnx"
    (trial_folder(home, TRIAL) / "model.onnx").write_bytes(b"")
    (trial_folder(home, TRIAL) / "model.onnx.json").touch()
    assert reader_of(home, TRIAL).runtime == "torch"
    with pytest.raises(ModelError, match="does not match"):
        reader_of(home, TRIAL, "onnx")


def test_an_operating_point_decides_on_what_it_was_chosen_on(home: Path, image: bytes):
    reader = reader_of(home, TRIAL, "torch")
    raw = reader.read(image).raw
    order = np.argsort(-raw)
    values = np.full(5, 1.0)
    values[order[1]] = raw[order[1]] - 1e-6  # the second most probable class just reaches its threshold
    point = Point("edge", Thresholds(tuple(values.tolist())))
    assert point.decision(raw, reader.classes) == reader.classes[order[1]]
    decision = reader.read(image, point=point).decision
    assert decision.kind == "refer" or reader.classes[order[1]] in decision.classes


@pytest.mark.parametrize("damage", ["{", '{"version": 1}', '{"version": 0, "weights_sha256": ""}', "[]"])
def test_a_damaged_calibration_is_not_used(home: Path, image: bytes, damage: str):
    (trial_folder(home, TRIAL) / "calibration-torch.json").write_text(damage)
    reader = reader_of(home, TRIAL, "torch")
    assert not reader.read(image).calibrated
    assert "python -m core calibrate" in reader.why


def test_bad_files_and_bad_models_are_told(home: Path):
    reader = reader_of(home, TRIAL, "torch")
    with pytest.raises(IntakeError, match=r"cell\.png is not an image"):
        reader.read(b"no image at all", name="cell.png")
    with pytest.raises(ModelError, match="no runtime 'tpu'"):
        reader_of(home, TRIAL, "tpu")
    (trial_folder(home, TRIAL) / "weights.safetensors").write_bytes(b"")
    (trial_folder(home, TRIAL) / "weights.json").touch()
    with pytest.raises(ModelError, match="does not match"):
        reader_of(home, TRIAL, "torch")


def test_without_enough_calibration_images_nothing_is_claimed(tmp_path: Path):
    home = tmp_path / "home"
    make_sample(tmp_path / "own", per_class=12, size=40, seed=0)
    fractions = {"train": 0.5, "calibration": 0.25, "val": 0.25, "test": 0.0}
    finished_search(home, import_data(home, tmp_path / "own", fractions=fractions))
    with pytest.raises(ConformalError, match="Too few calibration images: basophil 3"):
        run(home)
    fractions |= {"calibration": 0.0, "test": 0.25}
    finished_search(home, import_data(home, tmp_path / "own", fractions=fractions), "s-2")
    with pytest.raises(ScopeError, match="no calibration images"):
        run(home, "s-2")


def test_a_cancel_ends_it(home: Path):
    (trial_folder(home, TRIAL) / "checks.json").unlink()
    with jobs.running(home, "calibration", TRIAL) as job:
        jobs.cancel(home, "calibration", TRIAL)
        with pytest.raises(JobCancelled):
            fit(home, TRIAL, job)


def test_judging_by_hand(home: Path, made: tuple[Path, Dataset]):
    reader = reader_of(home, TRIAL, "torch")
    images = [one for one in made[1].usable if one.split == "test"]
    readings = read_all(reader, made[1].root, images)
    truth = [one.class_ or "" for one in images]
    found = judge(readings, truth)
    assert found.right.k == sum(one.best == true for one, true in zip(readings, truth, strict=True))
    held = sum(true in one.prediction_set for one, true in zip(readings, truth, strict=True))
    assert sum(share.k for share in found.covered.values()) == held
    assert found.referred.k == sum(one.decision.kind == "refer" for one in readings)
    assert found.decided.n + found.sets.n + found.referred.n == len(images) + found.referred.n - found.referred.k
    assert sum(found.sizes.values()) == len(images)
    assert found.flagged["blur"].n == len(images)
    assert found.blasts_found is not None
    assert found.blasts_found.n == truth.count("myeloblast")
    with pytest.raises(ValueError, match="0 readings"):
        judge([], [])
