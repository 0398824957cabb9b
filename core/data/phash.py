"""A perceptual hash of pictures under the eight symmetries of the square, and which hashes are close.

64 signs of the lowest frequencies of the cosine transform. (The usual hash compares with their median; the sign alone
has the advantage that mirroring or turning a picture changes known bits, so that one transform serves all symmetries.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

# Name of each symmetry and how it is made: transpose, then flip up-down, then flip left-right.
SYMMETRIES: Final[dict[str, tuple[bool, bool, bool]]] = {
    "identity": (False, False, False), "rot90": (True, True, False), "rot180": (False, True, True),
    "rot270": (True, False, True), "mirror": (False, False, True), "flip": (False, True, False),
    "transpose": (True, False, False), "antitranspose": (True, True, True),
}  # fmt: skip
BITS: Final = 8  # frequencies a side
MANY: Final = 50
_ROWS: Final = 256

Hashes = NDArray[np.uint64]


def turned(pictures: NDArray[Any], symmetry: str) -> NDArray[Any]:
    """Pictures (..., side, side) after a symmetry; rot90 turns counter-clockwise."""
    swap, up_down, left_right = SYMMETRIES[symmetry]
    pictures = np.swapaxes(pictures, -1, -2) if swap else pictures
    pictures = pictures[..., ::-1, :] if up_down else pictures
    return pictures[..., ::-1] if left_right else pictures


def hashes(thumbs: NDArray[np.uint8]) -> Hashes:
    """The hashes (n, 8) of square pictures (n, side, side): one of each picture after each symmetry."""
    parts = [_low(thumbs[start : start + _ROWS]) for start in range(0, len(thumbs), _ROWS)]
    low = np.concatenate(parts) if parts else np.zeros((0, BITS, BITS), np.float32)
    odd = np.where(np.arange(1, BITS + 1) % 2, -1.0, 1.0).astype(np.float32)
    found = np.empty((len(low), len(SYMMETRIES)), np.uint64)
    for place, (swap, up_down, left_right) in enumerate(SYMMETRIES.values()):
        block = low.swapaxes(1, 2) if swap else low
        block = block * odd[:, None] if up_down else block  # a mirrored cosine changes sign where it is odd
        block = block * odd if left_right else block
        found[:, place] = np.packbits(block.reshape(len(low), -1) > 0, axis=1).view(np.uint64)[:, 0]
    return found


@dataclass(frozen=True, slots=True)
class Close:
    """Pairs a < b of pictures, the place of the symmetry that turns a into b, and the bits in which they differ."""

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    symmetry: NDArray[np.uint8]
    distance: NDArray[np.uint8]

    def within(self, most: int) -> Close:
        """Those that differ in at most so many bits."""
        keep = self.distance <= most
        return Close(self.a[keep], self.b[keep], self.symmetry[keep], self.distance[keep])


def close(found: Hashes, most: int, tell: Callable[[int], None]) -> Close:
    """Pairs of pictures whose hashes differ in at most `most` bits under a symmetry; `tell` hears the rows done.

    Where pictures are so alike that these would be more than MANY a picture, fewer bits are allowed.
    """
    none = np.zeros(0, np.uint8)
    result = Close(none.astype(np.int32), none.astype(np.int32), none, none)
    for start in range(0, len(found), _ROWS):
        parts = [result]
        for place in range(len(SYMMETRIES)):
            distance = np.bitwise_count(found[start : start + _ROWS, place, None] ^ found[start:, 0])
            row, column = np.nonzero(distance <= most)
            later = column > row
            row, column = row[later], column[later]
            symmetry = np.full(len(row), place, np.uint8)
            parts.append(Close((row + start).astype(np.int32), (column + start).astype(np.int32), symmetry,
                               distance[row, column]))  # fmt: skip
        result = Close(*(np.concatenate([getattr(part, name) for part in parts]) for name in Close.__slots__))
        while most and len(result.a) > MANY * len(found):
            most -= 1
            result = result.within(most)
        tell(min(start + _ROWS, len(found)))
    return result


def _low(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Lowest frequencies (n, BITS, BITS) but the first, which only says how bright a picture is."""
    spectrum = dctn(thumbs.astype(np.float32), axes=(1, 2), norm="ortho")
    return np.ascontiguousarray(spectrum[:, 1 : BITS + 1, 1 : BITS + 1])
