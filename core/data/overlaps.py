"""Crops of one field that overlap: candidates that share described points, then the correlation of what both show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.correlation import LEAST_BLOCK, correlation, detail, least_block, overlap, phase_shift, plain
from core.data.fingerprint import Fingerprint
from core.data.keypoints import Keypoints, keypoints

ALIKE: Final = 0.92  # cosine of two descriptions, from which on they may be of one point
VOTES: Final = 3  # points that must tell the same shift
SHIFT_ERROR: Final = 2  # px by which shifts of one field may differ
LEAST_CORRELATION: Final = 0.88
LEAST_SHARED: Final = 0.30  # of the smaller picture that both must show: a little of two pictures may well look alike
TOLD_PARTS: Final = ((6, LEAST_BLOCK), (4, 0.9))  # parts of nine that show something, and how alike the least is
LIKELY: Final = 0.6  # correlation of the plain grey values, without which a closer look is not worth its time
EVERYWHERE: Final = 100  # points that a point may be like; one that is like more tells nothing apart
MANY: Final = 20  # candidates a picture, on average; of more, those with the most votes are looked at
_BLOCK: Final = 2048  # points compared with all others at once
_CELLS: Final = 2**26  # of a block's comparisons, so that memory does not grow with the data: 256 MB

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Picture b shows what a shows, moved: b's corner lies at (dy, dx) of a, in px of the fields."""

    a: int
    b: int
    dy: int
    dx: int
    correlation: float


def find_overlaps(
    prints: Sequence[Fingerprint], tell: Told, leave: Callable[[], None], between: int | None = None
) -> tuple[list[Overlap], set[int]]:
    """Every pair a < b of overlapping crops that the points find and the correlation confirms.

    Args:
        tell: told (steps done, steps in all); a picture is one step at its points and one at their comparison.
        leave: called now and then; it raises when a person wants the search to end.
        between: only pairs of a picture before this place with one from it on.

    Returns:
        The pairs, and the pictures of which not every candidate was looked at, since there were too many.
    """
    found: list[Keypoints] = []
    for place, one in enumerate(prints):
        found.append(keypoints(one.field))
        if place % 64 == 0:
            leave()
            tell(place, 2 * len(prints))
    result = []
    agreed = sorted(_candidates(prints, found, tell, leave, between), key=lambda one: (-one[0], one[1:]))
    most = MANY * len(prints)
    for _, a, b, dy, dx in agreed[:most]:
        leave()
        if (seen := confirm(prints[a], prints[b], dy, dx)) is not None:
            result.append(Overlap(a, b, *seen))
    crowded = {place for _, a, b, _, _ in agreed[most:] for place in (a, b)}
    return sorted(result, key=lambda pair: (pair.a, pair.b)), crowded


def confirm(a: Fingerprint, b: Fingerprint, dy: int, dx: int) -> tuple[int, int, float] | None:
    """(dy, dx, correlation) of two pictures near a shift, refined by phase correlation; None: they do not overlap."""
    if not _shared(a, b, dy, dx) or correlation(*overlap(plain(a.field), plain(b.field), dy, dx)) < LIKELY:
        return None
    first, second = detail(a.field), detail(b.field)
    more = phase_shift(*overlap(first, second, dy, dx))
    near = {(dy, dx)}
    if max(map(abs, more)) <= 2 * SHIFT_ERROR:
        near.add((dy + more[0], dx + more[1]))
    found = [(correlation(*overlap(first, second, *at)), at) for at in near if _shared(a, b, *at)]
    best, at = max(found)
    both = overlap(first, second, *at)
    if best < LEAST_CORRELATION or all(least_block(*both, told) < least for told, least in TOLD_PARTS):
        return None
    return (*at, min(best, 1.0))


def _shared(a: Fingerprint, b: Fingerprint, dy: int, dx: int) -> bool:
    """Whether both show enough of the same place."""
    part = overlap(plain(a.field), plain(b.field), dy, dx)[0]
    return part.size >= LEAST_SHARED * min(a.field.size, b.field.size)


def _candidates(
    prints: Sequence[Fingerprint], found: Sequence[Keypoints], tell: Told, leave: Callable[[], None],
    between: int | None,
) -> Iterator[tuple[int, int, int, int, int]]:  # fmt: skip
    """(votes, a, b, dy, dx) of pictures a < b of which enough points tell the same shift."""
    n = len(prints)
    owner = np.repeat(np.arange(n), [len(one.at) for one in found])
    if not len(owner):
        return
    at = np.concatenate([one.at for one in found])
    around = np.concatenate([one.around for one in found])
    # Only points of one kind are compared: bright or dark, in pictures of one scale.
    kind = np.concatenate([one.bright for one in found]) + 2 * np.array([one.halved for one in prints])[owner]
    pairs: list[NDArray[np.int32]] = [np.zeros((2, 0), np.int32)]
    done = 0
    for value in np.unique(kind):
        members = np.flatnonzero(kind == value)
        divide = 0 if between is None else int(np.searchsorted(owner[members], between))
        end = len(members) if between is None else divide
        described = around[members]
        start = 0
        while start < end:
            leave()
            first = max(start, divide)
            block = min(end - start, max(1, min(_BLOCK, _CELLS // max(1, len(members) - first))))
            alike = described[start : start + block] @ described[first:].T >= ALIKE
            alike[np.count_nonzero(alike, axis=1) > EVERYWHERE] = False
            row, column = np.divmod(np.flatnonzero(alike), max(1, len(members) - first))
            one, other = members[row + start], members[column + first]
            kept = (owner[one] != owner[other]) & (one < other)
            pairs.append(np.stack([one[kept], other[kept]]).astype(np.int32))
            done += block
            start += block
            tell(n + done * n // len(owner), 2 * n)
    one, other = np.concatenate(pairs, axis=1)
    yield from _agreeing(owner, at, one, other)


def _agreeing(
    owner: NDArray[np.intp], at: NDArray[np.int32], first: NDArray[np.int32], second: NDArray[np.int32]
) -> Iterator[tuple[int, int, int, int, int]]:
    """Of pairs of points, (votes, a, b, dy, dx) of the pairs of pictures with enough points that agree in the shift."""
    swap = owner[first] > owner[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    key = owner[first] * (int(owner.max()) + 1) + owner[second]
    order = np.lexsort((second, first, key))
    first, second, key = first[order], second[order], key[order]
    _, begin, size = np.unique(key, return_index=True, return_counts=True)
    for start, count in zip(begin[size >= VOTES], size[size >= VOTES], strict=True):
        shifts = at[first[start : start + count]] - at[second[start : start + count]]
        votes = (np.abs(shifts[:, None] - shifts).max(axis=2) <= SHIFT_ERROR).sum(axis=1)
        best = int(votes.argmax())
        if votes[best] >= VOTES:
            agree = np.abs(shifts - shifts[best]).max(axis=1) <= SHIFT_ERROR
            dy, dx = np.median(shifts[agree], axis=0).round().astype(int)
            yield int(votes[best]), int(owner[first[start]]), int(owner[second[start]]), int(dy), int(dx)
