"""Points of a picture that another crop of the same field shows too, each with a description of what lies around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter, maximum_filter

from core.data.correlation import Plane, band

POINTS: Final = 24  # a picture, the strongest ones
REACH: Final = 8  # px around a point that describe it
LENGTH: Final = 24  # numbers of a description
LEAST_SIDE: Final = 3 * REACH  # px: below, no point has enough around it
_APART: Final = 7  # px, window in which a point is the strongest
_FINE, _COARSE = 1.0, 3.0  # px, of the band whose extrema are the points
_FAINTEST: Final = 1.0  # grey values
_FREQUENCIES: Final = 5


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Points of one picture: `at` (n, 2) rows and columns, `bright` (n,), `around` (n, LENGTH) of unit length."""

    at: NDArray[np.int32]
    bright: NDArray[np.bool_]
    around: NDArray[np.float32]


def keypoints(field: NDArray[np.uint8]) -> Keypoints:
    """The points of a grey picture: extrema of a difference of Gaussians, as in Lowe (IJCV 60, 2004), at one scale and
    one orientation, since crops of a field differ in neither. Described by the lowest frequencies of the cosine
    transform of the band-passed pixels around them, whatever their contrast.
    """
    if min(field.shape) < LEAST_SIDE:
        return _chosen(np.zeros((0, 2), np.intp), np.zeros(0, np.bool_), np.zeros((0, 1, 1), np.float32))
    grey = field.astype(np.float32)
    blobs = gaussian_filter(grey, _FINE) - gaussian_filter(grey, _COARSE)
    strength = np.zeros_like(grey)
    inner = (slice(REACH, -REACH), slice(REACH, -REACH))
    strength[inner] = np.abs(blobs[inner])
    peaks = np.flatnonzero((strength == maximum_filter(strength, _APART)) & (strength > _FAINTEST))
    strongest = peaks[np.argsort(-strength.ravel()[peaks], kind="stable")[:POINTS]]
    rows, columns = np.divmod(strongest, grey.shape[1])
    reach = np.arange(-REACH, REACH + 1)
    wide: Plane = band(field)
    patches = wide[rows[:, None, None] + reach[:, None], columns[:, None, None] + reach]
    return _chosen(np.stack([rows, columns], axis=1), blobs[rows, columns] > 0, patches)


def _chosen(at: NDArray[np.intp], bright: NDArray[np.bool_], patches: NDArray[np.float32]) -> Keypoints:
    if not len(at):
        return Keypoints(at.astype(np.int32), bright, np.zeros((0, LENGTH), np.float32))
    spectrum = dctn(patches, axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
    around = spectrum.reshape(len(at), -1)[:, 1:]  # without the first: how bright the surroundings are
    around = around / np.maximum(np.linalg.norm(around, axis=1, keepdims=True), 1e-6)
    return Keypoints(at.astype(np.int32), bright, around.astype(np.float32))
