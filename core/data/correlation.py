"""Band-passed grey pictures and how alike two of them are: phase correlation and normalised correlation."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter

FINE, COARSE = 1.0, 5.0  # px, standard deviations: noise of encoding lies below, light and stain above
STRONG: Final = 8.0  # grey values
BLOCKS: Final = 3
LEAST_BLOCK: Final = 0.6  # correlation of every part of what is one picture
TOLD: Final = 2.0  # grey values that a part must vary by to be judged: what encoding does is less
SILENT: Final = 0.5  # grey values: a picture whose band varies less shows nothing that could be recognised

Plane = NDArray[np.float32]


def plain(grey: NDArray[np.uint8]) -> Plane:
    """Grey values as they are."""
    return grey.astype(np.float32)


def band(grey: NDArray[np.uint8], fine: float = FINE, coarse: float = COARSE) -> Plane:
    """A difference of Gaussians of pictures (..., height, width), in grey values."""
    values = plain(grey)
    axes = (-2, -1)
    return gaussian_filter(values, fine, axes=axes) - gaussian_filter(values, coarse, axes=axes)


def detail(grey: NDArray[np.uint8], fine: float = FINE, coarse: float = COARSE) -> Plane:
    """The band with strong contrasts compressed, in (-STRONG, STRONG): a black frame or the rim of a dark cell, which
    different pictures have in common, must not outweigh everything else.
    """
    values = band(grey, fine, coarse)
    return (values / (1 + np.abs(values) / STRONG)).astype(np.float32, copy=False)


def correlation(a: Plane, b: Plane) -> float:
    """Normalised (Pearson) correlation of two equal rectangles, in [-1, 1]; 0 where one of them is silent."""
    a, b = a - a.mean(), b - b.mean()
    size_a, size_b = float(np.sqrt((a * a).mean())), float(np.sqrt((b * b).mean()))
    return float((a * b).mean()) / (size_a * size_b) if min(size_a, size_b) > SILENT else 0.0


def least_block(a: Plane, b: Plane, told: int = 1) -> float:
    """The lowest correlation among BLOCKS x BLOCKS parts of two equal rectangles, silent parts left out;
    0 where fewer than `told` parts are not silent: a lone outline can be that of many cells.

    What two different pictures have in common, such as a round mask or the outline of a cell cut out on black, can
    make their correlation high; where the one picture is the other, every part of it is.
    """
    rows = np.linspace(0, a.shape[0], BLOCKS + 1).astype(int)
    columns = np.linspace(0, a.shape[1], BLOCKS + 1).astype(int)
    found = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            one, other = a[top:bottom, left:right], b[top:bottom, left:right]
            if max(one.std(), other.std()) > TOLD:
                found.append(correlation(one, other))
    return min(found) if len(found) >= told else 0.0


def overlap(a: Plane, b: Plane, dy: int, dx: int) -> tuple[Plane, Plane]:
    """The part of a and of b that both show when b's corner lies at (dy, dx) of a; maybe empty."""
    top, bottom = max(0, dy), min(a.shape[0], b.shape[0] + dy)
    left, right = max(0, dx), min(a.shape[1], b.shape[1] + dx)
    if bottom <= top or right <= left:
        return a[:0, :0], b[:0, :0]
    return a[top:bottom, left:right], b[top - dy : bottom - dy, left - dx : right - dx]


def phase_shift(a: Plane, b: Plane) -> tuple[int, int]:
    """By how many pixels (down, right) b's content must be moved to lie on a's, for two equal rectangles.

    The peak of the phase correlation (Kuglin and Hines, Proc. IEEE Int. Conf. Cybernetics and Society, 1975) under a
    Hann window.
    """
    height, width = a.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    cross = rfft2(a * window) * np.conj(rfft2(b * window))
    peaks = irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=a.shape)
    down, right = np.unravel_index(int(peaks.argmax()), peaks.shape)
    return (
        int(down) - height if down > height // 2 else int(down),
        int(right) - width if right > width // 2 else int(right),
    )
