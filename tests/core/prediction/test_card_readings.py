"""How far readings hold stands on a card: the newest figures of these weights, an interval each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.prediction.card_readings import readings_of, readings_words
from core.prediction.judging import judge
from core.prediction.reading import OUT_OF_SCOPE, Flag, Reading, decide
from core.prediction.readings_command import figures, out_of_scope_figures
from store.journal import JournalWriter, journal_folder

CLASSES = ("basophil", "seg_neutrophil")
NAMES = {"d-1": "another hospital", "d-2": "platelets"}


def reading(p: float, *, calibrated: bool = True, strange: bool = False) -> Reading:
    shares = np.array([p, 1 - p])
    members = tuple(name for name, share in zip(CLASSES, shares, strict=True) if share > 0.2) if calibrated else ()
    flags = (Flag(OUT_OF_SCOPE, strange, "Unlike the training images."),)
    return Reading(
        "s-1.00", "torch", "w", "i", 10, 10, CLASSES, shares, shares, calibrated, 1.0, shares, members, {}, flags, None,
        decide(CLASSES, shares, members if calibrated else None, flags, None), {},
    )  # fmt: skip


def judged(readings: list[Reading], *, calibrated: bool = True) -> dict[str, Any]:
    return figures(judge(readings, ["basophil"] * len(readings)), calibrated=calibrated)


def record(home: Path, data: dict[str, Any], n: int, images: str = "test", kind: str = "test", **other: str) -> None:
    journal = JournalWriter(journal_folder(home), "readings")
    about = {"model_id": "s-1.00", "runtime": "torch", "weights_sha256": "w"} | other
    journal.append("reading_check", images=images, images_kind=kind, n=n, figures=data, **about)
    journal.close()


def words(home: Path) -> dict[str, str]:
    facts = readings_of(home, "s-1.00", "w", NAMES.get)
    assert json.loads(json.dumps(facts)) == facts
    return readings_words(facts)


def test_the_newest_figures_of_these_weights_are_told_in_order(tmp_path: Path):
    strange = [reading(0.9, strange=True), reading(0.9, strange=True), reading(0.9), reading(0.5)]
    images: list[Any] = [type("Image", (), {"class_": "platelet"})()] * 4
    record(tmp_path, out_of_scope_figures(strange, images), 4, "d-2", "out_of_scope")
    record(tmp_path, judged([reading(0.9)] * 3), 3, "d-1", "external")
    record(tmp_path, judged([reading(0.1)] * 9), 9)
    record(tmp_path, judged([reading(0.9), reading(0.9), reading(0.6), reading(0.1)]), 4)
    record(tmp_path, judged([reading(0.9)] * 7), 7, runtime="onnx")
    record(tmp_path, judged([reading(0.1)] * 8), 8, weights_sha256="of others")
    record(tmp_path, judged([reading(0.1)] * 8), 8, model_id="s-1.01")
    said = words(tmp_path)
    titles = [label.partition(": ")[0] for label in said]
    assert list(dict.fromkeys(titles)) == [
        "test images, on onnx", "test images, on torch", "images from elsewhere, another hospital, on torch",
        "images that show none of its classes, platelets, on torch",
    ]  # fmt: skip
    test = "test images, on torch"
    assert said[test].startswith("4 images, read 20")
    right = said[f"{test}: most probable class right"]
    assert right.startswith("3 of 4 (75.0 %; 95 % interval ")
    assert said[f"{test}: prediction sets that hold the class"].startswith("basophil: 3 of 4 (75.0 %; 95 % interval")
    assert "seg neutrophil" not in said[f"{test}: prediction sets that hold the class"]  # no image of it
    assert said[f"{test}: right of those decided as one class"].startswith("2 of 3 (")
    assert said[f"{test}: a set of two that holds the class"].startswith("1 of 1 (")
    assert said[f"{test}: referred to an expert"].startswith("0 of 4 (")
    assert " before calibration, " in said[f"{test}: expected calibration error"]
    none = "images that show none of its classes, platelets, on torch"
    assert said[f"{none}: referred to an expert"].startswith("2 of 4 (50.0 %")
    assert said[f"{none}: flagged as none of these cells"].startswith("2 of 4 (")
    assert said[f"{none}: called one of its classes"].startswith("1 of 4 (25.0 %")


def test_without_calibration_there_is_no_coverage(tmp_path: Path):
    found = judged([reading(0.9, calibrated=False)] * 2, calibrated=False)
    assert (found["coverage"], found["set_sizes"]) == (None, None)
    record(tmp_path, found, 2)
    said = words(tmp_path)
    assert said["test images, on torch: expected calibration error"] == "0.100, not calibrated"
    assert not any("prediction sets" in label for label in said)
    assert said["test images, on torch: a set of two that holds the class"] == "no images"


@pytest.mark.parametrize("folder", [False, True])
def test_what_nobody_measured_is_said(tmp_path: Path, folder: bool):
    if folder:
        record(tmp_path, judged([reading(0.9)]), 1, weights_sha256="of others")
    assert words(tmp_path) == {"readings": "not measured"}
