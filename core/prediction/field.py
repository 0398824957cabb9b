"""A field that a person looks at: its cells found once, and each of its boxes read as an image of its own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.data.intake import decode_image
from core.prediction.kept import keep
from core.prediction.smear import Box, find_by
from core.prediction.smear_crop import check_all, crop
from core.prediction.smear_scale import Ruler, ruler_of
from core.prediction.smear_settings import Settings, SmearError
from core.prediction.smear_view import shrunk
from core.prediction.thumbnail import small_jpeg
from core.statements import save_reading

if TYPE_CHECKING:
    from core.prediction.reader import Reader
    from core.prediction.reading import Reading

VIEW: Final = 1600  # px: the longer side of the field's picture on a page
MOST: Final = 500  # boxes of one field: more are not cells
_one = threading.Lock()  # a field takes up to 400 MB while it is looked at; two at once would take twice as much


@dataclass(frozen=True)
class Field:
    """What is kept of a field's file: no pixels but those of a small picture.

    Attributes:
        name: of its file.
        sha256: of the file's bytes.
        width, height: px, upright.
        picture: a JPEG of at most VIEW px.
        ruler: how large its red cells are.
        boxes: of the white cells that were found.
        more: boxes that were found beyond MOST and left out.
    """

    name: str
    sha256: str
    width: int
    height: int
    picture: bytes
    ruler: Ruler
    boxes: tuple[Box, ...]
    more: int


@dataclass(frozen=True)
class CellReading:
    """One box, read at a time (UTC): its number on the page, the picture of its cell (JPEG), what was said, and its id
    on record.
    """

    number: int
    box: Box
    picture: bytes
    reading: Reading
    reading_id: str
    at_edge: bool
    at: datetime


def open_field(data: bytes, name: str, settings: Settings) -> Field:
    """Decode a field and find its cells. Raises IntakeError, SmearError."""
    settings.check()
    with _one:
        rgb = decode_image(data, name=name)
        ruler = ruler_of(rgb, settings)
        boxes = find_by(rgb, ruler, settings)
        view, _ = shrunk(rgb, VIEW / max(rgb.shape[:2]))
    return Field(
        name, hashlib.sha256(data).hexdigest(), rgb.shape[1], rgb.shape[0], small_jpeg(view, VIEW), ruler,
        tuple(boxes[:MOST]), max(0, len(boxes) - MOST),
    )  # fmt: skip


def read_boxes(
    home: Path, reader: Reader, field: Field, data: bytes, boxes: Sequence[tuple[int, Box]], *, batch_id: str,
    point: Any = None, asked_by: str | None = None, keep_image: bool = False,
) -> Iterator[CellReading]:  # fmt: skip
    """Read boxes (number, box), cut to the field, one by one; each is on record before it is given.

    Args:
        data: the field's file.
        batch_id: shared by all readings of this field.
        point: a `core.prediction.reader.Point`, or None.
        keep_image: keep the field's file (`core.prediction.kept`), and say so on record.

    Raises IntakeError, SmearError, JournalError; SmearError too where the file cannot be kept: nothing is read then.
    """
    inside = check_all((box for _, box in boxes), field.width, field.height)  # before anything is on record
    if keep_image:
        try:
            keep(home, data)
        except OSError as error:
            raise SmearError("The image could not be kept: the disk refuses it. No cell was read.") from error
    rgb = decode_image(data, name=field.name)
    for (number, _), box in zip(boxes, inside, strict=True):
        cell = crop(rgb, box, field.ruler)
        reading = reader.read_pixels(cell.rgb, field.sha256, point=point)
        reading_id = save_reading(
            home, reading, file_name=field.name, through="field", batch_id=batch_id,
            box=(box.x, box.y, box.width, box.height), kept=keep_image, asked_by=asked_by,
            operating_point_id=getattr(point, "point_id", None),
        )  # fmt: skip
        yield CellReading(number, box, small_jpeg(cell.rgb), reading, reading_id, cell.at_edge, datetime.now(UTC))
