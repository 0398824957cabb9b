"""The sentences of a reading hold, and its bars mark the prediction set in two ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.prediction.reading import Decision, Reading
from core.prediction.wording import percent
from pages.charts.probabilities import MARK, probabilities
from pages.components.predict_view import MOST, fitted
from pages.components.predict_words import decided_words, listed, set_words, timing_words, two_classes

CLASSES = ("monocyte", "seg_neutrophil", "erythroblast")
READING = Reading(
    "s.00", "torch", "w", "i", 10, 10, CLASSES, np.array([0.3, 0.1, 0.6]), np.array([0.3, 0.1, 0.6]), True, 1.0,
    np.array([0.2, 0.01, 0.6]), ("erythroblast", "monocyte"),
    {"monocyte": 0.9756, "seg_neutrophil": 0.9756, "erythroblast": 0.9524}, (), None,
    Decision("set", ("erythroblast", "monocyte"), "prediction set"), {"decode": 0.004, "network": 0.1},
)  # fmt: skip


def test_the_set_is_named_and_an_empty_one_too():
    assert set_words(READING).startswith("Prediction set (2 of 3): erythroblast, monocyte. Such sets hold")
    assert "(0 of 3): none of the classes." in set_words(replace(READING, prediction_set=()))
    plain = set_words(replace(READING, calibrated=False, coverage={}, prediction_set=()))
    assert "not calibrated" in plain
    assert "Such sets" not in plain


def test_who_decided_is_told():
    assert decided_words(READING, None) == "Decided by the prediction set."
    flagged = replace(READING, decision=Decision("refer", (), "flag"))
    assert decided_words(flagged, None) == "Decided by a check of the image."
    point = replace(READING, decision=Decision("class", ("monocyte",), "operating point careful"))
    assert (
        decided_words(point, "equal costs") == "Decided by the operating point careful. Operating point: equal costs."
    )


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision("set", ("erythroblast", "monocyte"), ""), ("erythroblast", "monocyte")),
        (Decision("class", ("seg_neutrophil",), ""), ("seg_neutrophil", "erythroblast")),
        (Decision("refer", (), ""), ("erythroblast", "monocyte")),
    ],
)
def test_the_chosen_class_and_the_runner_up(decision: Decision, expected: tuple[str, str]):
    assert two_classes(replace(READING, decision=decision)) == expected


def test_times_add_up():
    said = timing_words(READING.seconds, 2.34, "torch")
    assert said == "Read in 0.10 s (decode 4 ms, network 100 ms) on torch. Model loaded in 2.3 s."


def test_lists_read_as_sentences():
    assert [listed(CLASSES[:n]) for n in (1, 2, 3)] == [
        "monocyte", "monocyte and seg_neutrophil", "monocyte, seg_neutrophil and erythroblast",
    ]  # fmt: skip


def test_the_bars_mark_the_set_by_colour_and_by_a_sign():
    table = pd.DataFrame({"class": CLASSES, "probability": [0.3, 0.1, 0.6]})
    (bars,) = probabilities(table, ["erythroblast", "monocyte"]).data
    assert list(bars.y) == [f"{MARK} erythroblast", f"{MARK} monocyte", "seg_neutrophil"]
    assert bars.marker.color[0] == bars.marker.color[1] != bars.marker.color[2]
    (plain,) = probabilities(table).data
    assert list(plain.y) == ["erythroblast", "monocyte", "seg_neutrophil"]
    assert plain.marker.color[0] != plain.marker.color[1] == plain.marker.color[2]


def test_neither_a_bar_nor_what_is_shown_over_it_calls_anything_certain():
    (bars,) = probabilities(pd.DataFrame({"class": CLASSES[:2], "probability": [1 - 1e-6, 1e-6]})).data
    assert list(bars.text) == [">99.9%", "<0.1%"]
    assert "%{text}" in bars.hovertemplate
    assert "%{x" not in bars.hovertemplate


def test_what_is_nearly_certain_is_not_called_certain():
    assert [percent(share) for share in (1, 0.99996, 0.9, 0.0004, 0)] == [
        "100.0%", ">99.9%", "90.0%", "<0.1%", "0.0%",
    ]  # fmt: skip


def test_large_images_are_shrunk_for_the_browser_and_small_ones_are_not():
    assert fitted(np.zeros((3000, 1500, 3), np.uint8)).shape == (MOST, MOST // 2, 3)
    small = np.zeros((30, 20, 3), np.uint8)
    assert fitted(small) is small
