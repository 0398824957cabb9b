"""How large a red cell is in a field: the ruler by which white cells are looked for at any magnification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.measure import label, regionprops

from core.prediction.smear_settings import Settings
from core.prediction.smear_stain import Mask, Pixels, separate
from core.prediction.smear_view import shrunk

PREVIEW: Final = 640  # px: the longer side at which red cells are measured
LARGEST_HOLE: Final = 0.004  # share of the field: larger gaps in the red are glass, not the pale middle of a red cell
LEAST_RADIUS: Final = 3.0  # px of the preview: smaller discs are specks
ROUND: Final = (0.92, 0.7)  # least solidity, and least ratio of the axes, of a red cell that lies alone
LIKE_THE_DISCS: Final = (0.7, 1.6)  # a lone cell's diameter beside the discs': specks and clumps lie outside
ALONE: Final = 3  # so many lone cells are a better ruler than the discs
SHRINKS: Final = 0.93  # discs inscribed into overlapping red cells, beside the cells
LARGEST: Final = 0.5  # of the shorter side: what a red cell measures at most
FINE: Final = 24.0  # px of the preview: a smaller red cell in a larger field is looked at closer
ASSUMED: Final = 0.2  # of the shorter side: a field of a 100x objective on a small camera


@dataclass(frozen=True)
class Ruler:
    """A typical red cell's diameter (px of the field), and whether it was measured there or is only assumed."""

    diameter: float
    measured: bool

    @property
    def words(self) -> str:
        """What it is, in a clause."""
        how = "as measured here" if self.measured else "assumed, as no red cells could be measured"
        return f"a red cell takes {self.diameter:.0f} px, {how}"


def ruler_of(rgb: Pixels, settings: Settings) -> Ruler:
    """The ruler that the settings give, or else the one measured in the field (H, W, 3)."""
    return Ruler(settings.red_cell, True) if settings.red_cell else red_cell_diameter(rgb)


def red_cell_diameter(rgb: Pixels) -> Ruler:
    """Measure red cells in a field (H, W, 3): the lone round ones, or else the discs that fit into the clumps.

    Where they are too small to be measured in the whole of a large field, its middle is looked at closer. Where no
    red cells of a size that a field can have are seen (none, or another stain), a fifth of the shorter side is
    assumed, and said so.
    """
    part = rgb
    while True:
        diameter, scale = _measured(part)
        height, width = part.shape[:2]
        whole = scale == 1
        if diameter is not None and (whole or diameter * scale >= FINE):
            return Ruler(diameter, True)
        if whole:
            return Ruler(ASSUMED * min(rgb.shape[:2]), False)
        part = part[height // 4 : height - height // 4, width // 4 : width - width // 4]


def _measured(part: Pixels) -> tuple[float | None, float]:
    """(diameter in px of the field, or None; the scale at which was looked) of the red cells in a part of a field."""
    preview, scale = shrunk(part, PREVIEW / max(part.shape[:2]))
    stains = separate(preview, 1.0)
    red = stains.red & ~ndimage.binary_dilation(stains.nuclear > 0.5, iterations=2)
    discs = _discs(red)
    if discs is None:
        return None, scale
    alone = _alone(red, discs)
    diameter = (discs / SHRINKS if alone is None else alone) / scale
    return (diameter if diameter <= LARGEST * min(part.shape[:2]) else None), scale


def _discs(red: Mask) -> float | None:
    """The diameter (px) of the discs inscribed into the red, that under which half of their area lies."""
    gaps = label(~red)
    sizes = np.bincount(gaps.ravel())
    small = sizes < LARGEST_HOLE * red.size
    small[0] = False
    whole = np.pad(red | small[gaps], 1, mode="edge")
    depth = ndimage.distance_transform_edt(whole)[1:-1, 1:-1]
    peaks = peak_local_max(ndimage.gaussian_filter(depth, 1), min_distance=5, exclude_border=False)
    radii = depth[tuple(peaks.T)]
    radii = radii[radii > LEAST_RADIUS]
    return None if radii.size < ALONE else 2 * _middle(radii)


def _alone(red: Mask, discs: float) -> float | None:
    """The diameter (px) of the round red cells that touch neither another one nor the edge; None: too few."""
    height, width = red.shape
    found = []
    for region in regionprops(label(ndimage.binary_fill_holes(red))):
        top, left, bottom, right = region.bbox
        diameter = region.equivalent_diameter_area
        if top == 0 or left == 0 or bottom == height or right == width:
            continue
        if not LIKE_THE_DISCS[0] * discs <= diameter <= LIKE_THE_DISCS[1] * discs:
            continue
        if region.solidity >= ROUND[0] and region.axis_minor_length >= ROUND[1] * region.axis_major_length:
            found.append(diameter)
    return None if len(found) < ALONE else float(np.median(found))


def _middle(lengths: NDArray[np.float64]) -> float:
    """The length below which half of the area lies that all together have."""
    ordered = np.sort(lengths)
    area = np.cumsum(ordered**2)
    return float(ordered[np.searchsorted(area, area[-1] / 2)])
