"""What is kept of a decoded image to compare it with all others: two small grey pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMB: Final = 64  # px, side of the whole picture squashed to a square
MOST: Final = 128  # px, longest side of the field picture

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two views of one image.

    Attributes:
        thumb: (THUMB, THUMB), the whole picture; comparable between files of any size.
        field: (height, width), at most MOST a side: the image halved as often as needed. Two crops of one field keep
            the same scale as long as both are halved equally often, whatever their sizes.
        halved: how often.
    """

    thumb: Grey
    field: Grey
    halved: int


def fingerprint(rgb: NDArray[np.uint8], with_field: bool = True) -> Fingerprint:
    """The fingerprint of an RGB image (height, width, 3); without its field, that is empty."""
    grey = Image.fromarray(rgb).convert("L")
    halved = 0
    while max(grey.size) > MOST << halved:
        halved += 1
    field = grey.reduce(1 << halved) if halved else grey
    scaling = Image.Resampling.BOX if min(grey.size) >= THUMB else Image.Resampling.BICUBIC
    thumb = grey.resize((THUMB, THUMB), scaling)
    kept = np.array(field, np.uint8) if with_field else np.zeros((0, 0), np.uint8)
    return Fingerprint(np.array(thumb, np.uint8), kept, halved)
