"""Where the white cell is in a picture of one: its stained nucleus, and the cytoplasm around it.

A segmentation by rule, not learned: no hospital's masks were needed for it. It serves to take the surroundings away,
not to measure a cell.
"""

from __future__ import annotations

from functools import lru_cache
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
    middle, disk = _from_middle(side)
    if not n:
        return disk.copy()
    sizes = np.bincount(parts.ravel(), minlength=n + 1)
    reaching = np.bincount(parts[middle], minlength=n + 1) > 0
    wanted = (sizes >= SMALLEST * side * side) & reaching
    wanted[0] = False  # what is no part
    if not wanted.any():
        return disk.copy()
    return _cell(wanted[parts])


def _cell(nucleus: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bridge, fill and widen (S, S). Beyond the reach of the nucleus all is background, and is not looked at."""
    side = len(nucleus)
    bridge, around = BRIDGE * side, CYTOPLASM * side
    reach = int(bridge + around) + 2
    rows, columns = np.flatnonzero(nucleus.any(axis=1)), np.flatnonzero(nucleus.any(axis=0))
    window = tuple(slice(max(0, int(at[0]) - reach), int(at[-1]) + reach + 1) for at in (rows, columns))
    widened = _near(nucleus[window], bridge + around)
    outside, n = ndimage.label(~widened)
    open_ = np.zeros(n + 1, np.bool_)
    for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        open_[edge] = True
    open_[0] = False  # the cell itself; all other parts that do not reach the edge are holes in it
    if not open_.any():
        # The cell fills the picture. SciPy's distance to no background at all, with which models were trained, is that
        # to a place beyond the first corner.
        corner = np.hypot(np.arange(side)[:, None] + 2, np.arange(side) + 1)
        return np.asarray(corner > bridge)
    found = np.zeros_like(nucleus)
    found[window] = ~_near(open_[outside], bridge)
    return found


def _near(there: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Where something is at most `radius` px away (Euclidean), (H, W); nothing is beyond the edges.

    Distances along the columns first, then along the rows, in whole numbers and only as far as the radius: a fraction
    of the time of a distance transform (the separable ones are in R. Fabbri et al., ACM Computing Surveys 40, 2008).
    """
    most = int(radius)
    while (most + 1) ** 2 <= radius**2:
        most += 1
    height, width = there.shape
    far = most + 1
    kind = np.int16 if 2 * far * far < 2**15 else np.int32
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(there, rows, -far - height), axis=0)
    below = np.minimum.accumulate(np.where(there, rows, 2 * height + far)[::-1], axis=0)[::-1]
    down = np.minimum(np.minimum(rows - above, below - rows), far).astype(kind)
    squares = np.full((height, width + 2 * far), far * far, kind)
    squares[:, far : far + width] = np.square(down)
    least = squares[:, far : far + width].copy()
    for step in range(1, most + 1):
        add = kind(step * step)
        for start in (far - step, far + step):
            np.minimum(least, squares[:, start : start + width] + add, out=least)
    return np.asarray(least <= radius * radius)


@lru_cache(maxsize=8)
def _from_middle(side: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where parts of a nucleus must reach, and the disk that stands for a cell that was not found, (S, S) each."""
    middle = (side - 1) / 2
    rows, columns = np.ogrid[:side, :side]
    distance = np.hypot(rows - middle, columns - middle)
    return distance <= NEAR_CENTRE * side, np.asarray(distance <= side * np.sqrt(1 / (3 * np.pi)))


def background_colour(square: Pixels) -> NDArray[np.float32]:
    """The colour (3,) of the empty glass in a picture (S, S, 3): the median of its brightest third, 0 to 255."""
    pixels = np.ascontiguousarray(square.reshape(-1, 3).T, dtype=np.float32)  # (3, P)
    brightness = pixels[0] + pixels[1] + pixels[2]
    bright = brightness >= np.quantile(brightness, 2 / 3)
    return np.array([np.median(channel[bright]) for channel in pixels], np.float32)


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
