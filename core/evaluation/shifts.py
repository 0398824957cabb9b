"""Twelve ways in which images of the same cells differ between slides, microscopes, cameras and files, in five grades.

The idea (graded corruptions that no model is trained or tuned on, and the mean accuracy under them) is that of
D. Hendrycks & T. Dietterich, Benchmarking neural network robustness to common corruptions and perturbations,
ICLR 2019. The strengths are not theirs: photographs bear more than cells do. They were set by eye on images of all five
classes from both hospitals at 224 px: at severity 1 the change is barely visible (but for the covered border, which is
seen at once), at 5 it is strong, but a person still recognises the cell. They were not tuned on the accuracy of any
model.

Lengths are shares of the side, so that a severity looks alike at every size; of small images the weakest blurs stay
within a pixel and change nothing.

Deterministic: what is random about an image (the direction of a change, noise) comes from the seed of that image, and
is the same at every severity. NumPy, SciPy and Pillow only.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from core.evaluation import distort

VERSION = 1  # raise it when any shift gives other pixels: what was measured with another version is measured anew
SEVERITIES = (1, 2, 3, 4, 5)
UNCHANGED = "none"  # the shift of the images as they are, severity 0

Pixels = NDArray[np.uint8]

_CORRUPTIONS = "Hendrycks & Dietterich, ICLR 2019"


class ShiftError(ValueError):
    """There is no such shift or severity; the message names those that there are."""


@dataclass(frozen=True)
class Shift:
    """One way to change images. `strengths` are those of severities 1 to 5, `unit` says what they measure."""

    name: str
    label: str
    what: str  # happens in practice, or is done, in a phrase
    unit: str
    strengths: tuple[float, float, float, float, float]
    source: str  # of the kind of shift
    distorted: Callable[[distort.Floats, float, Generator], distort.Floats]

    def strength(self, severity: int) -> str:
        """With its unit, as text: '18 degrees'."""
        return f"{self.strengths[severity - 1]:g} {self.unit}"


_ALL = (
    Shift("stain", "Stain", "the blue and the red stain scaled and shifted, each up or down (haematoxylin and eosin "
          "of Ruifrok & Johnston: an approximation where cells are stained with May-Grünwald-Giemsa)",
          "(share of the amount)",
          (0.08, 0.16, 0.26, 0.38, 0.52),
          "Tellez et al., Medical Image Analysis 58 (2019); Ruifrok & Johnston 2001", distort.stain),
    Shift("hue", "Hue", "all colours turned, one way or the other", "degrees",
          (5, 10, 18, 28, 40), "Tellez et al., Medical Image Analysis 58 (2019)", distort.hue),
    Shift("brightness", "Brightness", "lighter or darker", "of the range",
          (0.04, 0.08, 0.13, 0.19, 0.25), _CORRUPTIONS, distort.brightness),
    Shift("contrast", "Contrast", "more or less contrast", "(factor 1 + this, or its inverse)",
          (0.12, 0.25, 0.45, 0.75, 1.2), _CORRUPTIONS, distort.contrast),
    Shift("gamma", "Gamma", "another gamma of camera or screen", "(power 1 + this, or its inverse)",
          (0.12, 0.28, 0.5, 0.8, 1.2), "Tellez et al., Medical Image Analysis 58 (2019)", distort.gamma),
    Shift("defocus", "Defocus blur", "out of focus: blurred by a disk", "of the side (radius)",
          (0.004, 0.007, 0.011, 0.015, 0.02), _CORRUPTIONS, distort.defocus),
    Shift("motion", "Motion blur", "the stage moved: blurred along a line", "of the side (length)",
          (0.012, 0.022, 0.036, 0.052, 0.07), _CORRUPTIONS, distort.motion),
    Shift("jpeg", "JPEG quality", "saved again with a lower quality", "of 100 (JPEG quality)",
          (60, 35, 20, 12, 7), _CORRUPTIONS, distort.jpeg),
    Shift("pixelation", "Pixelation", "fewer pixels, then enlarged", "of the pixels a side",
          (0.6, 0.42, 0.3, 0.23, 0.18), _CORRUPTIONS, distort.pixelation),
    Shift("noise", "Noise", "Gaussian noise of the camera", "of the range (standard deviation)",
          (0.02, 0.04, 0.07, 0.11, 0.16), _CORRUPTIONS, distort.noise),
    Shift("scale", "Scale", "another magnification: the cell larger or smaller", "(factor 1 + this, or its inverse)",
          (0.06, 0.13, 0.22, 0.34, 0.5), "Tellez et al., Medical Image Analysis 58 (2019)", distort.scale),
    Shift("border", "Border covered", "a grey frame instead of the surroundings", "of the side (width)",
          (0.02, 0.05, 0.09, 0.13, 0.17), "occlusion: Zeiler & Fergus, ECCV 2014", distort.border),
)  # fmt: skip
SHIFTS: Mapping[str, Shift] = MappingProxyType({shift.name: shift for shift in _ALL})


def shifted(images: Pixels, shift: str, severity: int, seeds: Sequence[int]) -> Pixels:
    """Images as they would be under a shift.

    Args:
        images: (n, S, S, 3) of uint8, RGB.
        shift: a name in `SHIFTS`, or `UNCHANGED`.
        severity: 1 to 5; 0 gives the images as they are.
        seeds: one a image, at least 0, such as `image_seed` gives.

    Returns:
        A new array (n, S, S, 3) of uint8.

    Raises:
        ShiftError: there is no such shift or severity.
        ValueError: there are not as many seeds as images.
    """
    if len(seeds) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(seeds)} seeds; give one a image.")
    if severity == 0 and (shift == UNCHANGED or shift in SHIFTS):
        return images.copy()
    one = find(shift)
    if severity not in SEVERITIES:
        raise ShiftError(f"The severity is {severity}; it must be one of 0 to {SEVERITIES[-1]}.")
    out = np.empty_like(images)
    own = zlib.crc32(shift.encode())  # no two shifts go the same way on an image for the same reason
    for place, (image, seed) in enumerate(zip(images, seeds, strict=True)):
        changed = one.distorted(
            image.astype(np.float64), one.strengths[severity - 1], np.random.default_rng([seed, own])
        )
        out[place] = np.clip(np.rint(changed), 0, 255)
    return out


def find(name: str) -> Shift:
    """The shift of a name. Raises ShiftError when there is none."""
    if name not in SHIFTS:
        raise ShiftError(f"There is no shift {name!r}; there are {', '.join(SHIFTS)}.")
    return SHIFTS[name]


def label(name: str) -> str:
    """What people read for a shift's name; the name itself where it is none of ours any more."""
    return "Unchanged" if name == UNCHANGED else SHIFTS[name].label if name in SHIFTS else name


def image_seed(sha256: str | None, image_id: int) -> int:
    """The seed of an image: from its file's SHA-256 (hex), so that it is shifted alike in every data set."""
    return int(sha256[:12], 16) if sha256 else image_id
