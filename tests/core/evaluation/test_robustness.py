"""A trained trial on shifted images: recorded one by one, skipped when known, gone on with after a cancel."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import jobs
from core.__main__ import main
from core.data.cache import open_cache
from core.data.dataset import Dataset, DatasetError
from core.data.importing import keep_description
from core.data.sample import make_sample
from core.data.scan import scan
from core.evaluation import robustness
from core.evaluation.robustness import Progress, judged_split, known, measure, minutes, sample, trial_of
from core.evaluation.robustness_summary import BASE, reproduced
from core.evaluation.shifts import SHIFTS, VERSION, ShiftError
from core.foreground import CANCELLED
from core.learning import model
from core.learning.learner import Learner
from core.learning.settings import TRAINING_VERSION, ModelError, TrialSettings
from core.learning.training import evaluate, train
from core.learning.worker import load_data
from core.paths import dataset_file, trial_folder
from core.search.commands import CommandError, delete
from core.search.state import SearchState
from store import queries
from store.ingest import Ingestor
from store.journal import JournalWriter, journal_folder, replay
from tests.store.tools import empty_store

SEARCH, TRIAL = "s-r", "s-r.00-initial"
SETTINGS = TrialSettings(backbone="resnet10t", image_size=32, learning_rate=1e-3, batch_size=8, epochs=3, threads=1)


def quiet(_stage: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one small trained trial; tests copy it."""
    home = tmp_path_factory.mktemp("robustness")
    make_sample(home / "cells", per_class=14, size=40, seed=0)
    dataset = scan(home / "cells", work=home / "work", seed=0)
    keep_description(dataset, home)
    open_cache(dataset, SETTINGS.image_size, home / "cache")
    torch.set_num_threads(1)
    learner = Learner(model.build(SETTINGS.backbone, 5, None, seed=0), SETTINGS)
    mean, std = model.input_statistics(learner.model)
    pixels = load_data(dataset, home / "cache" / f"{dataset.dataset_id}-{SETTINGS.image_size}.npy", mean, std)
    for _ in train(learner, pixels, SETTINGS, 0, quiet):
        pass
    facts = model.ModelFacts(
        backbone=SETTINGS.backbone, classes=list(dataset.classes), image_size=SETTINGS.image_size, mean=mean, std=std,
        settings=SETTINGS.to_json(), training_version=TRAINING_VERSION, trial_id=TRIAL, dataset_id=dataset.dataset_id,
        synthetic=True, initial_weights="none",
    )  # fmt: skip
    model.save_weights(learner.judged, facts, trial_folder(home, TRIAL))
    result = evaluate(learner.judged, pixels, "test", SETTINGS, quiet)
    journal = JournalWriter(journal_folder(home, SEARCH), "controller")
    own: dict[str, Any] = {"search_id": SEARCH}
    event = {"best_trial_id": TRIAL, "model_trial_id": None, "de_count": 0, "stop_reason": None, "message": None}
    journal.append("search", name="small", origin="own", objective="val_accuracy", patience=2, settings={}, **own)
    journal.append("search_data", dataset_id=dataset.dataset_id, settled={}, **own)
    journal.append(
        "trial", trial_id=TRIAL, position=0, cycle=0, coordinate="initial", learning_rate=1e-3, batch_size=8, epochs=3,
        seed=0, de_count=0, from_trial_id=None, reused_epochs=0, settings={}, **own,
    )  # fmt: skip
    journal.append(
        "evaluation", trial_id=TRIAL, epoch=3, splits={"test": result.metrics()},
        predictions={"test": result.predictions()}, **own,
    )  # fmt: skip
    journal.append("search_event", attempt=1, status="COMPLETE", **event, **own)
    journal.close()
    return home


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(trained, copy)
    return copy


def data(home: Path) -> Dataset:
    state = SearchState(home, SEARCH)
    state.update()
    assert state.data is not None
    return Dataset.load(dataset_file(home, state.data["dataset_id"]))


def recorded(home: Path) -> list[tuple[str, int]]:
    return [(r["shift"], r["severity"]) for r in replay(home, SEARCH) if r["kind"] == "robustness"]


def test_unchanged_images_give_the_recorded_test_accuracy_and_the_store_has_every_matrix(home: Path):
    told: list[Progress] = []
    found = measure(home, TRIAL, shifts=["jpeg", "border"], say=told.append)
    state = SearchState(home, SEARCH)
    state.update()
    assert state.trials[TRIAL].evaluation is not None
    result = state.trials[TRIAL].evaluation["splits"]["test"]
    matrix = found.matrices[BASE]
    assert np.trace(matrix) / matrix.sum() == result["accuracy"] == found.recorded_accuracy
    assert np.diagonal(matrix).tolist() == result["tp"]
    assert matrix.sum(axis=1).tolist() == result["support"]
    assert "exactly the test accuracy" in reproduced(matrix, found.recorded_accuracy, found.images, found.split)
    assert set(found.matrices) == {BASE, *((shift, s) for shift in ("jpeg", "border") for s in range(1, 6))}
    assert (found.new, found.split) == (11, "test")
    assert (told[-1].done, told[-1].total) == (11 * found.images, 11 * found.images)
    assert told[-1].seconds_left == 0

    connection = empty_store()
    Ingestor(connection, home).poll()
    rows = queries.robustness(connection.cursor(), [TRIAL])
    assert set(rows["version"]) == {VERSION}
    for row in rows.to_dict("records"):
        side = len(found.classes)
        of_store = np.array(row["confusion"]).reshape(side, side)
        np.testing.assert_array_equal(of_store, found.matrices[row["shift"], row["severity"]])
    (job,) = queries.jobs(connection.cursor(), TRIAL, "robustness").to_dict("records")
    assert (job["status"], job["done"], job["total"]) == ("COMPLETE", 11 * found.images, 11 * found.images)
    assert job["message"].startswith("11 conditions measured. Mean accuracy under shift")


def test_after_a_cancel_it_goes_on_with_what_is_missing(home: Path):
    def cancel(at: Progress) -> None:
        if at.stage == "Hue, severity 2 of 5" and not at.done % 6:
            jobs.cancel(home, "robustness", TRIAL)

    with pytest.raises(jobs.JobCancelled):
        measure(home, TRIAL, shifts=["hue"], say=cancel)
    before = recorded(home)
    assert before[:2] == [BASE, ("hue", 1)]
    assert len(before) < 6
    found = measure(home, TRIAL, shifts=["hue"])
    assert found.new == 6 - len(before)
    assert sorted(recorded(home)) == [*(("hue", s) for s in range(1, 6)), BASE]
    again = measure(home, TRIAL, shifts=["hue"])
    assert again.new == 0
    assert len(recorded(home)) == 6
    for key, matrix in found.matrices.items():
        np.testing.assert_array_equal(again.matrices[key], matrix)


def test_another_version_of_the_shifts_is_measured_anew(home: Path, monkeypatch: pytest.MonkeyPatch):
    measure(home, TRIAL, shifts=["gamma"])
    monkeypatch.setattr(robustness, "VERSION", VERSION + 1)
    assert known(home, TRIAL) == {}
    assert measure(home, TRIAL, shifts=["gamma"]).new == 6
    assert len(recorded(home)) == 12


def test_fewer_images_are_a_part_of_more_and_do_not_take_their_place(home: Path):
    split, images = judged_split(data(home))
    assert split == "test"
    few, more = sample(images, 1), sample(images, 2)
    assert {image.image_id for image in few} < {image.image_id for image in more}
    assert [sum(image.class_ == name for image in few) for name in data(home).classes] == [1] * 5
    assert sample(images, None) == images
    small = measure(home, TRIAL, per_class=1, shifts=["noise"])
    assert small.matrices["noise", 5].sum(axis=1).tolist() == [1] * 5
    assert reproduced(small.matrices[BASE], small.recorded_accuracy, small.images, "test").startswith("Judged on 5 of")
    whole = measure(home, TRIAL, shifts=["noise"])
    assert whole.new == 6
    kept = measure(home, TRIAL, per_class=1, shifts=["noise"])
    assert kept.new == 0
    assert kept.matrices["noise", 5].sum() == len(images)


def test_without_test_images_those_of_validation_are_judged(home: Path):
    dataset = data(home)
    images = tuple(image for image in dataset.usable if image.split == "train")
    with pytest.raises(DatasetError, match="no test and no validation image"):
        judged_split(replace(dataset, images=images))
    rest = tuple(image for image in dataset.usable if image.split != "test")
    assert judged_split(replace(dataset, images=rest))[0] == "val"


def test_a_search_stands_for_its_model_and_what_there_is_not_is_said(home: Path):
    assert trial_of(home, SEARCH) == trial_of(home, TRIAL) == TRIAL
    for target, words in ((f"{SEARCH}.x", "has no trial x"), ("s-none", "There is no search s-none")):
        with pytest.raises(CommandError, match=words):
            trial_of(home, target)
    with pytest.raises(ShiftError, match="There is no shift 'fog'"):
        measure(home, TRIAL, shifts=["fog"])
    with pytest.raises(CommandError, match="per-class is 0; it must be at least 1"):
        measure(home, TRIAL, per_class=0)
    (trial_folder(home, TRIAL) / "weights.json").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        measure(home, TRIAL)
    delete(home, SEARCH)
    with pytest.raises(CommandError, match="There is no search"):
        measure(home, TRIAL)


def test_the_command_prints_the_tables_and_the_sentences(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("core.search.ingest.owned", lambda _home: True)  # no process that fills the store

    def command(*arguments: str) -> str:
        assert main(["robustness", SEARCH, *arguments, "--home", str(home)]) == 0
        return capsys.readouterr().out

    text = command("--per-class", "2")
    lines = text.splitlines()
    assert lines[0].startswith(f"{TRIAL}: {1 + 5 * len(SHIFTS)} conditions measured in ")
    assert "Mean accuracy under shift 0." in text
    assert "(95 % interval" in text
    assert lines[-1] == "Reported, never used to choose."
    assert sum(line.startswith("Defocus blur ") for line in lines) == 5 + 1  # rates, and what breaks
    assert "0 conditions measured" in command("--per-class", "1")
    assert main(["robustness", SEARCH, "--shifts", "fog", "--home", str(home)]) == 1
    assert "There is no shift 'fog'" in capsys.readouterr().err
    monkeypatch.setattr(robustness, "VERSION", VERSION + 1)

    def interrupt(*_arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(robustness, "shifted", interrupt)
    assert main(["robustness", TRIAL, "--home", str(home)]) == CANCELLED
    assert "What was measured is kept; run it again to go on." in capsys.readouterr().err


def test_how_long_is_written():
    assert [minutes(s) for s in (0.2, 40, 89, 200, 3900)] == ["1 s", "40 s", "89 s", "3 min", "1 h 5 min"]
