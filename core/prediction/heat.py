"""A map over a network's square, laid in colour on the image that the square was made of."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.intake import inner_box

SQUARE: Final = 299  # px; only the rounding of the padding depends on it
# Cividis (Nunez, Anderton and Renslow, PLOS ONE 2018) without its darkest fifth: made for colour-blind readers, with
# even steps in lightness, and neither blue nor yellow is a colour of stained cells.
COLOURS: Final = np.array(
    [[24, 69, 120], [66, 78, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 180, 105],
     [225, 204, 85], [254, 232, 56]], np.float32,
)  # fmt: skip


def on_image(map_: NDArray[np.float32], height: int, width: int, size: int = SQUARE) -> NDArray[np.float32]:
    """A map (h, w) of the square, as (height, width) values over the image: the inverse of `intake.to_square`.

    Bilinear, which makes no value that lies beyond its neighbours. What lies over the padding is cut off.

    Args:
        size: side of the square, in pixels.
    """
    left, top, right, bottom = inner_box(height, width, size)
    down, across = map_.shape[0] / size, map_.shape[1] / size
    box = (left * across, top * down, right * across, bottom * down)
    image = Image.fromarray(np.ascontiguousarray(map_, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box), np.float32)


def heat_overlay(
    rgb: NDArray[np.uint8], map_: NDArray[np.float32], strength: float, *, full: float | None = None, size: int = SQUARE
) -> NDArray[np.uint8]:
    """The image (H, W, 3) with the map (h, w) over it.

    A value of 0 or less has no colour: the image shows as it is. From 0 to `full` the colour goes from blue to yellow
    and covers more of the image, up to `strength` of it.

    Args:
        strength: in [0, 1].
        full: value of the strongest colour; None: the map's largest absolute value.
        size: side of the square that the map was made of, in pixels.
    """
    full = float(np.abs(map_).max()) if full is None else full
    if strength <= 0 or not full > 0:
        return rgb.copy()
    height, width = rgb.shape[:2]
    heat = np.clip(on_image(map_, height, width, size) / full, 0, 1)
    cover = (min(strength, 1.0) * np.sqrt(heat))[..., None]  # the root: weak support can still be told from none
    return np.asarray((rgb * (1 - cover) + coloured(heat) * cover).round(), np.uint8)


def coloured(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours (..., 3) in [0, 255] of values in [0, 1]."""
    stops = np.linspace(0, 1, len(COLOURS))
    return np.stack([np.interp(heat, stops, COLOURS[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)
