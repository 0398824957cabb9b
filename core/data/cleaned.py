"""A cleaned copy of a data set: one of each picture, no leaks across given splits, no bad files; never the original."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.data.dataset import Dataset, DatasetError, ImageRecord
from core.data.groups import united
from core.data.layout import MANIFEST, SYNTHETIC_MARKER
from core.data.pairs import HELD_OUT, NEAR

COLUMNS: Final = ("file", "class", "source", "kept", "reason")


@dataclass(frozen=True)
class Cleaned:
    """A copy that was written."""

    folder: Path
    kept: int
    left_out: int

    def sentence(self) -> str:
        return (
            f"{self.folder} holds {self.kept:,} images; {self.left_out:,} were left out, each with its reason in "
            f"{MANIFEST} there. The original is as it was."
        )


def left_out(dataset: Dataset) -> dict[int, str]:
    """Why usable images are left out of a cleaned copy, by image id.

    Of each picture (equal pixels, turned, mirrored, encoded anew) the copy in the most held-out split stays, of several
    there the largest; none where they are filed under two classes. Of crops of one field only those in the most
    held-out given split stay, so that given test images stay comparable.
    """
    reasons: dict[int, str] = {}
    images = dataset.usable
    pixels = {image.image_id: image.pixel_sha256 or "" for image in images}
    near = [(pixels[pair.image_a], pixels[pair.image_b]) for pair in dataset.pairs if pair.kind == NEAR]
    alone = [replace(image, group_id=f"g-{(image.pixel_sha256 or '')[:16]}") for image in images]
    for group in _groups(united(alone, near)):
        if len({image.class_ for image in group}) > 1:
            for image in group:
                other = next(one for one in group if one.class_ != image.class_)
                reasons[image.image_id] = (
                    f"The same picture is also filed as {other.class_!r} ({other.path}); all copies are left out until "
                    "one label remains."
                )
            continue
        kept = max(group, key=_worth)
        for image in group:
            if image is not kept:
                reasons[image.image_id] = f"The same picture as {kept.path}."
    if dataset.split_origin == "given":
        for group in _groups(image for image in images if image.image_id not in reasons):
            kept = max(group, key=_worth)
            for image in group:
                if image.split != kept.split:
                    reasons[image.image_id] = (
                        f"It shows a field that is in the {kept.split} split ({kept.path}); left out of {image.split}: "
                        "a leak."
                    )
    return reasons


def write_clean(
    dataset: Dataset, folder: Path, tell: Callable[[int, int], None] = lambda done, total: None,
    leave: Callable[[], None] = lambda: None,
) -> Cleaned:  # fmt: skip
    """Copy what `left_out` leaves, with a manifest of all files, to a folder that is new or empty.

    The folder is complete or absent: the copy is made beside it (a hidden folder that ends in .partial, which only a
    killed process leaves behind) and renamed at the end.

    Args:
        tell: told (files copied, files in all).
        leave: called between files; it raises when a person wants the copy to end.

    Raises:
        DatasetError: the folder cannot be used or written, a file has changed since the scan, or a class has no image
            left; one sentence.
    """
    folder = folder.absolute()
    _check_place(dataset.root, folder)
    reasons = left_out(dataset)
    kept = [image for image in dataset.usable if image.image_id not in reasons]
    _check_left(dataset, kept)
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
        for done, image in enumerate(kept):
            leave()
            tell(done, len(kept))
            _copy(dataset.root, image, partial)
        (partial / MANIFEST).write_text(_manifest(dataset.images, reasons), "utf-8", newline="")
        if (dataset.root / SYNTHETIC_MARKER).is_file():
            shutil.copyfile(dataset.root / SYNTHETIC_MARKER, partial / SYNTHETIC_MARKER)
        partial.chmod(0o755)  # as a folder is made; a temporary one is closed to others
        os.rename(partial, folder)  # noqa: PTH104  (Path.rename is the same call)
    except OSError as error:
        raise DatasetError(f"The cleaned copy {folder} cannot be written: {error.strerror or error}.") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
    tell(len(kept), len(kept))
    return Cleaned(folder, len(kept), len(dataset.images) - len(kept))


def _groups(images: Iterable[ImageRecord]) -> list[list[ImageRecord]]:
    """Images of one group, two or more each."""
    found: dict[str | None, list[ImageRecord]] = defaultdict(list)
    for image in images:
        found[image.group_id].append(image)
    return [group for group in found.values() if len(group) > 1]


def _worth(image: ImageRecord) -> tuple[int, int, str]:
    return HELD_OUT[image.split], (image.width or 0) * (image.height or 0), image.path


def _check_place(root: Path, folder: Path) -> None:
    source, target = root.resolve(), folder.resolve()
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise DatasetError(f"The copy {folder} would lie in the original, or around it; name another folder.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} exists and is not an empty folder; name a new one for the cleaned copy.")


def _check_left(dataset: Dataset, kept: Sequence[ImageRecord]) -> None:
    given = dataset.split_origin == "given"
    wanted = {(image.class_, image.split if given else None) for image in dataset.usable}
    gone = wanted - {(image.class_, image.split if given else None) for image in kept}
    if gone:
        name, split = min(gone, key=str)
        place = f"class {name!r}" + (f" in the {split} split" if split else "")
        raise DatasetError(f"Nothing would be left of {place}; look at its duplicates first, on the page Data.")


def _copy(root: Path, image: ImageRecord, folder: Path) -> None:
    data = (root / image.path).read_bytes()
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise DatasetError(f"{root / image.path} has changed since the data were read; clean them again.")
    target = folder / image.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _manifest(images: Sequence[ImageRecord], reasons: Mapping[int, str]) -> str:
    """A row for every file; its column source is read again when the copy is."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image in sorted(images, key=lambda one: one.path):
        reason = image.reason if image.reason is not None else reasons.get(image.image_id, "")
        writer.writerow([image.path, image.class_ or "", image.source or "", "no" if reason else "yes", reason])
    return out.getvalue()
