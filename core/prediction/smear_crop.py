"""The picture of one cell of a field, cut as the training images are cut: a square with the cell's surroundings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.data.cell_mask import background_colour
from core.prediction.smear import Box
from core.prediction.smear_scale import Ruler
from core.prediction.smear_settings import SmearError
from core.prediction.smear_stain import Pixels

ACROSS: Final = 4.6  # red cells that the side of a training image measures in blood5: 5.0 Barcelona's, 4.3 Munich's
LARGEST: Final = 0.8  # of the side that the cell takes at most, however large it is
SHARE: Final = 0.5  # of the side that the cell takes, where the field shows no red cells to go by
LEAST: Final = 8  # px: sides of a box below which nothing can be read
EDGE: Final = 0.01  # of a box's shorter side: as near to the edge of the field, a cell is taken to be cut by it


@dataclass(frozen=True)
class Crop:
    """A square (S, S, 3) of uint8 RGB around a cell, and whether the field's edge cuts the cell."""

    rgb: Pixels
    at_edge: bool


def crop(rgb: Pixels, box: Box, ruler: Ruler) -> Crop:
    """The square around a box, as many red cells across as training images are; never scaled.

    So a small cell looks small, as it does in training. How many red cells that is was measured in blood5 alone and
    is taken for every model: one that was trained on cells of another scale sees them too large or too small. What lies
    beyond the field is filled with the colour of empty glass around the cell.

    Raises SmearError where the box does not lie in the field (H, W, 3), or is too small to be read.
    """
    inside = within(box, rgb.shape[1], rgb.shape[0])
    return Crop(square_of(rgb, inside, side_of(inside, ruler)), at_edge(box, rgb.shape[1], rgb.shape[0]))


def square_of(rgb: Pixels, inside: Box, side: int) -> Pixels:
    """The square of `side` px around the middle of a box that lies in the field (H, W, 3)."""
    left = round(inside.x + inside.width / 2 - side / 2)
    top = round(inside.y + inside.height / 2 - side / 2)
    seen = rgb[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    square = np.empty((side, side, 3), np.uint8)
    square[:] = background_colour(seen).round().astype(np.uint8)
    down, right = max(0, -top), max(0, -left)
    square[down : down + seen.shape[0], right : right + seen.shape[1]] = seen
    return square


def side_of(box: Box, ruler: Ruler) -> int:
    """The side (px) of the square that is cut around a box."""
    longer = max(box.width, box.height)
    return round(max(ACROSS * ruler.diameter, longer / LARGEST)) if ruler.measured else round(longer / SHARE)


def at_edge(box: Box, width: int, height: int) -> bool:
    """Whether a box reaches the edge of a field of that size (px), so that a part of its cell may be missing."""
    near = EDGE * min(box.width, box.height)
    reach = (box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return min(reach) <= near


def within(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in a field of that size (px). Raises SmearError where too little of it does."""
    left, top = max(0, box.x), max(0, box.y)
    right, bottom = min(width, box.x + box.width), min(height, box.y + box.height)
    if right - left < LEAST or bottom - top < LEAST:
        raise SmearError(
            f"The box at {box.x}, {box.y} of {box.width} x {box.height} px shows under {LEAST} x {LEAST} px of the "
            f"field of {width} x {height} px; move or delete it."
        )
    return replace(box, x=left, y=top, width=right - left, height=bottom - top)


def check_all(boxes: Iterable[Box], width: int, height: int) -> tuple[Box, ...]:
    """Every box cut to the field. Raises SmearError for the first that cannot be read."""
    return tuple(within(box, width, height) for box in boxes)
