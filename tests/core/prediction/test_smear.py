"""White cells of made-up fields, and of real ones where they are there."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from core.data.intake import decode_image
from core.evaluation.detection import iou, judge
from core.prediction.smear import USUAL, Box, find_by, find_cells
from core.prediction.smear_judge import corners_of, read_fields
from core.prediction.smear_scale import Ruler, red_cell_diameter
from core.prediction.smear_settings import Settings, SmearError
from tests.core.prediction.smears import NEUTROPHIL, White, draw

SHARED = Path(os.environ.get("CELLASCENT_DATA", Path(__file__).parents[4] / "shared" / "data"))
SMEARS = SHARED / "smears" / "bccd"
WHITES = (White(2.5, 2.5), White(7.5, 2.6, lobes=NEUTROPHIL), White(4.8, 5.6, 0.7, ((0.0, 0.0, 0.55),)))


def overlaps(boxes: list[Box], whites: tuple[White, ...], unit: float) -> list[float]:
    """The best overlap (IoU) of each white cell with a box."""
    return [
        float(one) for one in iou([corners_of(box) for box in boxes], [w.corners(unit) for w in whites]).max(axis=0)
    ]


@pytest.mark.parametrize("unit", [24, 60, 120])
def test_every_white_cell_is_found_at_any_magnification_and_nothing_else(unit: int):
    boxes = find_cells(draw(WHITES, unit=unit))
    assert len(boxes) == len(WHITES)
    assert min(overlaps(boxes, WHITES, unit)) > 0.6
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    assert all(0 < box.score <= 1 for box in boxes)


@pytest.mark.parametrize("unit", [24, 60, 120])
def test_the_size_of_red_cells_is_measured(unit: int):
    ruler = red_cell_diameter(draw(WHITES, unit=unit))
    assert ruler.measured
    assert ruler.diameter == pytest.approx(unit, rel=0.15)


def test_small_red_cells_of_a_large_field_are_looked_at_closer():
    field = np.tile(draw(WHITES, unit=40, columns=10, rows=8), (6, 5, 1))  # 50 red cells across
    ruler = red_cell_diameter(field)
    assert ruler.measured
    assert ruler.diameter == pytest.approx(40, rel=0.15)


def test_without_red_cells_their_size_is_assumed_and_said_so():
    field = draw((White(4, 4),), red=False, columns=8, rows=8)
    ruler = red_cell_diameter(field)
    assert not ruler.measured
    assert ruler.diameter == 0.2 * 8 * 60
    assert "assumed" in ruler.words
    assert len(find_cells(field)) == 1


def test_a_field_without_white_cells_has_none():
    assert find_cells(draw()) == []
    assert find_cells(draw(red=False)) == []
    assert find_cells(np.full((480, 640, 3), 200, np.uint8)) == []
    assert find_cells(np.zeros((50, 40, 3), np.uint8)) == []
    assert find_cells(np.full((1, 1, 3), 9, np.uint8)) == []


def test_noise_is_no_reason_to_fail():
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    assert all(box.x + box.width <= 160 and box.y + box.height <= 120 for box in find_cells(noise))


def test_two_cells_that_touch_are_two():
    whites = (White(3.0, 3, 0.8, ((0, 0, 0.72),)), White(4.55, 3, 0.8, ((0, 0, 0.72),)))
    boxes = find_cells(draw(whites))
    assert len(boxes) == 2
    assert min(overlaps(boxes, whites, 60)) > 0.6


def test_lobes_far_apart_in_one_body_are_one_cell():
    white = White(4, 4, 1.05, ((-0.5, -0.45, 0.32), (0.5, -0.35, 0.32), (0.1, 0.6, 0.3)))
    (box,) = find_cells(draw((white,)))
    assert overlaps([box], (white,), 60)[0] > 0.7


def test_a_cell_at_the_edge_has_a_box_that_ends_there():
    (box,) = find_cells(draw((White(0.2, 4),)))
    assert box.x == 0
    assert overlaps([box], (White(0.2, 4),), 60)[0] > 0.5  # of the whole cell, of which a part is outside


def test_the_same_field_gives_the_same_boxes():
    field = draw(WHITES)
    assert find_cells(field) == find_cells(field.copy())


def test_more_sensitive_finds_paler_and_smaller_nuclei():
    field = draw((White(4, 4, 0.3, ((0, 0, 0.22),)),))
    assert find_cells(field) == []
    assert len(find_cells(field, Settings(sensitivity=2))) == 1


@pytest.mark.parametrize(
    "settings",
    [Settings(sensitivity=0), *(Settings(red_cell=size) for size in (1, float("nan"), float("inf"), 1e6))],
)
def test_settings_that_make_no_sense_are_refused(settings: Settings):
    with pytest.raises(SmearError):
        find_cells(draw(), settings)


def test_a_large_field_is_looked_at_with_bounded_memory():
    field = np.tile(draw(WHITES, unit=40, columns=10, rows=8), (6, 5, 1))  # 1,920 x 2,000 px
    tracemalloc.start()
    found = find_by(field, Ruler(40, True), Settings(most_pixels=400_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 3 * 30
    assert peak < 60e6  # 400,000 px in some dozens of floats, and copies of the field; with all its px: over 300 MB


@pytest.mark.skipif(not SMEARS.is_dir(), reason="no real fields here")
def test_real_fields_are_found():
    fields = read_fields(SMEARS, "tune")[::12]
    found = []
    for field in fields:
        rgb = decode_image(field.path.read_bytes())
        found.append(([corners_of(box) for box in find_cells(rgb, USUAL)], field.cells))
    result = judge(found, 0.5)
    assert result.recall.value >= 0.8
    assert result.precision.value >= 0.8
