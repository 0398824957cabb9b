"""Stain separation in a field of a Romanowsky-stained smear: what is nucleus, white cell and red cell, pixel by pixel.

Light that goes through stains loses the sum of their optical densities, each stain in its own proportion of red, green
and blue (A. C. Ruifrok, D. A. Johnston, Anal. Quant. Cytol. Histol. 23, 2001, 291-299). The proportions of the red
cells are read off the field itself, as M. Macenko et al. do for both stains (ISBI 2009, 1107-1110), so that camera and
laboratory matter less; what they explain is taken away. Blue light tells how much of it there is: red cells absorb it,
nuclei and white cytoplasm much less of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from core.data.cell_mask import background_colour

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

RED_CELL: Final = (0.4, 1.0, 0.85)  # density of a red cell in R, G and B, beside its G: where a field shows none
LEAST_RED: Final = 0.01  # share of the field that red cells cover at least, for their colour to be taken from it
LEAST_DENSITY: Final = 0.04  # of a red cell, in green: less is noise on empty glass
STAINED: Final = (0.10, 0.16)  # limits of the density, summed over R, G and B, from which on anything counts as stained
RED: Final = 0.4  # of what it absorbs of green, a red cell absorbs more of blue, nuclei and white cytoplasm less


@dataclass(frozen=True)
class Stains:
    """A field (H, W) as densities in units of a typical red cell's density in green light, hence without unit.

    Attributes:
        nuclear: (H, W) absorption of red light beyond what red cells explain: azure B bound to DNA; 1 or more in a
            nucleus.
        white: (H, W) absorption of green light beyond what red cells explain: nuclei, granules and white cytoplasm.
        red: (H, W) True where red cells lie.
        stained: share of the field that anything stained covers.
    """

    nuclear: Values
    white: Values
    red: Mask
    stained: float


def separate(rgb: Pixels, smoothing: float) -> Stains:
    """Separate the stains of a field (H, W, 3) of uint8 RGB.

    Args:
        smoothing: standard deviation of the Gaussian that takes away the camera's noise (px).
    """
    glass = np.log10(np.maximum(background_colour(rgb), 1)).astype(np.float32)
    density = np.empty(rgb.shape, np.float32)
    for channel in range(3):
        layer = glass[channel] - np.log10(np.maximum(rgb[..., channel].astype(np.float32), 1))
        ndimage.gaussian_filter(layer, smoothing, output=density[..., channel])
    total = density.sum(axis=2)
    low, high = STAINED
    flat = float(np.ptp(total)) < low
    # Where nuclei are far darker than red cells, Otsu parts these two, and the upper limit takes the red cells in.
    stained = total > (low if flat else min(max(float(threshold_otsu(total)), low), high))
    reddish = stained & (density[..., 2] > RED * density[..., 1])
    red, green, blue = np.multiply(RED_CELL, 3 * LEAST_DENSITY)
    if reddish.mean() >= LEAST_RED:
        seen = np.median(density[reddish], axis=0)
        if seen[1] >= LEAST_DENSITY and seen[2] > 0:
            red, green, blue = seen
    nuclear = (density[..., 0] - np.float32(red / blue) * density[..., 2]) / np.float32(green)
    white = (density[..., 1] - np.float32(green / blue) * density[..., 2]) / np.float32(green)
    return Stains(np.asarray(nuclear, np.float32), np.asarray(white, np.float32), reddish, float(stained.mean()))
