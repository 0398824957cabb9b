"""How well white cells are found in fields where people have drawn them: one half for tuning, the other to report."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.data.intake import decode_image
from core.evaluation.detection import Corners, Detection, judge
from core.evaluation.intervals import Estimate
from core.prediction.smear import USUAL, Box, find_by
from core.prediction.smear_scale import ruler_of
from core.prediction.smear_settings import HALVES, Settings, SmearError
from core.progress_line import ProgressLine

OVERLAPS: Final = (0.3, 0.5)
WHITE: Final = "WBC"
COLUMNS: Final = ("image", "label", "xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Field:
    """An image file, and the corners of the white cells that people drew in it."""

    path: Path
    cells: tuple[Corners, ...]


def half_of(name: str) -> str:
    """The half that an image file of this name is in: that of the parity of the first byte of the name's SHA-256."""
    return HALVES[hashlib.sha256(name.encode()).digest()[0] % 2]


def read_fields(folder: Path, half: str) -> list[Field]:
    """The fields of one half, by name: every image that boxes.csv names, those without a white cell too.

    Rows with `valid_box` 0 are left out. Raises SmearError where boxes.csv is missing or is another table.
    """
    file = next((place for place in (folder / "boxes.csv", folder.parent / "boxes.csv") if place.is_file()), None)
    if file is None:
        raise SmearError(f"There is no boxes.csv in {folder}; name a folder with fields and their boxes.")
    cells: dict[str, list[Corners]] = {}
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise SmearError(f"{file} has not the columns {', '.join(COLUMNS)}; name the boxes of BCCD.")
        for row in rows:
            known = cells.setdefault(row["image"], [])
            if row["label"] == WHITE and row.get("valid_box") != "0":
                try:
                    known.append(_corners(row))
                except ValueError as error:
                    raise SmearError(f"{file}, line {rows.line_num}: a side of the box is no number.") from error
    return [
        Field(file.parent / image, tuple(corners))
        for image, corners in sorted(cells.items())
        if half_of(Path(image).name) == half
    ]


def evaluate(folder: Path, half: str, settings: Settings = USUAL) -> str:
    """Recall, precision and F1 of the boxes found in one half, for the terminal. Raises SmearError, IntakeError."""
    fields = read_fields(folder, half)
    if not fields:
        raise SmearError(f"No field of {folder} is in the half {half!r}.")
    found: list[tuple[Sequence[Corners], Sequence[Corners]]] = []
    seconds, assumed, line = 0.0, 0, ProgressLine()
    for number, field in enumerate(fields, start=1):
        try:
            rgb = decode_image(field.path.read_bytes(), name=field.path.name)
        except OSError as error:
            raise SmearError(f"{field.path} cannot be read ({error.strerror}).") from error
        began = time.perf_counter()
        ruler = ruler_of(rgb, settings)
        boxes = find_by(rgb, ruler, settings)
        seconds += time.perf_counter() - began
        assumed += not ruler.measured
        found.append(([corners_of(box) for box in boxes], field.cells))
        line.tell("fields", number, len(fields))
    line.close()
    cells = sum(len(true) for _, true in found)
    empty = sum(not true for _, true in found)
    head = (
        f"{len(fields)} fields of the half {half!r} with {cells} white cells ({empty} fields without one); "
        f"{sum(len(boxes) for boxes, _ in found)} boxes found, {seconds / len(fields):.2f} s a field; the size of red "
        f"cells was assumed in {assumed}."
    )
    return "\n".join([head, *(_line(overlap, judge(found, overlap)) for overlap in OVERLAPS)])


def corners_of(box: Box) -> Corners:
    """Left, top, right, bottom."""
    return box.x, box.y, box.x + box.width, box.y + box.height


def _line(overlap: float, found: Detection) -> str:
    recall, precision = (_words(one) for one in (found.recall, found.precision))
    there, boxes = found.matched + found.missed, found.matched + found.false
    return (
        f"IoU {overlap:g}: recall {recall}, {found.matched} of {there}; precision {precision}, {found.matched} of "
        f"{boxes}; F1 {found.f1:.3f}"
    )


def _words(share: Estimate) -> str:
    return f"{share.value:.3f} (95 % {share.low:.3f} to {share.high:.3f})"


def _corners(row: dict[str, str]) -> Corners:
    left, top, right, bottom = (float(row[name]) for name in COLUMNS[2:])
    return left, top, right, bottom
