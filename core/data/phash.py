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
MANY: Final = 50  # close ones that are kept of a picture
_ROWS: Final = 64
_FAR: Final = 255

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
    """Pairs a < b of pictures, the place of the symmetry that turns a into b, and the bits in which they differ.

    `crowded` has the pictures that are close to more than MANY later ones, of which only the MANY closest are here.
    """

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    symmetry: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    crowded: NDArray[np.int32]


def close(found: Hashes, most: int, tell: Callable[[int], None], between: int | None = None) -> Close:
    """Pairs of pictures whose hashes differ in at most `most` bits under a symmetry.

    Where pictures are so alike that one is close to more than MANY later ones, its MANY closest are kept: a set of
    look-alikes must not take memory and time with the square of its size. Copies of one picture stay connected.

    Args:
        found: (n, 8), as `hashes` gives them.
        tell: hears the rows done.
        between: only pairs of a picture before this place with one from it on.
    """
    rows = len(found) if between is None else between
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]] = []
    crowded: list[int] = []
    for start in range(0, rows, _ROWS):
        end = min(start + _ROWS, rows)
        first = start if between is None else between
        distance = np.empty((end - start, len(SYMMETRIES), len(found) - first), np.uint8)
        for place in range(len(SYMMETRIES)):
            distance[:, place] = np.bitwise_count(found[start:end, place, None] ^ found[first:, 0])
        for later in range(end - start if between is None else 0):
            distance[later, :, : later + 1] = _FAR  # no later picture
        near = distance <= most
        for at in np.flatnonzero(np.count_nonzero(near, axis=(1, 2)) > MANY):
            flat = near[at].reshape(-1)  # a view
            candidates = np.flatnonzero(flat)
            flat[candidates[np.argsort(distance[at].reshape(-1)[candidates], kind="stable")[MANY:]]] = False
            crowded.append(start + int(at))
        row, symmetry, column = np.nonzero(near)
        parts.append(((row + start).astype(np.int32), (column + first).astype(np.int32), symmetry.astype(np.uint8),
                      distance[row, symmetry, column]))  # fmt: skip
        tell(end)
    if not parts:
        parts.append((*np.zeros((2, 0), np.int32), *np.zeros((2, 0), np.uint8)))
    a, b, turns, bits = zip(*parts, strict=True)
    return Close(
        np.concatenate(a), np.concatenate(b), np.concatenate(turns), np.concatenate(bits), np.array(crowded, np.int32)
    )


def _low(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Lowest frequencies (n, BITS, BITS) but the first, which only says how bright a picture is."""
    spectrum = dctn(thumbs.astype(np.float32), axes=(1, 2), norm="ortho")
    return np.ascontiguousarray(spectrum[:, 1 : BITS + 1, 1 : BITS + 1])
