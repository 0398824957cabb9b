"""Where the images of a data set come from: what a manifest says, what a person says, and else a guess that says so.

A guess looks at what different places do differently and no cell shows: names of files, sizes of images, JPEG quality.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from core.data.dataset import Dataset, ImageRecord
from core.data.layout import MANIFEST, MAX_MANIFEST_BYTES, manifest_column
from store.journal import HOME_JOURNAL, replay

MANIFEST_SAID, GUESS, PERSON = "manifest", "guess", "person"
FEWEST: Final = 5  # images that a guessed source has at least
SMALLEST: Final = 0.02  # share of the images that a guessed source has at least
MOST: Final = 12  # more different signs than this are no sources
SIZE_TOLERANCE: Final = 0.03  # sizes whose sides differ by less are one
QUALITY_TOLERANCE: Final = 5  # JPEG qualities, of 100

_T = TypeVar("_T", bound=Hashable)
_NOTE_COLUMNS: Final = ("note", "notes")
_PATIENT_COLUMNS: Final = ("patient", "patient_id", "subject", "subject_id", "case_id")
_PREFIX: Final = re.compile(r"[^\W\d_]+")  # the letters with which a name begins


@dataclass(frozen=True)
class Told:
    """Where an image comes from (None: not known), and who says so: manifest, guess or person."""

    source: str | None
    by: str


@dataclass(frozen=True)
class Signs:
    """What a guess is made from, of one image."""

    path: str
    class_: str
    width: int  # pixels
    height: int
    quality: int  # of the JPEG; 0: no JPEG


def known_sources(dataset: Dataset) -> dict[int, str]:
    """The source of each usable image that a manifest names, by image_id."""
    return {image.image_id: image.source for image in dataset.usable if image.source}


def told_sources(home: Path, dataset: Dataset) -> dict[int, Told]:
    """What is known of each usable image, by image_id: a person's word, else a guess, else the manifest's.

    An image that a guess found nothing for, or that a person says is of unknown source, is there with source None.
    """
    told = {image_id: Told(source, MANIFEST_SAID) for image_id, source in known_sources(dataset).items()}
    latest: dict[int, tuple[str, Told]] = {}
    for record in replay(home, HOME_JOURNAL):
        if record["kind"] != "image_sources" or record["dataset_id"] != dataset.dataset_id:
            continue
        columns = record["columns"]
        for image_id, source in zip(columns["image_id"], columns["source"], strict=True):
            if image_id not in latest or latest[image_id][0] < record["at"]:
                latest[image_id] = (record["at"], Told(source, record["told_by"]))
    for image in dataset.usable:
        said = latest[image.image_id][1] if image.image_id in latest else None
        if said and (said.source is not None or said.by == PERSON or image.image_id not in told):
            told[image.image_id] = said
    return told


def guess_sources(signs: Sequence[Signs]) -> list[str | None]:
    """A guess of the source of each image, None where nothing tells; all None where nothing tells two sources apart.

    Images are alike when they have the same common size (sides within 3 %), the same JPEG quality (within 5) and, where
    names tell something other than the class, the same letters at the beginning of their name. A group of at least 5
    images and 2 % of all is called a source. Sizes count only where at least half of the images have a common one:
    crops of any size say nothing. Letters count only where each of them is found in two classes or more: one that
    belongs to a single class may just be its abbreviation.
    """
    fewest = max(FEWEST, SMALLEST * len(signs))
    sizes = _clusters([(one.width, one.height) for one in signs], _alike_in_size, fewest)
    if sum(size is not None for size in sizes) < len(signs) / 2:
        sizes = [None] * len(signs)
    qualities = _clusters([one.quality for one in signs], _alike_in_quality, fewest)
    prefixes = _prefixes(signs, fewest)
    keys = list(zip(prefixes, sizes, qualities, strict=True))
    counts = Counter(key for key in keys if any(part is not None for part in key))
    common = {key for key, number in counts.items() if number >= fewest}
    if not 2 <= len(common) <= MOST:
        return [None] * len(signs)
    different = [len({key[part] for key in common}) > 1 for part in range(3)]
    names = {key: _name(key, different) for key in common}
    return [names.get(key) for key in keys]


def patient_column(root: Path) -> str | None:
    """The column of the manifest at a data set's root that names patients, or None. No split uses it."""
    path = root / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > MAX_MANIFEST_BYTES:
            return None
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            names = next(csv.reader(io.StringIO(file.readline())), [])
    except (OSError, csv.Error):
        return None
    return next((name for name in names if name.strip().lower() in _PATIENT_COLUMNS), None)


def notes_of(root: Path, sources: Mapping[str, str | None]) -> dict[str, dict[str, int]]:
    """What the manifest at a root notes of its images, {source: {note: images}}, the most frequent note first.

    Args:
        sources: the source of each image by its path; '' stands for an unknown one.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path, note in manifest_column(root, _NOTE_COLUMNS).items():
        if path in sources:
            found[sources[path] or ""][note] += 1
    return {source: dict(found[source].most_common()) for source in sorted(found)}


def known_inside(outside: Iterable[str], inside: Iterable[str]) -> dict[str, list[str]]:
    """Sources of an external set whose names also stand in the data that are trained on, with the names there.

    Names are alike where they are equal but for capitals, or where one contains the other as whole words.
    """
    there = sorted(set(inside))
    found = {name: [other for other in there if _alike_in_name(name, other)] for name in sorted(set(outside))}
    return {name: others for name, others in found.items() if others}


def class_table(sources: Mapping[int, str | None], images: Sequence[ImageRecord]) -> dict[str, dict[str, int]]:
    """Images of each class from each source, {source: {class: n}}, both sorted; without those of unknown source."""
    counts = Counter((sources[i.image_id], i.class_ or "") for i in images if sources.get(i.image_id))
    table: dict[str, dict[str, int]] = defaultdict(dict)
    for source, name in sorted((str(source), name) for source, name in counts):
        table[source][name] = counts[source, name]
    return dict(table)


def _clusters(values: Sequence[_T], alike: Callable[[_T, _T], bool], fewest: float) -> list[_T | None]:
    """Each value's head: the most frequent value that it is alike; None where fewer than `fewest` have that head."""
    heads: dict[_T, _T] = {}
    for value, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], str(item[0]))):
        heads[value] = next((head for head in heads.values() if alike(head, value)), value)
    counts = Counter(heads[value] for value in values)
    return [heads[value] if counts[heads[value]] >= fewest else None for value in values]


def _alike_in_size(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return all(abs(one - other) <= SIZE_TOLERANCE * max(one, other) for one, other in zip(a, b, strict=True))


def _alike_in_name(a: str, b: str) -> bool:
    one, other = (re.findall(r"[^\W_]+", name.casefold()) for name in (a, b))
    short, long = sorted((one, other), key=len)
    return bool(short) and any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def _alike_in_quality(a: int, b: int) -> bool:
    return (a == 0) == (b == 0) and abs(a - b) <= QUALITY_TOLERANCE


def _prefixes(signs: Sequence[Signs], fewest: float) -> list[str | None]:
    """The letters with which each name begins, where they may be a source's: see `guess_sources`."""
    found = [_PREFIX.match(PurePosixPath(one.path).name) for one in signs]
    letters = [match[0] if match else None for match in found]
    classes: dict[str, set[str]] = defaultdict(set)
    for name, one in zip(letters, signs, strict=True):
        if name is not None:
            classes[name].add(one.class_)
    counts = Counter(letters)
    common = {name for name in classes if counts[name] >= fewest}
    if not 2 <= len(common) <= MOST or any(len(classes[name]) < 2 for name in common):
        return [None] * len(signs)
    return [name if name in common else None for name in letters]


def _name(key: tuple[str | None, tuple[int, int] | None, int | None], different: Sequence[bool]) -> str:
    """What a guessed source is called: the signs that tell it from the others."""
    prefix, size, quality = key
    parts = [
        f"names {prefix}..." if prefix else "other names",
        f"{size[0]} x {size[1]} px" if size else "other sizes",
        "other files" if quality is None else f"JPEG quality {quality}" if quality else "no JPEG",
    ]
    return ", ".join(part for part, differs in zip(parts, different, strict=True) if differs)
