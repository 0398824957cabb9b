"""The nuclei of the white cells of a field: lobes of one cell joined, nuclei of two cells parted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from core.prediction.smear_settings import Settings
from core.prediction.smear_stain import Mask, Stains

Labels = NDArray[np.int32]
Place = tuple[slice, slice]


def area(unit: float) -> float:
    """The area of a red cell of that diameter."""
    return math.pi / 4 * unit * unit


def body_mask(stains: Stains, settings: Settings) -> Mask:
    """(H, W), True where anything is stained like a white cell: nucleus, granules or cytoplasm."""
    return np.asarray(np.maximum(stains.white, stains.nuclear) > settings.white / settings.sensitivity)


def find_nuclei(stains: Stains, unit: float, settings: Settings) -> tuple[Labels, float]:
    """The nuclei of a field (H, W) in which a red cell measures `unit` px.

    Returns:
        (H, W), 0 or the number of the nucleus that a pixel belongs to, from 1 on; and the threshold of nuclear stain.
    """
    low, high = (limit / settings.sensitivity for limit in settings.nuclear)
    limit = low if np.ptp(stains.nuclear) < low else min(max(float(threshold_otsu(stains.nuclear)), low), high)
    lobes = _larger(ndimage.binary_fill_holes(stains.nuclear > limit), settings.lobe * area(unit))
    if not lobes.any():
        return np.zeros(lobes.shape, np.int32), limit
    near = np.asarray(ndimage.distance_transform_edt(~lobes) <= settings.gap * unit / 2)
    groups = _parted(label(near).astype(np.int32), near, unit, settings)
    nuclei = _joined(np.where(lobes, groups, 0), body_mask(stains, settings), unit, settings)
    enough = np.bincount(nuclei.ravel()) >= settings.nucleus * area(unit) / settings.sensitivity
    enough[0] = False
    numbers = np.cumsum(enough) * enough
    return numbers[nuclei].astype(np.int32), limit


def _parted(groups: Labels, near: Mask, unit: float, settings: Settings) -> Labels:
    """The groups, with those parted by a watershed that have a waist between two ends."""
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(near), 0.05 * unit)
    tops = label(h_maxima(depth, settings.waist * unit) & near)
    number = int(groups.max())
    result = groups.copy()
    for region in regionprops(groups):
        seeds = np.where(region.image, tops[region.slice], 0)
        if np.count_nonzero(np.unique(seeds)) < 2:
            continue
        parts = watershed(-depth[region.slice], seeds, mask=region.image)
        result[region.slice][region.image] = parts[region.image] + number
        number += int(parts.max())
    return result


def _joined(nuclei: Labels, body: Mask, unit: float, settings: Settings) -> Labels:
    """The nuclei, with those joined that lie in one body: it covers the hull around them, and they are not too far."""
    regions = regionprops(nuclei)
    if len(regions) < 2:
        return nuclei
    result = nuclei.copy()
    middles = np.array([region.centroid for region in regions])
    pairs = cKDTree(middles).query_pairs(settings.widest * unit, output_type="ndarray")
    order = np.argsort(np.linalg.norm(middles[pairs[:, 0]] - middles[pairs[:, 1]], axis=1), kind="stable")
    group = {index: index for index in range(len(regions))}
    places = {index: region.slice for index, region in enumerate(regions)}
    for first, second in pairs[order].tolist():
        one, other = sorted((group[first], group[second]))
        if one == other:
            continue
        place = _around(places[one], places[other])
        numbers = regions[one].label, regions[other].label
        (union,) = regionprops(np.isin(result[place], numbers).astype(np.uint8))
        if max(union.image.shape) > settings.widest * unit or union.feret_diameter_max > settings.widest * unit:
            continue
        if body[place][union.slice][union.image_convex].mean() >= settings.covered:
            view = result[place]
            view[view == numbers[1]] = numbers[0]
            places[one] = place
            group = {index: one if now == other else now for index, now in group.items()}
    return result


def _around(one: Place, other: Place) -> Place:
    """The smallest rectangle that holds both."""
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )  # fmt: skip
    return rows, columns


def _larger(mask: Mask, least: float) -> Mask:
    """The connected parts of a mask that have that many pixels at least."""
    parts = label(mask)
    enough = np.bincount(parts.ravel()) >= least
    enough[0] = False
    return np.asarray(enough[parts])
