"""What a data set is once it has been read: every file with its hashes, class, split and, if left out, the reason."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from core.data.pairs import DuplicatePair, crowded_words, leaks, pair_columns, pair_lines, pairs_of
from store.journal import write_durably

SPLITS: Final = ("train", "calibration", "val", "test")
DEFAULT_FRACTIONS: Final = {"train": 0.60, "calibration": 0.10, "val": 0.15, "test": 0.15}
PUBLISHED_FRACTIONS: Final = {"train": 0.70, "calibration": 0.0, "val": 0.15, "test": 0.15}
HELD_OUT_FRACTIONS: Final = {"train": 0.0, "calibration": 0.0, "val": 0.0, "test": 1.0}  # images from elsewhere
OK, BAD = "ok", "bad"
ROWS_A_RECORD: Final = 2000
LISTED: Final = 50  # bad files that `describe` lists

_COLUMNS: Final = {"class_": "class"}  # journal column where it differs from the field's name


class DatasetError(ValueError):
    """The data cannot be used; the message is one sentence: what, where, what to do."""


class ScanCancelled(DatasetError):
    """Reading the data was cancelled by the person."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One file of a data set. What could not be found out of a bad file is None."""

    image_id: int  # usable images count from 0, bad files after them
    path: str  # relative to the data set's root, parts joined by /
    class_: str | None  # None: the file lies outside the class folders
    split: str | None  # one of SPLITS; None where the file is bad
    sha256: str | None  # of the file's bytes, hex
    pixel_sha256: str | None  # of height, width and RGB pixels, hex
    group_id: str | None  # images of one group show the same cells and stay in one split
    source: str | None  # where the image comes from, if a manifest says so
    width: int | None  # pixels
    height: int | None
    status: str = OK  # "ok" | "bad"
    reason: str | None = None  # why it is left out, one sentence


@dataclass(frozen=True)
class Dataset:
    """A read data set: usable images first, ordered by (class, sha256, path), then the bad files.

    Attributes:
        dataset_id: hash of content and split; see `content_id`.
        root: folder that the paths are relative to.
        classes: names, sorted; a class index counts from 0 in this order.
        split_origin: "given" when folders gave at least val or test, else "made".
        split_seed: decides a made split and which images a cap leaves.
        fractions: share of each split that was asked for, in [0, 1].
        synthetic: whether any image was drawn by the sample generator.
        pairs: images that show the same cells although their pixels differ; of images with equal pixels, the first.
        searched: what pairs were looked for (core.data.duplicates.looked_for); "": read before there was a search.
        crowded: images like so many others that only the closest of these were compared with them.
    """

    dataset_id: str
    name: str
    root: Path
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    split_origin: str
    split_seed: int
    fractions: dict[str, float]
    synthetic: bool
    pairs: tuple[DuplicatePair, ...] = ()
    searched: str = ""
    crowded: int = 0

    @cached_property
    def usable(self) -> tuple[ImageRecord, ...]:
        """The images to train and judge with; the image with id i is at place i."""
        return tuple(image for image in self.images if image.status == OK)

    @cached_property
    def bad(self) -> tuple[ImageRecord, ...]:
        """The files that were left out."""
        return tuple(image for image in self.images if image.status != OK)

    def counts(self) -> dict[str, dict[str, int]]:
        """Usable images of each class in each split: {class: {split: n}}."""
        found = Counter((image.class_, image.split) for image in self.usable)
        return {name: {split: found[name, split] for split in SPLITS} for name in self.classes}

    def leaks(self) -> dict[tuple[str, str], int]:
        """Pairs whose images lie in two splits, counted by (more held-out split, other split); only given splits."""
        return leaks(self.images, self.pairs)

    def save(self, path: Path) -> None:
        """Write the description durably as JSON (the images themselves stay where they are)."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        facts |= {"root": str(self.root), "images": _columns(self.images), "pairs": pair_columns(self.pairs)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, json.dumps(facts).encode())

    @staticmethod
    def load(path: Path) -> Dataset:
        """Read what `save` wrote. Raises DatasetError when the file is missing or not such a description."""
        try:
            facts = json.loads(path.read_bytes())
            columns = facts["images"]
            names = [field.name for field in fields(ImageRecord)]
            rows = zip(*(columns[_COLUMNS.get(name, name)] for name in names), strict=True)
            images = tuple(ImageRecord(*row) for row in rows)
            facts |= {"root": Path(facts["root"]), "classes": tuple(facts["classes"]), "images": images}
            facts["pairs"] = pairs_of(facts["pairs"]) if "pairs" in facts else ()  # older descriptions have none
            return Dataset(**facts)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"The data set description {path} cannot be read; scan the data again.") from error


def content_id(images: Iterable[ImageRecord]) -> str:
    """The id of a data set: from class, content and split of its images, wherever and in whatever order they lie."""
    lines = sorted(json.dumps([image.class_, image.sha256, image.split]) for image in images)
    return "d-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def dataset_records(dataset: Dataset) -> list[tuple[str, dict[str, Any]]]:
    """The journal records of a data set, (kind, payload) each: `dataset`, then `images` and `duplicate_pairs`.

    The latter two hold up to 2,000 rows each.
    """
    head: dict[str, Any] = {
        "dataset_id": dataset.dataset_id,
        "name": dataset.name,
        "root": str(dataset.root),
        "classes": list(dataset.classes),
        "split_origin": dataset.split_origin,
        "split_seed": dataset.split_seed,
        "fractions": dataset.fractions,
        "synthetic": dataset.synthetic,
        "usable": len(dataset.usable),
        "bad": len(dataset.bad),
    }
    return [("dataset", head), *_image_records(dataset), *_pair_records(dataset)]


def describe(dataset: Dataset) -> str:
    """A text for the terminal: usable images per class and split, duplicates, the files left out with their reasons."""
    counts = dataset.counts()
    rows = {name: [*parts.values(), sum(parts.values())] for name, parts in counts.items()}
    rows["all"] = [sum(numbers) for numbers in zip(*rows.values(), strict=True)]
    width = max(map(len, rows))
    kind = "SYNTHETIC cells, " if dataset.synthetic else ""
    how = "split given by folders" if dataset.split_origin == "given" else f"split made with seed {dataset.split_seed}"
    how = "all held out, none to train on" if dataset.fractions == HELD_OUT_FRACTIONS else how
    lines = [f"{dataset.name} ({dataset.dataset_id}): {kind}{len(dataset.usable)} usable images, {how}"]
    lines.append(f"{'class':{width}}" + "".join(f"  {name:>11}" for name in (*SPLITS, "all")))
    lines += [f"{name:{width}}" + "".join(f"  {number:>11}" for number in numbers) for name, numbers in rows.items()]
    lines += pair_lines(dataset.images, dataset.pairs, LISTED)
    lines += [crowded_words(dataset.crowded)] * bool(dataset.crowded)
    if dataset.bad:
        lines.append(f"{len(dataset.bad)} files left out:")
        lines += [f"  {image.path}: {image.reason}" for image in dataset.bad[:LISTED]]
        if len(dataset.bad) > LISTED:
            lines.append(f"  ... and {len(dataset.bad) - LISTED} more")
    return "\n".join(lines)


def _columns(images: Sequence[ImageRecord]) -> dict[str, list[Any]]:
    names = [field.name for field in fields(ImageRecord)]
    return {_COLUMNS.get(name, name): [getattr(image, name) for image in images] for name in names}


def _image_records(dataset: Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, len(dataset.images), ROWS_A_RECORD):
        part = dataset.images[start : start + ROWS_A_RECORD]
        yield "images", {"dataset_id": dataset.dataset_id, "columns": _columns(part)}


def _pair_records(dataset: Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, len(dataset.pairs), ROWS_A_RECORD):
        part = dataset.pairs[start : start + ROWS_A_RECORD]
        yield "duplicate_pairs", {"dataset_id": dataset.dataset_id, "columns": pair_columns(part)}
