"""The cell is found by its stain, wherever colours and surroundings put it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from core.data.cell_mask import BRIDGE, CYTOPLASM, _cell, background_colour, cell_mask

PEACH, WHITE = (254, 226, 200), (236, 232, 240)


def picture(background: tuple[int, int, int], lobes: list[tuple[int, int]], side: int = 96) -> np.ndarray:
    """Dark violet lobes of radius 8 px on a plain background, and a pale red cell in a corner."""
    image = np.full((side, side, 3), background, np.uint8)
    rows, columns = np.ogrid[:side, :side]
    image[np.hypot(rows - 12, columns - 12) < 10] = (214, 170, 165)
    for row, column in lobes:
        image[np.hypot(rows - row, columns - column) < 8] = (90, 30, 130)
    return image


@pytest.mark.parametrize("background", [PEACH, WHITE])
def test_all_lobes_of_a_nucleus_are_the_cell_and_the_red_cell_is_not(background: tuple[int, int, int]) -> None:
    mask = cell_mask(picture(background, [(40, 44), (58, 52)]))
    assert mask[40, 44]
    assert mask[58, 52]
    assert mask[49, 48]  # between the lobes
    assert not mask[12, 12]
    assert not mask[90, 90]
    assert 0.05 < mask.mean() < 0.35


def test_another_nucleus_at_the_edge_is_left_out() -> None:
    mask = cell_mask(picture(WHITE, [(48, 48), (90, 90)]))
    assert mask[48, 48]
    assert not mask[90, 90]


def test_a_picture_without_a_stained_cell_keeps_its_middle() -> None:
    mask = cell_mask(np.full((60, 60, 3), 128, np.uint8))
    assert mask[30, 30]
    assert not mask[0, 0]
    assert mask.mean() == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("background", [PEACH, WHITE])
def test_the_background_colour_is_that_of_the_glass(background: tuple[int, int, int]) -> None:
    assert background_colour(picture(background, [(48, 48)])).tolist() == list(background)


def slowly(nucleus: np.ndarray) -> np.ndarray:
    """The same cell from SciPy's distances over the whole picture, with which the first models were trained."""
    side = len(nucleus)
    widened = ndimage.distance_transform_edt(~nucleus) <= (BRIDGE + CYTOPLASM) * side
    filled = ndimage.binary_fill_holes(widened)
    return ndimage.distance_transform_edt(np.pad(filled, 1, constant_values=True))[1:-1, 1:-1] > BRIDGE * side


@pytest.mark.parametrize("side", [32, 75, 299])
def test_a_cell_is_to_the_pixel_that_of_distances_over_the_whole_picture(side: int) -> None:
    rng = np.random.default_rng(side)
    rows, columns = np.ogrid[:side, :side]
    for lobes in (1, 2, 3, 6, 12):
        nucleus = np.zeros((side, side), np.bool_)
        for row, column, radius in zip(*rng.uniform(0, side, (2, lobes)), rng.uniform(0, side / 5, lobes), strict=True):
            distance = np.hypot(rows - row, columns - column)
            nucleus |= (distance <= radius + 1) & (distance >= radius / 2)  # a ring: its hole is filled or not
        assert (_cell(nucleus) == slowly(nucleus)).all()


def test_a_cell_that_fills_the_picture_is_as_it_was_for_the_first_models() -> None:
    nucleus = np.ones((96, 96), np.bool_)
    assert (_cell(nucleus) == slowly(nucleus)).all()
    assert not _cell(nucleus)[0, 0]


def test_the_background_colour_is_the_median_of_the_brightest_third() -> None:
    image = np.random.default_rng(0).integers(0, 256, (61, 61, 3), dtype=np.uint8)
    pixels = image.reshape(-1, 3)
    bright = pixels[pixels.sum(axis=1) >= np.quantile(pixels.sum(axis=1), 2 / 3)]
    assert background_colour(image).tolist() == np.median(bright, axis=0).tolist()
