"""Reviewed images as a folder that the page Data and `--data` take in: one sub-folder a class, and a manifest.

Only what was kept can be gathered, and only where an expert settled the class, by a correction or a confirmation.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from PIL import Image

from core.data.intake import IntakeError, decode_image
from core.data.layout import MANIFEST, SPLIT_FOLDERS
from core.prediction.kept import kept_file
from core.prediction.reading import name_of
from store.journal import sync_folder, write_durably

SOURCE: Final = "reviewed"
FOLDER: Final = "gathered"
COLUMNS: Final = (
    "file", "class", "source", "reading_id", "model_call", "verdict", "model_id", "file_name", "reviewed_by"
)  # fmt: skip
JUDGED: Final = "Models are judged by this image, in the data set {}: none may be trained on it."
_ODD: Final = re.compile(r"[^\w .()+-]")  # not in the name of a folder


class GatherError(ValueError):
    """Nothing was gathered; the message says why."""


@dataclass(frozen=True)
class Gathered:
    """What was written.

    Attributes:
        folder: that holds it.
        classes: images of each class.
        left_out: (reading id, why), a sentence each.
    """

    folder: Path
    classes: Mapping[str, int]
    left_out: tuple[tuple[str, str], ...]

    @property
    def images(self) -> int:
        return sum(self.classes.values())

    @property
    def words(self) -> str:
        each = ", ".join(f"{name_of(name)} {n:,}" for name, n in self.classes.items())
        left = f" {len(self.left_out):,} readings were left out." if self.left_out else ""
        return f"{self.images:,} image{'s' * (self.images != 1)} in {self.folder}: {each}.{left}"


def new_folder(home: Path) -> Path:
    """Where the next images are gathered to unless another place is named."""
    return home / FOLDER / f"reviewed-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def gather(
    home: Path, rows: Iterable[Mapping[Any, Any]], target: Path, progress: Callable[[int, int], object] | None = None
) -> Gathered:
    """Write reviewed images to a new folder.

    An image (or a box of a field) that several readings speak of is written once; where its reviews disagree, it is
    left out. So is an image that models are judged by. Of a box in a field the square that was read is cut out and
    saved as PNG; every other file is copied as it is. Nothing in the manifest ties the cells of one field together: a
    split that is made from the folder may part them.

    Args:
        rows: as the query `gatherable` gives them, the latest review first.
        target: a folder that does not exist yet.
        progress: called with how many images are done and how many there are.

    Raises GatherError when there is nothing to gather or `target` exists, OSError when the disk refuses; nothing is
    left behind then.
    """
    if target.exists():
        raise GatherError(f"{target} exists already: name a new folder.")
    images, left_out = _settled(rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
    lines: list[dict[str, str]] = []
    folders: dict[str, str] = {}  # class by folder
    try:
        fresh.mkdir()
        for number, row in enumerate(images):
            try:
                lines.append(_line(row) | {"file": _write(home, row, fresh, folders)})
            except GatherError as error:
                left_out.append((str(row["reading_id"]), str(error)))
            if progress is not None:
                progress(number + 1, len(images))
        if not lines:
            why = left_out[0][1] if left_out else "No kept image has a class that an expert settled."
            raise GatherError(f"There is nothing to gather. {why}")
        write_durably(fresh / MANIFEST, _manifest(lines))
        fresh.replace(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Gathered(target, dict(sorted(Counter(line["class"] for line in lines).items())), tuple(left_out))


def _settled(rows: Iterable[Mapping[Any, Any]]) -> tuple[list[Mapping[Any, Any]], list[tuple[str, str]]]:
    """One row an image; and those left out: on which the reviews disagree, or by which models are judged."""
    by_image: dict[tuple[str, tuple[int, ...]], list[Mapping[Any, Any]]] = {}
    images: list[Mapping[Any, Any]] = []
    left_out: list[tuple[str, str]] = []
    for row in rows:
        judged_in: Any = row.get("judged_in")
        if isinstance(judged_in, str):
            left_out.append((str(row["reading_id"]), JUDGED.format(judged_in)))
            continue
        by_image.setdefault((str(row["image_sha256"]), _box(row) or ()), []).append(row)
    for same in by_image.values():
        classes = sorted({str(row["expert_class"]) for row in same})
        if len(classes) == 1:
            images.append(same[0])
        else:
            why = f"Its reviews disagree on the same image: {', '.join(classes)}."
            left_out += [(str(row["reading_id"]), why) for row in same]
    return images, left_out


def _write(home: Path, row: Mapping[Any, Any], root: Path, folders: dict[str, str]) -> str:
    """Write one image into the folder of its class and return its path below `root`. Raises GatherError."""
    class_, sha256, box = str(row["expert_class"]), str(row["image_sha256"]), _box(row)
    folder = class_folder(class_)
    if folders.setdefault(folder, class_) != class_:
        raise GatherError(f"The classes {class_!r} and {folders[folder]!r} would share the folder {folder!r}.")
    file = kept_file(home, sha256)
    if file is None:
        raise GatherError("Its image file is not there any more.")
    name, data = f"{sha256[:16]}{file.suffix}", file.read_bytes()
    if box is not None:
        name, data = f"{sha256[:16]}-{'-'.join(map(str, box))}.png", _cut(data, box, row)
    (root / folder).mkdir(exist_ok=True)
    write_durably(root / folder / name, data)
    return f"{folder}/{name}"


def class_folder(class_: str) -> str:
    """The name of the folder of a class. Raises GatherError for a class whose folder would not be taken for one."""
    name = _ODD.sub("_", class_).strip(" .")
    if not name or name.lower() in SPLIT_FOLDERS or not class_.isprintable():
        raise GatherError(f"A class called {class_!r} cannot be the name of a class folder; review it under another.")
    return name


def _cut(data: bytes, box: Sequence[int], row: Mapping[Any, Any]) -> bytes:
    """The square around a box that was read: its side is the width that the reading has on record."""
    from core.prediction.smear import Box  # scikit-image takes a second to load
    from core.prediction.smear_crop import square_of

    x, y, width, height = box
    try:
        rgb = decode_image(data)
    except IntakeError as error:
        raise GatherError(str(error)) from error
    if x + width > rgb.shape[1] or y + height > rgb.shape[0]:
        raise GatherError("Its box lies outside of the field's image.")
    try:
        sides = {int(row["width"]), int(row["height"])}
    except (KeyError, TypeError, ValueError):  # not on record
        sides = set()
    if len(sides) != 1 or max(sides) < max(width, height):
        raise GatherError("Its record does not say which square around the box was read.")
    cell = square_of(rgb, Box(x, y, width, height), max(sides))
    out = io.BytesIO()
    Image.fromarray(cell).save(out, "PNG")
    return out.getvalue()


def _box(row: Mapping[Any, Any]) -> tuple[int, ...] | None:
    box: Any = row["box"]
    return tuple(int(one) for one in box) if hasattr(box, "__len__") and len(box) == 4 else None


def _line(row: Mapping[Any, Any]) -> dict[str, str]:
    decided = row["decided_classes"]
    call = " or ".join(map(str, decided)) if hasattr(decided, "__len__") and len(decided) else row["decision"]
    said = {name: row[name] for name in ("reading_id", "verdict", "model_id", "file_name", "reviewed_by")}
    plain = {name: str(value) if isinstance(value, str) else "" for name, value in said.items()}
    return plain | {
        "class": str(row["expert_class"]),
        "source": SOURCE,
        "model_call": call if isinstance(call, str) else "",
    }


def _manifest(lines: Iterable[Mapping[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()
