"""Where the white cell is in a picture of one: its stained nucleus, and the cytoplasm around it.

A segmentation by rule, not learned: no hospital's masks were needed for it. It serves to take the surroundings away,
not to measure a cell.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NEAR_CENTRE: Final = 0.3  # of the side: what of the nucleus reaches nearer to the middle belongs to the cell
LEAST_STAIN: Final = 20.0  # of 255: a picture whose stain varies less shows no nucleus
SMALLEST: Final = 0.004  # share of the picture that a part of a nucleus has at least
CYTOPLASM: Final = 0.11  # of the side: how far the cell reaches beyond its nucleus, at the most
BRIDGE: Final = 0.05  # of the side: half the gap between two lobes of one nucleus

Pixels = NDArray[np.uint8]


def cell_mask(square: Pixels) -> NDArray[np.bool_]:
    """The cell in a square picture (S, S, 3) of uint8 RGB: (S, S), True where it is.

    The nucleus is what absorbs green and lets blue through, above a threshold by N. Otsu (IEEE Trans. Syst. Man Cybern.
    9, 1979) on that difference; its parts near the middle, bridged, filled and widened, are the cell. Where nothing
    near the middle is stained, a disk in the middle that covers a third of the picture.
    """
    side = len(square)
    colours = square.astype(np.float32)
    stained = ndimage.gaussian_filter(colours[..., 2] - colours[..., 1] + 0.5 * (255 - colours[..., 1]), side / 96)
    parts, n = ndimage.label(stained > _otsu(stained)) if np.ptp(stained) > LEAST_STAIN else (stained, 0)
    middle = (side - 1) / 2
    rows, columns = np.ogrid[:side, :side]
    distance = np.hypot(rows - middle, columns - middle)
    keep = np.zeros((side, side), np.bool_)
    if n:
        index = np.arange(1, n + 1)
        sizes = ndimage.sum_labels(np.ones_like(parts), parts, index)
        nearest = ndimage.minimum(distance, parts, index)
        wanted = index[(sizes >= SMALLEST * side * side) & (nearest <= NEAR_CENTRE * side)]
        keep = np.isin(parts, wanted)
    if not keep.any():
        return np.asarray(distance <= side * np.sqrt(1 / (3 * np.pi)))
    bridge, around = BRIDGE * side, CYTOPLASM * side
    widened = ndimage.distance_transform_edt(~keep) <= bridge + around
    filled = ndimage.binary_fill_holes(widened)
    inside = ndimage.distance_transform_edt(np.pad(filled, 1, constant_values=True))[1:-1, 1:-1] > bridge
    return np.asarray(inside)


def background_colour(square: Pixels) -> NDArray[np.float32]:
    """The colour (3,) of the empty glass in a picture (S, S, 3): the median of its brightest third, 0 to 255."""
    pixels = square.reshape(-1, 3).astype(np.float32)
    brightness = pixels.sum(axis=1)
    return np.asarray(np.median(pixels[brightness >= np.quantile(brightness, 2 / 3)], axis=0))


def _otsu(values: NDArray[np.float32]) -> float:
    """The threshold that parts the values into two groups with the greatest variance between them."""
    counts, edges = np.histogram(values, bins=128)
    centres = (edges[:-1] + edges[1:]) / 2
    low = np.cumsum(counts)
    high = low[-1] - low
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = low * high * (total / low - (total[-1] - total) / high) ** 2
    return float(centres[np.nanargmax(np.where((low > 0) & (high > 0), between, -1))])
