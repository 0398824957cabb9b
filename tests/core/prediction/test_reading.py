"""The rules of a decision, one by one, and a reading as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.prediction.reading import BlastFlag, Decision, Flag, Reading, decide

CLASSES = ("monocyte", "myeloblast", "erythroblast")
PROBABILITIES = np.array([0.7, 0.1, 0.2])
FINE = (Flag("blur", False, "sharp"), Flag("stain", None, "not checked"))
QUIET = BlastFlag("myeloblast", False, 0.1, 0.3, 0.97, 30)
RAISED = BlastFlag("myeloblast", True, 0.4, 0.3, 0.97, 30)


def test_a_raised_flag_refers_whatever_else_is_known():
    found = decide(CLASSES, PROBABILITIES, ["monocyte"], (*FINE, Flag("blur", True, "It is blurred.")), QUIET)
    assert (found.kind, found.classes, found.decided_by, found.reasons) == ("refer", (), "flag", ("It is blurred.",))
    assert found.words == "Refer to an expert"
    point = ("careful", "monocyte")
    assert decide(CLASSES, PROBABILITIES, ["monocyte"], [Flag("size", True, "small")], None, point).kind == "refer"


@pytest.mark.parametrize(
    ("members", "kind", "words"),
    [
        (["monocyte"], "class", "Monocyte"),
        (["monocyte", "erythroblast"], "set", "Monocyte or erythroblast"),
        ([], "refer", "Refer to an expert"),
        (["erythroblast"], "refer", "Refer to an expert"),  # without the most probable class
        (list(CLASSES), "refer", "Refer to an expert"),
    ],
)
def test_the_prediction_set_decides(members: list[str], kind: str, words: str):
    found = decide(CLASSES, PROBABILITIES, members, FINE, QUIET)
    assert (found.kind, found.words, found.decided_by) == (kind, words, "prediction set")
    assert bool(found.reasons) == (kind == "refer")


def test_an_operating_point_comes_before_the_set():
    found = decide(CLASSES, PROBABILITIES, list(CLASSES), FINE, QUIET, ("careful", "erythroblast"))
    assert (found.kind, found.classes, found.decided_by) == ("class", ("erythroblast",), "operating point careful")
    found = decide(CLASSES, PROBABILITIES, ["monocyte"], FINE, QUIET, ("careful", None))
    assert (found.kind, found.reasons) == ("refer", ("No class reaches its threshold at this operating point.",))
    found = decide(CLASSES, PROBABILITIES, None, FINE, None, ("careful", "erythroblast"))
    assert found.classes == ("erythroblast",)
    assert "not calibrated" in found.reasons[0]
    assert "The most probable class is monocyte" in found.reasons[1]


def test_the_blast_flag_adds_its_class():
    found = decide(CLASSES, PROBABILITIES, ["monocyte"], FINE, RAISED)
    assert (found.kind, found.classes, found.decided_by) == ("set", ("monocyte", "myeloblast"), "blast flag")
    assert decide(CLASSES, np.array([0.1, 0.8, 0.1]), ["myeloblast"], FINE, RAISED).kind == "class"
    assert decide(CLASSES, PROBABILITIES, ["monocyte", "erythroblast"], FINE, RAISED).kind == "refer"
    found = decide(CLASSES, PROBABILITIES, None, FINE, RAISED, ("careful", "monocyte"))
    assert found.classes == ("monocyte", "myeloblast")


def test_without_calibration_the_most_probable_class_is_called_and_said_to_be_unsure():
    found = decide(CLASSES, PROBABILITIES, None, FINE, None)
    assert (found.kind, found.classes, found.decided_by) == ("class", ("monocyte",), "highest probability")
    assert "not calibrated" in found.reasons[0]


def test_as_json():
    reading = Reading(
        "s.1", "torch", "ab", "cd", 360, 363, CLASSES, PROBABILITIES, PROBABILITIES, True, 1.5,
        np.array([0.5, 0.01, 0.2]), ("monocyte",), {"monocyte": 0.95}, FINE, QUIET,
        Decision("set", ("seg_neutrophil", "monocyte"), "prediction set"), {"decode": 0.01},
    )  # fmt: skip
    data = json.loads(json.dumps(reading.to_json()))
    assert data["probabilities"] == {"monocyte": 0.7, "myeloblast": 0.1, "erythroblast": 0.2}
    assert data["decision"]["words"] == "Seg neutrophil or monocyte"
    assert data["blast"]["class"] == "myeloblast"
    assert data["prediction_set"] == ["monocyte"]
    assert data["flags"][1] == {
        "name": "stain", "raised": None, "reason": "not checked", "value": None, "limit": None, "unit": "",
    }  # fmt: skip
    assert reading.best == "monocyte"
    assert reading.raised == ()
