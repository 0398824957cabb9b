"""Read a data set: find the files, examine each safely, set aside what cannot be used, settle the split."""

from __future__ import annotations

import hashlib
import itertools
import stat
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.data.dataset import (
    BAD,
    DEFAULT_FRACTIONS,
    HELD_OUT_FRACTIONS,
    OK,
    SPLITS,
    Dataset,
    DatasetError,
    ImageRecord,
    ScanCancelled,
    content_id,
)
from core.data.duplicates import Found, find_pairs, looked_for
from core.data.fingerprint import Fingerprint, fingerprint
from core.data.groups import united
from core.data.intake import IntakeError, decode_image
from core.data.layout import Entry, Layout, find_layout, is_text
from core.data.medmnist import unpack_medmnist
from core.data.pairs import EVERYTHING, HELD_OUT, NOTHING, DuplicatePair
from core.data.split import cap, check_fractions, split_groups
from core.data.unpack import unpack_zip

MAX_FILE_BYTES: Final = 256 * 2**20
SYNTHETIC_TEXT: Final = "synthetic cell drawn by CellAscent"  # in every generated PNG, near its beginning
THREADS: Final = 2  # files examined at once; decoding and hashing let go of the interpreter lock

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]
_BEGINNING: Final = 512


@dataclass(frozen=True, slots=True)
class _Found:
    """A file with what its bytes say."""

    record: ImageRecord
    synthetic: bool = False
    print: Fingerprint | None = None


def scan(
    source: Path,
    *,
    work: Path,
    seed: int = 0,
    fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    per_class: int | None = None,
    held_out: bool = False,
    progress: Progress | None = None,
    comparing: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Dataset:
    """Read a folder of class folders (or of train, val, test folders above them), a zip of either, or a MedMNIST .npz.

    Every file in a class folder is examined. One that is no readable image, shows pixels that are also filed under
    another class, or repeats an image of a more held-out given split, is listed as bad with its reason and left out.
    Images that show the same cells although their pixels differ become pairs, and stay in one split that is made.
    Splits that folders give are kept; each other split with a fraction above 0 is made from the training images.

    Args:
        source: the folder, zip or .npz.
        work: where archives are unpacked, below a name made from their content.
        seed: decides the split, and which images `per_class` leaves.
        fractions: share of each split of the whole, in [0, 1], with sum 1.
        per_class: use at most so many images of each class; given splits keep their proportions.
        held_out: put every image into the test split, whatever folder it lies in and whatever `fractions` say: images
            from elsewhere, which models are judged by and never trained on. One image and one class are enough.
        progress: told (files done, files in all).
        comparing: told (images done, images in all) while the images are compared with each other.
        cancelled: asked between files; True ends the scan.

    Raises:
        DatasetError: the data cannot be used; one sentence that names the place and what to do.
        ScanCancelled: `cancelled` said so.
    """
    tell: Progress = progress or (lambda done, total: None)
    stop: Cancelled = cancelled or (lambda: False)
    shares = dict(HELD_OUT_FRACTIONS) if held_out else check_fractions(fractions)
    if per_class is not None and per_class < 1:
        raise DatasetError(f"per_class is {per_class}; it must be at least 1, or none for all images.")
    source = source.absolute()
    root = _folder(source, work.absolute(), tell, stop)
    layout = find_layout(root, held_out=held_out)
    found = _examine_all(root, layout, tell, stop)
    records = _set_aside_conflicts([one.record for one in found])
    records = _set_aside_leaks(records)
    usable = [record for record in records if record.status == OK]
    _check_classes(root, layout, records, usable)
    if per_class is not None:
        usable = _cap(usable, per_class, seed)
    alike, pixels = _duplicates(usable, found, comparing or (lambda done, total: None), stop)
    usable = united(usable, [(pixels[pair.image_a], pixels[pair.image_b]) for pair in alike.pairs])
    if not held_out:
        usable = _fill_splits(usable, layout.splits, shares, seed)
    usable.sort(key=lambda record: (record.class_ or "", record.sha256 or "", record.path))
    bad = [replace(record, split=None) for record in records if record.status == BAD]
    images = tuple(replace(record, image_id=place) for place, record in enumerate([*usable, *bad]))
    return Dataset(
        dataset_id=content_id(usable),
        name=source.stem if source.is_file() else source.name,
        root=root,
        classes=layout.classes,
        images=images,
        split_origin="given" if set(layout.splits) & {"val", "test"} and not held_out else "made",
        split_seed=seed,
        fractions=shares,
        synthetic=layout.synthetic or any(one.synthetic for one in found),
        pairs=_by_image(alike.pairs, pixels, usable),
        searched=looked_for(len(found)),
        crowded=alike.crowded,
    )


def _folder(source: Path, work: Path, tell: Progress, stop: Cancelled) -> Path:
    """The folder to read: the source itself, or what it unpacks to, without folders that only wrap the rest."""
    if source.is_dir():
        return source
    if not source.is_file():
        raise DatasetError(f"There is nothing at {source}; give a folder of images, a zip or a MedMNIST .npz.")
    if source.suffix.lower() == ".npz":
        return unpack_medmnist(source, work, tell, stop)
    if source.suffix.lower() != ".zip":
        raise DatasetError(f"{source} is neither a folder, a .zip nor a .npz; give one of these.")
    root = unpack_zip(source, work, tell, stop)
    while len(inside := [path for path in root.iterdir() if path.is_dir()]) == 1 and any(
        path.is_dir() for path in inside[0].iterdir()
    ):
        root = inside[0]
    return root


def _examine_all(root: Path, layout: Layout, tell: Progress, stop: Cancelled) -> list[_Found]:
    found: list[_Found] = []
    total = len(layout.entries)
    looked = looked_for(total)  # what will not be compared need not be kept
    tell(0, total)
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in _batches(layout.entries, 16 * THREADS):
            if stop():
                raise ScanCancelled("Reading the data was cancelled.")
            found += pool.map(lambda entry: _examine(root, entry, layout.sources, looked), batch)
            tell(len(found), total)
    return found


def _examine(root: Path, entry: Entry, sources: Mapping[str, str], looked: str) -> _Found:
    """Hash, decode and shrink one file. What is wrong with it becomes its reason."""
    record = ImageRecord(
        image_id=-1, path=entry.path, class_=entry.class_, split=entry.split, sha256=None, pixel_sha256=None,
        group_id=None, source=sources.get(entry.path), width=None, height=None,
    )  # fmt: skip
    if not is_text(entry.path):
        shown = entry.path.encode(errors="replace").decode()
        return _Found(replace(record, path=shown, status=BAD, reason="The file's name is not valid text; rename it."))
    try:
        data = _read(root / entry.path)
        record = replace(record, sha256=hashlib.sha256(data).hexdigest())
        if entry.class_ is None:
            raise IntakeError("The file lies outside the class folders; move it into the folder of its class.")
        rgb = decode_image(data)
    except IntakeError as error:
        return _Found(replace(record, status=BAD, reason=str(error)))
    height, width = rgb.shape[:2]
    digest = hashlib.sha256(struct.pack("<II", height, width) + rgb.tobytes()).hexdigest()
    group = f"g-{digest[:16]}"
    record = replace(record, pixel_sha256=digest, group_id=group, width=width, height=height)
    kept = None if looked == NOTHING else fingerprint(rgb, with_field=looked == EVERYTHING)
    return _Found(record, SYNTHETIC_TEXT.encode() in data[:_BEGINNING], kept)


def _read(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise IntakeError("The file is not a regular file; remove it.")
        if facts.st_size > MAX_FILE_BYTES:
            raise IntakeError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB; crop or shrink the image.")
        return path.read_bytes()
    except OSError as error:
        raise IntakeError(f"The file cannot be read ({error.strerror}); check it and its permissions.") from error


def _same_pixels(records: Iterable[ImageRecord]) -> list[list[int]]:
    """Places of the usable images that show equal pixels, two or more each."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        if record.status == OK and record.pixel_sha256:
            places[record.pixel_sha256].append(place)
    return [group for group in places.values() if len(group) > 1]


def _set_aside_conflicts(records: list[ImageRecord]) -> list[ImageRecord]:
    """Equal pixels under two labels: at least one label is wrong, and nobody here can say which."""
    result = list(records)
    for group in _same_pixels(records):
        if len({records[place].class_ for place in group}) > 1:
            for place in group:
                other = next(records[one] for one in group if records[one].class_ != records[place].class_)
                reason = (
                    f"The same pixels are also filed as {other.class_!r} ({other.path}); "
                    "all copies are left out until one label remains."
                )
                result[place] = replace(records[place], status=BAD, reason=reason)
    return result


def _set_aside_leaks(records: list[ImageRecord]) -> list[ImageRecord]:
    """Equal pixels in two given splits: kept in the most held-out one, so that given test images stay comparable."""
    result = list(records)
    for group in _same_pixels(records):
        kept = max((records[place] for place in group), key=lambda record: HELD_OUT[record.split])
        for place in group:
            if (split := records[place].split) != kept.split:
                reason = f"The same pixels are in the {kept.split} split ({kept.path}); left out of {split}: a leak."
                result[place] = replace(records[place], status=BAD, reason=reason)
    return result


def _check_classes(root: Path, layout: Layout, records: list[ImageRecord], usable: list[ImageRecord]) -> None:
    """Every class needs an image in every given split."""
    found = Counter((record.class_, record.split) for record in usable)
    for name in layout.classes:
        for split in layout.splits or (None,):
            if not found[name, split]:
                place = f"{split} split of class {name!r}" if split else f"class folder {name!r}"
                reason = next((r.reason for r in records if r.reason and (r.class_, r.split) == (name, split)), None)
                why = f" (the first file left out: {reason.rstrip('.')})" if reason else ""
                raise DatasetError(f"The {place} in {root} has no usable image{why}; add images or remove the class.")


def _duplicates(
    usable: list[ImageRecord], found: list[_Found], tell: Progress, stop: Cancelled
) -> tuple[Found, list[str]]:
    """Pairs of different pictures, and the pixel hash of each picture by its place there."""
    wanted = {record.pixel_sha256 for record in usable}
    prints = {one.record.pixel_sha256 or "": one.print for one in found if one.record.pixel_sha256 in wanted}
    kept = {pixels: one for pixels, one in sorted(prints.items()) if one is not None}

    def leave() -> None:
        if stop():
            raise ScanCancelled("Comparing the images was cancelled.")

    return find_pairs(list(kept.values()), looked_for(len(found)), tell, leave), list(kept)


def _by_image(
    pairs: Sequence[DuplicatePair], pixels: Sequence[str], usable: list[ImageRecord]
) -> tuple[DuplicatePair, ...]:
    """Pairs of pictures as pairs of images: of several with equal pixels, the first."""
    first: dict[str | None, int] = {}
    for place, record in enumerate(usable):
        first.setdefault(record.pixel_sha256, place)
    turned = [replace(pair, image_a=first[pixels[pair.image_a]], image_b=first[pixels[pair.image_b]]) for pair in pairs]
    return tuple(sorted((pair.ordered() for pair in turned), key=lambda pair: (pair.image_a, pair.image_b)))


def _cap(usable: list[ImageRecord], per_class: int, seed: int) -> list[ImageRecord]:
    kept: list[ImageRecord] = []
    for _, images in itertools.groupby(sorted(usable, key=lambda one: one.class_ or ""), key=lambda one: one.class_):
        members = list(images)
        places = cap([one.split for one in members], [one.sha256 or "" for one in members], per_class, seed)
        kept += [members[place] for place in places]
    return kept


def _fill_splits(
    usable: list[ImageRecord], given: tuple[str, ...], shares: Mapping[str, float], seed: int
) -> list[ImageRecord]:
    """Make the splits that are wanted but not given out of the training images (of all, where nothing is given)."""
    wanted = {name: shares[name] for name in SPLITS if name == "train" or (shares[name] > 0 and name not in given)}
    source = [record for record in usable if record.split in (None, "train")]
    total = sum(wanted.values())
    parts = {name: share / total for name, share in wanted.items()}
    splits = split_groups([r.class_ or "" for r in source], [r.group_id or "" for r in source], parts, seed)
    rest = [record for record in usable if record.split not in (None, "train")]
    return [*rest, *(replace(record, split=split) for record, split in zip(source, splits, strict=True))]


def _batches(entries: Sequence[Entry], size: int) -> Iterable[Sequence[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
