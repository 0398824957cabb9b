"""A map over a network's square, laid in colour on the image that the square was made of."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.intake import inner_box
from core.prediction.map_places import Places, even

SQUARE: Final = 299  # px; only the rounding of the padding depends on it
# Viridis (van der Walt and Smith, 2015): even steps in lightness, readable for the colour-blind, and neither its greens
# nor its yellow is a colour of stained cells.
COLOURS: Final = np.array(
    [[68, 1, 84], [71, 39, 119], [62, 73, 137], [48, 103, 141], [37, 130, 142], [30, 157, 136], [53, 183, 120],
     [109, 206, 88], [182, 221, 43], [253, 231, 36]], np.float32,
)  # fmt: skip
COVER: Final = 0.8  # exponent of how far a value covers the image; below 1, weak support can be told from none


def on_image(
    map_: NDArray[np.float32], height: int, width: int, size: int = SQUARE, places: Places | None = None
) -> NDArray[np.float32]:
    """A map (h, w) of the square, as (height, width) values over the image: the inverse of `intake.to_square`.

    Bilinear between the centres of the map's places, which makes no value that lies beyond its neighbours; beyond the
    outermost centres their values hold. What lies over the padding is cut off.

    Args:
        size: side of the square, in pixels.
        places: where the map's places lie on the square; None: they divide it evenly.
    """
    left, top, right, bottom = inner_box(height, width, size)
    places = even(size, map_.shape[0]) if places is None else places
    rows = _blend(map_, top + (np.arange(height) + 0.5) * (bottom - top) / height, places)
    return _blend(rows.T, left + (np.arange(width) + 0.5) * (right - left) / width, places).T


def heat_overlay(
    rgb: NDArray[np.uint8], map_: NDArray[np.float32], strength: float, *, full: float | None = None,
    size: int = SQUARE, places: Places | None = None,
) -> NDArray[np.uint8]:  # fmt: skip
    """The image (H, W, 3) with the map (h, w) over it.

    A value of 0 or less has no colour: the image shows as it is. From 0 to `full` the colour goes from violet over
    green to yellow and covers more of the image, up to `strength` of it.

    Args:
        strength: in [0, 1].
        full: value of the strongest colour; None: the map's largest absolute value.
        size, places: as of `on_image`.
    """
    full = float(np.abs(map_).max()) if full is None else full
    if strength <= 0 or not full > 0:
        return rgb.copy()
    heat = np.clip(on_image(map_, *_sides(rgb), size, places) / full, 0, 1)
    cover = (min(strength, 1.0) * heat**COVER)[..., None]
    return np.asarray((rgb * (1 - cover) + coloured(heat) * cover).round(), np.uint8)


def _sides(rgb: NDArray[np.uint8]) -> tuple[int, int]:
    return rgb.shape[0], rgb.shape[1]


def _blend(map_: NDArray[np.float32], at: NDArray[np.float64], places: Places) -> NDArray[np.float32]:
    """Rows (n, w) of a map (h, w) at n positions of the square (px), between its rows."""
    index = np.clip((at - places.first) / places.step, 0, len(map_) - 1)
    below = np.floor(index).astype(np.int64)
    above, share = np.minimum(below + 1, len(map_) - 1), (index - below).astype(np.float32)[:, None]
    return np.asarray(map_[below] * (1 - share) + map_[above] * share, np.float32)


def coloured(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours (..., 3) in [0, 255] of values in [0, 1]."""
    stops = np.linspace(0, 1, len(COLOURS))
    return np.stack([np.interp(heat, stops, COLOURS[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)
