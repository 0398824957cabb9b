"""The image checks: each raised by what it is for, and by nothing that is usual."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from core.data.cells import draw_cell
from core.prediction.quality import Limits, Measures, QualityError, learn, measure

SIDE = 64


def cell(seed: int) -> np.ndarray:
    return draw_cell("monocyte", SIDE, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def limits() -> Limits:
    return learn([measure(cell(seed), 360, 363) for seed in range(120)])


def raised(limits: Limits, square: np.ndarray, width: int = 360, height: int = 360) -> list[str]:
    found = limits.flags(measure(square, width, height))
    assert [flag.name for flag in found] == ["blur", "exposure", "stain", "size"]
    assert all(flag.reason.endswith(".") and "\n" not in flag.reason for flag in found)
    return [flag.name for flag in found if flag.raised]


def test_new_images_of_the_same_kind_are_rarely_flagged(limits: Limits):
    assert sum(bool(raised(limits, cell(seed))) for seed in range(200, 300)) <= 8  # about 1 of 100 a check and side


def test_a_blurred_image_is(limits: Limits):
    assert "blur" in raised(limits, ndimage.gaussian_filter(cell(300), (3, 3, 0)))


@pytest.mark.parametrize("shift", [-120, 120])
def test_a_dark_and_a_bright_one_are(limits: Limits, shift: int):
    assert "exposure" in raised(limits, np.clip(cell(300).astype(int) + shift, 0, 255).astype(np.uint8))


def test_a_clipped_one_is(limits: Limits):
    picture = cell(300)
    picture[: SIDE // 2] = 255
    assert "exposure" in raised(limits, picture)


def test_another_stain_is(limits: Limits):
    assert "stain" in raised(limits, np.ascontiguousarray(cell(300)[..., [1, 0, 2]]))  # green where it was red


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [(100, 100, "at least 180 px"), (640, 480, "longer than any training image"), (2000, 2000, "a whole field")],
)
def test_a_wrong_size_is(limits: Limits, width: int, height: int, words: str):
    flag = limits.flags(measure(cell(300), width, height))[-1]
    assert flag.raised
    assert words in flag.reason
    assert raised(limits, cell(300), 1000, 1000) == []  # a finer camera


def test_limits_survive_json(limits: Limits):
    again = Limits.from_json(json.loads(json.dumps(limits.to_json())))
    found = measure(cell(7), 360, 360)
    assert [flag.raised for flag in again.flags(found)] == [flag.raised for flag in limits.flags(found)]
    assert again.sides == (360, 363)
    with pytest.raises(ValueError, match="another version"):
        Limits.from_json(limits.to_json() | {"version": 0})


def test_flat_and_tiny_pictures_can_be_measured(limits: Limits):
    for square in (np.zeros((SIDE, SIDE, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)):
        assert isinstance(measure(square, 2, 2), Measures)
        assert {"blur", "exposure", "size"} <= set(raised(limits, square, 2, 2))


def test_few_training_images_tell_nothing():
    with pytest.raises(QualityError, match="There are 3 training images"):
        learn([measure(cell(seed), 10, 10) for seed in range(3)])
