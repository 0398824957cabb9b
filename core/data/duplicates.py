"""Duplicates that equal pixels do not show: the same picture turned or encoded anew, and crops of one field.

What such a search cannot find: other fields of the same slide or patient, the same cell photographed again, crops that
share too little, or that were turned by other angles than 90 degrees or scaled differently before they were cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from core.data.fingerprint import Fingerprint
from core.data.keypoints import LEAST_SIDE
from core.data.near import find_near
from core.data.overlaps import find_overlaps
from core.data.pairs import EVERYTHING, NEAR, NOTHING, OVERLAP, WHOLE, DuplicatePair, crowded_words

MOST_OVERLAP: Final = 40_000  # images whose crops are compared: time and memory grow, with the square and in proportion
MOST_NEAR: Final = 120_000  # images that are compared at all
_DIGITS: Final = 4

Told = Callable[[int, int], None]


def looked_for(images: int) -> str:
    """What is looked for in so many images."""
    return EVERYTHING if images <= MOST_OVERLAP else WHOLE if images <= MOST_NEAR else NOTHING


@dataclass(frozen=True)
class Found:
    """Pairs by the places of their pictures, and how many pictures had too many look-alikes to compare them all."""

    pairs: list[DuplicatePair]
    crowded: int


def find_pairs(
    prints: Sequence[Fingerprint], searched: str, tell: Told, leave: Callable[[], None], between: int | None = None
) -> Found:
    """Every pair of pictures that show the same cells, by their places; a pair found in both ways is "near".

    Args:
        prints: of pictures whose pixels all differ.
        searched: what is looked for, as `looked_for` says it.
        tell: told (images done, images in all), each way of looking being an equal part of the work.
        leave: called now and then; it raises when a person wants the search to end.
        between: only pairs of a picture before this place with one from it on: of one set with another.
    """
    n = len(prints)
    parts = {EVERYTHING: 3, WHOLE: 1, NOTHING: 1}[searched]
    found: dict[tuple[int, int], DuplicatePair] = {}
    crowded: set[int] = set()
    if searched != NOTHING:
        near, many = find_near(prints, lambda done, _: tell(done // parts, n), leave, between)
        crowded |= many
        for one in near:
            value = round(one.correlation, _DIGITS)
            found[one.a, one.b] = DuplicatePair(one.a, one.b, NEAR, one.symmetry, one.distance, value, dx=0.0, dy=0.0)
    if searched == EVERYTHING:
        overlaps, many = find_overlaps(prints, lambda done, _: tell((n + done) // parts, n), leave, between)
        crowded |= many
        for crop in overlaps:
            height, width = prints[crop.a].field.shape
            if (crop.a, crop.b) in found:
                continue
            found[crop.a, crop.b] = DuplicatePair(
                crop.a, crop.b, OVERLAP, None, None, round(crop.correlation, _DIGITS),
                dx=round(crop.dx / width, _DIGITS), dy=round(crop.dy / height, _DIGITS),
            )  # fmt: skip
    tell(n, n)
    return Found([found[key] for key in sorted(found)], len(crowded))


def search_words(searched: str, images: int, crowded: int = 0) -> str:
    """What the search for duplicates covered, for a person."""
    if not searched:
        return (
            "Only identical pixels were looked for: these data were read before pictures that were turned, encoded "
            "anew or cropped from one field were searched. Import them again."
        )
    if searched == NOTHING:
        return f"Only equal pixels were looked for, since there are more than {MOST_NEAR:,} files."
    whole = f"All {images:,} images were compared as wholes, turned and mirrored in the eight ways of the square"
    if searched == WHOLE:
        words = f"{whole}; not for overlapping crops, since there are more than {MOST_OVERLAP:,} files."
    else:
        words = (
            f"{whole}, and for crops of one field (images of at least {LEAST_SIDE} px a side): nearly all that share "
            "half of their area are found, fewer the less they share."
        )
    return f"{words} {crowded_words(crowded)}".rstrip()


BLIND: Final = (
    "Such a search cannot find other fields of the same slide or patient, the same cell photographed again, crops that "
    "share less than a third or little but empty ground, or crops turned by other angles or scaled differently. Where "
    "all pictures are cut out by the same small mask, different cells can look like one."
)
