"""The same picture again, turned, mirrored or encoded anew: close perceptual hashes, then correlation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.correlation import LEAST_BLOCK, SILENT, detail, least_block
from core.data.fingerprint import THUMB, Fingerprint
from core.data.phash import SYMMETRIES, close, hashes, turned

MOST_BITS: Final = 12  # of 64 in which the hashes of one picture may differ
LEAST_CORRELATION: Final = 0.88
_FINE, _COARSE = 0.7, 3.5  # px of the thumb
_CHUNK: Final = 1024

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Near:
    """Picture a, turned by the symmetry, is picture b."""

    a: int
    b: int
    symmetry: str
    distance: int  # bits
    correlation: float


def find_near(
    prints: Sequence[Fingerprint], tell: Told, leave: Callable[[], None], between: int | None = None
) -> tuple[list[Near], set[int]]:
    """Every pair a < b that shows the same picture, with the symmetry that fits best.

    `tell`, `leave` and `between` as `core.data.overlaps.find_overlaps` has them, a picture being one step.

    Returns:
        The pairs, and the pictures of which only the closest others were looked at, since too many are like them.
    """
    thumbs = np.stack([one.thumb for one in prints]) if prints else np.zeros((0, THUMB, THUMB), np.uint8)
    # Pictures without any detail have hashes of noise, often equal ones, and are never the same picture as another.
    shown = np.flatnonzero(_shows_something(thumbs, leave))
    divide = None if between is None else int(np.searchsorted(shown, between))
    if not len(shown):
        return [], set()

    def told(done: int) -> None:
        leave()
        tell(done, len(prints))

    candidates = close(hashes(thumbs[shown]), MOST_BITS, told, divide)
    a, b = (shown[places].astype(np.int32) for places in (candidates.a, candidates.b))
    planes = _unit(thumbs, np.unique(np.concatenate([a, b])))
    names = list(SYMMETRIES)
    best: dict[tuple[int, int], Near] = {}
    for number, name in enumerate(names):
        of_it = np.flatnonzero(candidates.symmetry == number)
        for start in range(0, len(of_it), _CHUNK):
            leave()
            chunk = of_it[start : start + _CHUNK]
            one = turned(planes.of(a[chunk]), name)
            values = np.einsum("nij,nij->n", one, planes.of(b[chunk]))
            for row in np.flatnonzero(values >= LEAST_CORRELATION):
                at, value = chunk[row], float(values[row])
                key = (int(a[at]), int(b[at]))
                if key in best and best[key].correlation >= value:
                    continue
                first, second = (detail(thumbs[place], _FINE, _COARSE) for place in key)
                if least_block(turned(first, name), second) >= LEAST_BLOCK:
                    best[key] = Near(*key, name, int(candidates.distance[at]), min(value, 1.0))
    return [best[key] for key in sorted(best)], set(shown[candidates.crowded].tolist())


@dataclass(frozen=True)
class _Planes:
    """Band-passed pictures of zero mean and unit length."""

    place: NDArray[np.intp]  # of each picture among `values`; -1: not there
    values: NDArray[np.float16]  # half precision: an error of 0.001 in a correlation, half the memory

    def of(self, pictures: NDArray[np.int32]) -> NDArray[np.float32]:
        return self.values[self.place[pictures]].astype(np.float32)


def _shows_something(thumbs: NDArray[np.uint8], leave: Callable[[], None]) -> NDArray[np.bool_]:
    found = np.zeros(len(thumbs), np.bool_)
    for start in range(0, len(thumbs), _CHUNK):
        leave()
        found[start : start + _CHUNK] = detail(thumbs[start : start + _CHUNK], _FINE, _COARSE).std(axis=(1, 2)) > SILENT
    return found


def _unit(thumbs: NDArray[np.uint8], needed: NDArray[np.int32]) -> _Planes:
    values = np.empty((len(needed), THUMB, THUMB), np.float16)
    for start in range(0, len(needed), _CHUNK):
        plane = detail(thumbs[needed[start : start + _CHUNK]], _FINE, _COARSE)
        plane -= plane.mean(axis=(1, 2), keepdims=True)
        size = np.sqrt((plane * plane).sum(axis=(1, 2), keepdims=True))
        values[start : start + _CHUNK] = plane / size
    place = np.full(len(thumbs), -1)
    place[needed] = np.arange(len(needed))
    return _Planes(place, values)
