"""Pairs of images that show the same cells although their pixels differ, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol

NEAR, OVERLAP = "near", "overlap"
EVERYTHING, WHOLE, NOTHING = "near and overlap", "near", "nothing"  # what a search for pairs looked for
INVERSE: Final = {"rot90": "rot270", "rot270": "rot90"}  # every other symmetry undoes itself
HELD_OUT: Final = {None: -1, "train": 0, "calibration": 1, "val": 2, "test": 3}  # the more, the later it is looked at


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two images of a data set, `image_a` < `image_b`."""

    image_a: int
    image_b: int
    kind: str  # "near": the same picture, turned, mirrored or encoded anew; "overlap": two crops of one field
    transform: str | None  # how a is turned to give b (core.data.phash.SYMMETRIES); None for crops
    distance: int | None  # bits in which their perceptual hashes differ, of 64; None for crops
    correlation: float  # normalised correlation of what both show, in [-1, 1]
    dx: float  # how far b lies to the right of a, share of a's width; 0 for the same picture
    dy: float  # how far b lies below a, share of a's height

    def ordered(self) -> DuplicatePair:
        """The same pair with the smaller id first."""
        if self.image_a < self.image_b:
            return self
        turn = None if self.transform is None else INVERSE.get(self.transform, self.transform)
        return replace(
            self, image_a=self.image_b, image_b=self.image_a, transform=turn, dx=-self.dx + 0.0, dy=-self.dy + 0.0
        )


class Placed(Protocol):
    """An image, as far as pairs ask about it."""

    @property
    def split(self) -> str | None: ...
    @property
    def class_(self) -> str | None: ...
    @property
    def path(self) -> str: ...
    @property
    def group_id(self) -> str | None: ...


def across(images: Sequence[Placed], pairs: Iterable[DuplicatePair]) -> list[DuplicatePair]:
    """Pairs whose images lie in two splits."""
    return [pair for pair in pairs if images[pair.image_a].split != images[pair.image_b].split]


def leaks(images: Sequence[Placed], pairs: Iterable[DuplicatePair]) -> dict[tuple[str, str], int]:
    """Pairs whose images lie in two splits, counted by (more held-out split, other split)."""
    found: Counter[tuple[str, str]] = Counter()
    for pair in across(images, pairs):
        one, other = sorted((images[pair.image_a].split, images[pair.image_b].split), key=HELD_OUT.__getitem__)
        found[str(other), str(one)] += 1
    return {key: found[key] for key in sorted(found, key=lambda key: tuple(-HELD_OUT[name] for name in key))}


def conflicts(images: Sequence[Placed], pairs: Iterable[DuplicatePair]) -> list[DuplicatePair]:
    """Pairs of the same picture under two classes. (Two crops of one field may well be centred on different cells.)"""
    return [
        pair for pair in pairs
        if pair.kind == NEAR and images[pair.image_a].class_ != images[pair.image_b].class_
    ]  # fmt: skip


def leak_sentence(found: Mapping[tuple[str, str], int]) -> str:
    """The warning that follows a data set; '' where no pair lies across its splits."""
    total = sum(found.values())
    if not total:
        return ""
    parts = ", ".join(f"{one} and {other} {count:,}" for (one, other), count in found.items())
    return (
        f"Leak: {total:,} {'pair' if total == 1 else 'pairs'} of images that show the same cells "
        f"{'lies' if total == 1 else 'lie'} in two splits ({parts}), so figures on the held-out images are "
        "better than they should be."
    )


def crowded_words(crowded: int) -> str:
    """That the search was bounded, for a person; '' where it was not."""
    if not crowded:
        return ""
    one = crowded == 1
    return (
        f"The search was bounded: {crowded:,} image{' is' if one else 's are'} so like many others that only the most "
        "alike of these were compared, so pairs may be missing."
    )


def pair_columns(pairs: Sequence[DuplicatePair]) -> dict[str, list[Any]]:
    """Pairs as lists of equal length by name."""
    return {field.name: [getattr(pair, field.name) for pair in pairs] for field in fields(DuplicatePair)}


def pairs_of(columns: Mapping[str, Sequence[Any]]) -> tuple[DuplicatePair, ...]:
    """The inverse of `pair_columns`."""
    names = [field.name for field in fields(DuplicatePair)]
    return tuple(DuplicatePair(*row) for row in zip(*(columns[name] for name in names), strict=True))


def pair_lines(images: Sequence[Placed], pairs: Sequence[DuplicatePair], most: int) -> Iterator[str]:
    """For the terminal: how many pairs, leaks across given splits, one picture under two classes; `most` of each."""
    if not pairs:
        return
    kinds = Counter(pair.kind for pair in pairs)
    groups = {images[pair.image_a].group_id for pair in pairs}
    yield (
        f"{len(pairs)} pairs of images show the same cells ({kinds[NEAR]} the same picture again, {kinds[OVERLAP]} "
        f"overlapping crops), in {len(groups)} groups; a split that is made keeps each group in one part."
    )
    if sentence := leak_sentence(leaks(images, pairs)):
        yield sentence
        yield from _listed(images, across(images, pairs), most)
    if found := conflicts(images, pairs):
        yield f"{len(found)} pairs show the same picture under two classes; at least one label of each is wrong:"
        yield from _listed(images, found, most)


def _listed(images: Sequence[Placed], pairs: Sequence[DuplicatePair], most: int) -> Iterator[str]:
    for pair in pairs[:most]:
        one, other = images[pair.image_a], images[pair.image_b]
        where = f"{one.path} ({one.split}), {other.path} ({other.split})"
        yield f"  {where}: {pair.kind}, correlation {pair.correlation:.2f}"
    if len(pairs) > most:
        yield f"  ... and {len(pairs) - most} more"
