"""Whether an image is one that the model can be asked about: focus, exposure, stain, size, beside its training images.

Four measures, each compared with those of the training images; what lies beyond all but LEVEL of them, on a side that
matters, is flagged. They are taken from the square that the network sees, so they do not depend on the camera's
resolution as long as the image is large enough. None of them knows of classes, and none was fitted to images that a
model should refuse: a flag says "unlike the training images", its absence says little.

References: S. Pertuz, D. Puig, M. A. Garcia, Pattern Recognition 46 (2013) 1415-1432 (variance of the Laplacian as a
measure of focus); A. Ruifrok, D. Johnston, Anal Quant Cytol Histol 23 (2001) 291-299 (optical density of stains).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from core.data.cell_mask import background_colour
from core.prediction.reading import BLUR, EXPOSURE, SIZE, STAIN, Flag

Pixels = NDArray[np.uint8]

VERSION: Final = 1  # raise it when the same images give other measures
LEVEL: Final = 0.005  # share of the training images that a limit leaves outside, a side
NEIGHBOURS: Final = 5  # the stain of an image is as far as that of so many training images at the least
FEWEST: Final = 20  # training images: with fewer there is no saying what is usual
DARK: Final = 0.15  # share of the pixels, the darkest, that count as stained
CLIPPED: Final = (1, 254)  # a pixel beyond these, in all channels, holds no picture
SMALLER, LARGER, LONGER = 0.5, 3.0, 1.1  # of the training images' least side, largest side, longest shape

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class QualityError(ValueError):
    """No limits can be learnt; the message says why."""


@dataclass(frozen=True)
class Measures:
    """Of one image.

    Attributes:
        sharpness: log10 of the variance of the Laplacian of its brightness (of 255).
        brightness: mean, in [0, 1].
        clipped: share of pixels that are white or black altogether.
        stain: (6,) optical densities, a channel: of the empty glass, and of the stained parts.
        sides: width and height (px) of the image as it came.
    """

    sharpness: float
    brightness: float
    clipped: float
    stain: tuple[float, ...]
    sides: tuple[int, int]


def measure(square: Pixels, width: int, height: int) -> Measures:
    """Measure a square (S, S, 3) of uint8 RGB made of an image of `width` x `height` px."""
    light = square.astype(np.float32) @ _LUMA
    variance = float(ndimage.laplace(light).var())
    red, green, blue = np.moveaxis(square, 2, 0)  # reducing three planes takes a tenth of reducing the last axis
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    beyond = (most <= CLIPPED[0]) | (least >= CLIPPED[1])
    dark = light <= np.quantile(light, DARK)
    stained, glass = square[dark].astype(np.float32).mean(axis=0), background_colour(square)
    stain = -np.log10(np.maximum(np.concatenate([glass, stained]), 1) / 255)
    return Measures(
        float(np.log10(variance + 1e-6)), float(light.mean() / 255), float(beyond.mean()),
        tuple(stain.astype(float).tolist()), (width, height),
    )  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What is usual among the training images.

    Attributes:
        n: training images.
        sharpness: (limit, median); below the limit an image is blurred.
        brightness: (limit, median, limit).
        clipped: limit.
        stain: limit of the distance to the nearest training images, in deviations of the training images.
        points: (n, 6) their stains.
        sides: least and largest side (px).
        shape: longest side by shortest, at the most.
    """

    n: int
    sharpness: tuple[float, float]
    brightness: tuple[float, float, float]
    clipped: float
    stain: float
    points: NDArray[np.float32]
    sides: tuple[int, int]
    shape: float

    def flags(self, found: Measures) -> tuple[Flag, ...]:
        """Focus, exposure, stain and size of an image, in this order."""
        return self._blur(found), self._exposure(found), self._stain(found), self._size(found)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"points": np.round(self.points, 4).astype(float).tolist(), "version": VERSION}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Limits:
        """Raises ValueError, KeyError, TypeError for what `to_json` has not written."""
        if data["version"] != VERSION:
            raise ValueError("the limits are of another version")
        low, high = data["sides"]
        return Limits(
            int(data["n"]), (float(data["sharpness"][0]), float(data["sharpness"][1])),
            (float(data["brightness"][0]), float(data["brightness"][1]), float(data["brightness"][2])),
            float(data["clipped"]), float(data["stain"]), np.array(data["points"], np.float32), (int(low), int(high)),
            float(data["shape"]),
        )  # fmt: skip

    def _blur(self, found: Measures) -> Flag:
        limit, usual = self.sharpness
        beside = f"sharpness {found.sharpness:.2f}; usual is {usual:.2f}, the limit {limit:.2f}"
        if found.sharpness < limit:
            return Flag(BLUR, True, f"The image is blurred ({beside}).", found.sharpness, limit)
        return Flag(BLUR, False, f"As sharp as the training images ({beside}).", found.sharpness, limit)

    def _exposure(self, found: Measures) -> Flag:
        low, _, high = self.brightness
        if found.clipped > self.clipped:
            words = f"{found.clipped:.0%} of the pixels are white or black altogether"
            return Flag(EXPOSURE, True, f"The image is clipped: {words}.", found.clipped, self.clipped)
        beside = f"mean brightness {found.brightness:.2f}; usual is {low:.2f} to {high:.2f}"
        if low <= found.brightness <= high:
            return Flag(EXPOSURE, False, f"As bright as the training images ({beside}).", found.brightness)
        dark = found.brightness < low
        words = "underexposed" if dark else "overexposed"
        return Flag(EXPOSURE, True, f"The image is {words} ({beside}).", found.brightness, low if dark else high)

    def _stain(self, found: Measures) -> Flag:
        far = float(_distances(self.points, np.array([found.stain]), 0)[0])
        beside = f"distance {far:.2f}; the limit is {self.stain:.2f}"
        if far > self.stain:
            return Flag(STAIN, True, f"Stain or background is unlike the training images' ({beside}).", far, self.stain)
        return Flag(STAIN, False, f"Stain and background are like some training images' ({beside}).", far, self.stain)

    def _size(self, found: Measures) -> Flag:
        width, height = found.sides
        short, long = min(found.sides), max(found.sides)
        what = f"The image is {width} x {height} px"
        if short < SMALLER * self.sides[0]:
            limit = SMALLER * self.sides[0]
            return Flag(
                SIZE, True, f"{what}; at least {limit:.0f} px a side are needed to see a cell.", short, limit, "px"
            )
        if long > LONGER * self.shape * short:
            words = f"{what}, longer than any training image; show one cell in the middle of a square"
            return Flag(SIZE, True, f"{words}, or use the page Field.", long / short, LONGER * self.shape)
        if long > LARGER * self.sides[1]:
            limit = LARGER * self.sides[1]
            words = f"{what}, far larger than the training images (at most {self.sides[1]} px)"
            return Flag(SIZE, True, f"{words}; is it a whole field? The page Field reads those.", long, limit, "px")
        return Flag(SIZE, False, f"{what}, a usual size.", short, SMALLER * self.sides[0], "px")


def learn(found: Sequence[Measures]) -> Limits:
    """Limits from the training images' measures. Raises QualityError with fewer than FEWEST images."""
    if len(found) < FEWEST:
        raise QualityError(
            f"There are {len(found)} training images; from fewer than {FEWEST} nobody can tell what is usual."
        )
    sharpness = np.array([one.sharpness for one in found])
    brightness = np.array([one.brightness for one in found])
    points = np.array([one.stain for one in found], np.float32)
    sides = np.array([one.sides for one in found])
    low, middle, high = np.quantile(brightness, [LEVEL, 0.5, 1 - LEVEL])
    return Limits(
        len(found), (float(np.quantile(sharpness, LEVEL)), float(np.median(sharpness))),
        (float(low), float(middle), float(high)),
        float(max(np.quantile([one.clipped for one in found], 1 - LEVEL), 0.02)),
        float(np.quantile(_distances(points, points, 1), 1 - LEVEL)), points,
        (int(sides.min()), int(sides.max())), float((sides.max(axis=1) / sides.min(axis=1)).max()),
    )  # fmt: skip


def _distances(points: NDArray[np.float32], of: NDArray[Any], own: int) -> NDArray[np.float64]:
    """Mean distance (n,) of `of` (n, 6) to the nearest NEIGHBOURS points, without the first `own`: the image itself."""
    scale = np.maximum(points.std(axis=0), 1e-3).astype(np.float64)
    k = min(NEIGHBOURS + own, len(points))
    near = np.asarray(cKDTree(points / scale).query(np.asarray(of, dtype=np.float64) / scale, k=k)[0])
    return np.asarray(near.reshape(len(of), k)[:, own:].mean(axis=1))
