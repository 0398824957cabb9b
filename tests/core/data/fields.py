"""Made-up fields of a smear, larger than an image, and what may happen to a crop of one before it is filed twice."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.data.phash import turned

Picture = NDArray[np.uint8]


def field(seed: int, height: int = 300, width: int = 300, cells: int = 40) -> Picture:
    """A bright ground with dark, grainy round cells, each at its own place, size and stain."""
    return _field(seed, height, width, cells).copy()


@lru_cache(maxsize=128)
def _field(seed: int, height: int, width: int, cells: int) -> Picture:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    grain = gaussian_filter(rng.normal(0, 1, (height, width)), 3)
    grain = gaussian_filter(rng.normal(0, 1, (height, width)), 1.5) * 12 + grain * 40
    dark = np.zeros((height, width))
    for _ in range(cells):
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(8, 26)
        inside = np.clip(radius * rng.uniform(0.9, 1.1) - np.hypot(y - cy, (x - cx) * rng.uniform(0.8, 1.2)), 0, 3) / 3
        dark = np.maximum(dark, inside * rng.uniform(40, 130))
    values = 225 - dark + grain * (dark > 5) + rng.normal(0, 1.5, (height, width))
    tint = np.array([1.0, 0.93, 0.97])
    return (values[..., None] * tint).clip(0, 255).astype(np.uint8)


def crop(picture: Picture, top: int, left: int, side: int) -> Picture:
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def turn(picture: Picture, symmetry: str) -> Picture:
    """An RGB picture after one of the eight symmetries."""
    return np.ascontiguousarray(np.moveaxis(turned(np.moveaxis(picture, 2, 0), symmetry), 0, 2))


def jpeg(picture: Picture, quality: int) -> Picture:
    """What is left of a picture after JPEG."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def save(picture: Picture, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
