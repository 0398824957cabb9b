"""White cells in a whole field of a blood smear, found by rule: stain separation, threshold, watershed. No weights.

The steps: red cells give the ruler (smear_scale); stains are separated (smear_stain); what is nuclear becomes lobes,
and the lobes of one cell one nucleus (smear_nuclei); the cell is what is stained like white cells around it, within
reach. All lengths are in red cells, so that magnification and camera do not matter; N. Otsu's threshold (IEEE Trans.
Syst. Man Cybern. 9, 1979, 62-66), within limits, parts nuclei from the rest, so that a field without any gives none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label

from core.prediction.smear_nuclei import Labels, area, body_mask, find_nuclei
from core.prediction.smear_scale import Ruler, ruler_of
from core.prediction.smear_settings import Settings
from core.prediction.smear_stain import Pixels, Stains, separate
from core.prediction.smear_view import shrunk


@dataclass(frozen=True)
class Box:
    """A cell in a field (px; x and y of the upper left corner); `score` in 0..1: how much stained nucleus it has."""

    x: int
    y: int
    width: int
    height: int
    score: float = 1.0


USUAL = Settings()


def find_cells(rgb: Pixels, settings: Settings = USUAL) -> list[Box]:
    """The white cells of a field (H, W, 3) of uint8 RGB, the surest first. The same field gives the same boxes.

    Raises SmearError for settings that cannot be used.
    """
    settings.check()
    return find_by(rgb, ruler_of(rgb, settings), settings)


def find_by(rgb: Pixels, ruler: Ruler, settings: Settings = USUAL) -> list[Box]:
    """As `find_cells`, where the ruler is known already."""
    height, width = rgb.shape[:2]
    view, scale = shrunk(rgb, min(settings.look / ruler.diameter, math.sqrt(settings.most_pixels / (height * width))))
    unit = ruler.diameter * scale  # px of the view
    stains = separate(view, max(settings.smoothing * unit, 0.5))
    nuclei, limit = find_nuclei(stains, unit, settings)
    if not nuclei.any():
        return []
    stained = ndimage.sum_labels(stains.nuclear / limit, nuclei, np.arange(1, nuclei.max() + 1)) / area(unit)
    margin = settings.margin * unit
    boxes = []
    for mass, (rows, columns) in zip(
        stained, ndimage.find_objects(_cells(stains, nuclei, unit, settings)), strict=True
    ):
        left, top = (max(0, int((side.start - margin) / scale)) for side in (columns, rows))
        right = min(width, math.ceil((columns.stop + margin) / scale))
        bottom = min(height, math.ceil((rows.stop + margin) / scale))
        boxes.append(Box(left, top, right - left, bottom - top, round(1 - math.exp(-float(mass)), 4)))
    return sorted(boxes, key=lambda box: (-box.score, box.y, box.x))


def _cells(stains: Stains, nuclei: Labels, unit: float, settings: Settings) -> Labels:
    """(H, W) as `nuclei`, each grown over what is stained like a white cell around it, within reach."""
    away, (rows, columns) = ndimage.distance_transform_edt(nuclei == 0, return_indices=True)
    within = away <= settings.reach * unit
    body = (body_mask(stains, settings) | (nuclei > 0)) & within
    thin = settings.thin * unit / 2
    inner = ndimage.distance_transform_edt(np.pad(body, 1, mode="edge")) > thin
    if inner.any():  # what is thinner than that goes
        body &= ndimage.distance_transform_edt(~inner)[1:-1, 1:-1] <= thin
    body |= nuclei > 0
    parts = label(body)
    body &= np.isin(parts, np.unique(parts[nuclei > 0]))
    return np.where(body, nuclei[rows, columns], 0).astype(np.int32)
