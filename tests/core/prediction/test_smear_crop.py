"""Crops of cells: the share that the cell takes, and the edge of the field."""

import numpy as np
import pytest

from core.prediction.smear import Box
from core.prediction.smear_crop import ACROSS, at_edge, crop, side_of, within
from core.prediction.smear_scale import Ruler
from core.prediction.smear_settings import SmearError

BY_SHARE = Ruler(20, False)


def field() -> np.ndarray:
    """Empty glass with a dark square of 20 px at (40, 30)."""
    rgb = np.full((100, 120, 3), (210, 215, 205), np.uint8)
    rgb[30:50, 40:60] = (60, 40, 90)
    return rgb


def test_the_cell_takes_its_share_in_the_middle():
    found = crop(field(), Box(40, 30, 20, 20), BY_SHARE)
    assert found.rgb.shape == (40, 40, 3)
    assert not found.at_edge
    dark = found.rgb[..., 0] == 60
    assert dark[10:30, 10:30].all()
    assert dark.sum() == 400


def test_a_longer_box_is_not_stretched():
    assert crop(field(), Box(40, 20, 20, 40), BY_SHARE).rgb.shape == (80, 80, 3)


def test_red_cells_say_how_much_of_the_field_is_cut():
    ruler = Ruler(50, True)
    assert side_of(Box(0, 0, 60, 40), ruler) == side_of(Box(0, 0, 90, 120), ruler) == round(ACROSS * 50)
    assert side_of(Box(0, 0, 400, 300), ruler) == 500  # a giant cell is not cut


def test_what_lies_outside_is_empty_glass():
    rgb = field()
    rgb[:20, :20] = (60, 40, 90)
    found = crop(rgb, Box(0, 0, 20, 20), BY_SHARE)
    assert found.at_edge
    assert (found.rgb[:10] == (210, 215, 205)).all()
    assert (found.rgb[10:30, 10:30] == (60, 40, 90)).all()


def test_a_box_that_reaches_out_is_cut_to_the_field():
    assert within(Box(-5, 90, 30, 30, 0.4), 120, 100) == Box(0, 90, 25, 10, 0.4)
    assert crop(field(), Box(-5, 90, 30, 30), BY_SHARE).at_edge


@pytest.mark.parametrize("box", [Box(200, 10, 20, 20), Box(10, 10, 3, 40), Box(-50, 0, 52, 20), Box(5, 5, 20, 0)])
def test_a_box_that_shows_nothing_is_refused(box: Box):
    with pytest.raises(SmearError, match="move or delete it"):
        crop(field(), box, BY_SHARE)


def test_only_a_box_at_the_edge_is_marked():
    assert not at_edge(Box(1, 1, 98, 98), 100, 100)
    assert at_edge(Box(0, 10, 50, 50), 100, 100)
    assert at_edge(Box(20, 30, 40, 70), 100, 100)
