"""Crops of one field that overlap: candidates that share described points, then the correlation of what both show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.correlation import band, correlation, overlap, phase_shift
from core.data.fingerprint import Fingerprint
from core.data.keypoints import Keypoints, keypoints

ALIKE: Final = 0.92  # cosine of two descriptions, from which on they may be of one point
VOTES: Final = 3  # points that must tell the same shift
SHIFT_ERROR: Final = 2  # px by which shifts of one field may differ
LEAST_CORRELATION: Final = 0.80
LEAST_SHARED: Final = 0.15  # share of the smaller picture that both must show
_BLOCK: Final = 2048  # points compared with all others at once

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Picture b shows what a shows, moved: b's corner lies at (dy, dx) of a, in px of the fields."""

    a: int
    b: int
    dy: int
    dx: int
    correlation: float


def find_overlaps(prints: Sequence[Fingerprint], tell: Told, leave: Callable[[], None]) -> list[Overlap]:
    """Every pair a < b of overlapping crops that the points find and the correlation confirms.

    Args:
        tell: told (steps done, steps in all); a picture is one step at its points and one at their comparison.
        leave: called now and then; it raises when a person wants the search to end.
    """
    found: list[Keypoints] = []
    for place, one in enumerate(prints):
        found.append(keypoints(one.field))
        if place % 64 == 0:
            leave()
            tell(place, 2 * len(prints))
    result = []
    for a, b, dy, dx in _candidates(prints, found, tell, leave):
        if (seen := confirm(prints[a], prints[b], dy, dx)) is not None:
            result.append(Overlap(a, b, *seen))
    return sorted(result, key=lambda pair: (pair.a, pair.b))


def confirm(a: Fingerprint, b: Fingerprint, dy: int, dx: int) -> tuple[int, int, float] | None:
    """(dy, dx, correlation) of two pictures near a shift, refined by phase correlation; None: they do not overlap."""
    first, second = band(a.field), band(b.field)
    more = phase_shift(*overlap(first, second, dy, dx))
    near = {(dy, dx)}
    if max(map(abs, more)) <= 2 * SHIFT_ERROR:
        near.add((dy + more[0], dx + more[1]))
    best = max(
        ((correlation(*overlap(first, second, *shift)), shift) for shift in near if _shared(a, b, *shift)),
        default=(0.0, (0, 0)),
    )
    return (*best[1], best[0]) if best[0] >= LEAST_CORRELATION else None


def _shared(a: Fingerprint, b: Fingerprint, dy: int, dx: int) -> bool:
    """Whether both show enough of the same place."""
    part = overlap(a.field, b.field, dy, dx)[0].size  # type: ignore[arg-type]
    return part >= LEAST_SHARED * min(a.field.size, b.field.size)


def _candidates(
    prints: Sequence[Fingerprint], found: Sequence[Keypoints], tell: Told, leave: Callable[[], None]
) -> Iterator[tuple[int, int, int, int]]:
    """(a, b, dy, dx) of pictures a < b of which enough points tell the same shift."""
    n = len(prints)
    owner = np.repeat(np.arange(n), [len(one.at) for one in found])
    if not len(owner):
        return
    at = np.concatenate([one.at for one in found])
    around = np.concatenate([one.around for one in found])
    # Only points of one kind are compared: bright or dark, in pictures of one scale.
    kind = np.concatenate([one.bright for one in found]) + 2 * np.array([one.halved for one in prints])[owner]
    pairs: list[NDArray[np.intp]] = []
    done = 0
    for value in np.unique(kind):
        members = np.flatnonzero(kind == value)
        described = around[members]
        for start in range(0, len(members), _BLOCK):
            leave()
            row, column = np.divmod(
                np.flatnonzero(described[start : start + _BLOCK] @ described[start:].T >= ALIKE), len(members) - start
            )
            first, second = members[row + start], members[column + start]
            other = owner[first] != owner[second]
            later = column > row
            pairs.append(np.stack([first[other & later], second[other & later]]))
            done += min(_BLOCK, len(members) - start)
            tell(n + done * n // len(owner), 2 * n)
    first, second = np.concatenate(pairs, axis=1)
    yield from _agreeing(owner, at, first, second)


def _agreeing(
    owner: NDArray[np.intp], at: NDArray[np.int32], first: NDArray[np.intp], second: NDArray[np.intp]
) -> Iterator[tuple[int, int, int, int]]:
    """Of pairs of points, the pairs of pictures with enough of them, and the shift that most of these tell."""
    swap = owner[first] > owner[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    order = np.lexsort((second, first, owner[second], owner[first]))
    first, second = first[order], second[order]
    key = owner[first].astype(np.int64) * (int(owner.max()) + 1) + owner[second]
    _, begin, size = np.unique(key, return_index=True, return_counts=True)
    for start, count in zip(begin[size >= VOTES], size[size >= VOTES], strict=True):
        shifts = at[first[start : start + count]] - at[second[start : start + count]]
        votes = (np.abs(shifts[:, None] - shifts).max(axis=2) <= SHIFT_ERROR).sum(axis=1)
        best = int(votes.argmax())
        if votes[best] >= VOTES:
            agree = np.abs(shifts - shifts[best]).max(axis=1) <= SHIFT_ERROR
            dy, dx = np.median(shifts[agree], axis=0).round().astype(int)
            yield int(owner[first[start]]), int(owner[second[start]]), int(dy), int(dx)
