"""What an image gives away without its cell: colours, corners, border, facts of its file; and a tiny picture of it.

Each is a short row of numbers an image, for a linear classifier. Every file is read once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.dataset import DatasetError, ImageRecord
from core.data.intake import FORMATS, IntakeError, Pixels, decode_image

BINS: Final = 16  # of each colour channel
CORNER_SHARE: Final = 1 / 12  # side of a corner square, of the image's shorter side
BORDER_SHARE: Final = 1 / 25  # thickness of the border, of the image's shorter side
BORDER_PARTS: Final = 8  # each side's strip is averaged in so many parts
THUMBNAIL: Final = 16  # px
THREADS: Final = 2  # files read at once; decoding lets go of the interpreter lock
BATCH: Final = 32

Row = NDArray[np.float32]


@dataclass(frozen=True)
class FileFacts:
    """What a file says of itself. `quality` is that of a JPEG, 1 to 100, and 0 of anything else."""

    width: int  # pixels, upright
    height: int
    size: int  # bytes
    quality: int


@dataclass(frozen=True)
class Features:
    """Of n images, in the order asked: `rows[feature]` is an array (n, numbers of the feature) of float32."""

    rows: dict[str, NDArray[np.float32]]
    facts: tuple[FileFacts, ...]


def read_features(
    root: Path, images: Sequence[ImageRecord], tell: Callable[[int, int], None] = lambda done, total: None,
    leave_if_cancelled: Callable[[], None] = lambda: None,
) -> Features:  # fmt: skip
    """The features of every image, by name: histogram, corners, border, file, thumbnail.

    Args:
        root: what the images' paths are relative to.
        tell: told (images read, images in all).
        leave_if_cancelled: called between batches; what it raises ends the reading.

    Raises DatasetError when a file is gone or is no image any more.
    """
    found: list[tuple[dict[str, Row], FileFacts]] = []
    tell(0, len(images))
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in _batches(images):
            leave_if_cancelled()
            found += pool.map(lambda image: _read(root, image), batch)
            tell(len(found), len(images))
    names = found[0][0] if found else {}
    return Features({name: np.stack([rows[name] for rows, _ in found]) for name in names}, tuple(f for _, f in found))


def features_of(rgb: Pixels, facts: FileFacts) -> dict[str, Row]:
    """The features of one image, array (height, width, 3) of uint8."""
    return {
        "histogram": histogram(rgb),
        "corners": corners(rgb),
        "border": border(rgb),
        "file": np.array(
            [facts.width, facts.height, np.log(max(facts.size, 1)), facts.quality], np.float32
        ),  # bytes of a file grow with its content by factors, so their logarithm is linear
        "thumbnail": _shrunk(rgb, THUMBNAIL, THUMBNAIL),
    }


def histogram(rgb: Pixels) -> Row:
    """Shares of the pixels in 16 equal bins a channel, array (48,): red, green, blue, each with sum 1."""
    counts = [np.bincount((rgb[..., channel] >> 4).ravel(), minlength=BINS) for channel in range(3)]
    return np.asarray(np.concatenate(counts) / (rgb.shape[0] * rgb.shape[1]), dtype=np.float32)


def corners(rgb: Pixels) -> Row:
    """Mean colours of the four corner squares, each in 2 x 2 parts, in [0, 1]: array (48,)."""
    side = _pixels(rgb, CORNER_SHARE)
    squares = [rgb[:side, :side], rgb[:side, -side:], rgb[-side:, :side], rgb[-side:, -side:]]
    return np.concatenate([_shrunk(square, 2, 2) for square in squares])


def border(rgb: Pixels) -> Row:
    """Mean colours along the outermost strips (top, bottom, left, right), each in 8 parts, in [0, 1]: array (96,)."""
    thick = _pixels(rgb, BORDER_SHARE)
    lying = [_shrunk(strip, BORDER_PARTS, 1) for strip in (rgb[:thick], rgb[-thick:])]
    standing = [_shrunk(strip, 1, BORDER_PARTS) for strip in (rgb[:, :thick], rgb[:, -thick:])]
    return np.concatenate([*lying, *standing])


def file_facts(data: bytes, rgb: Pixels) -> FileFacts:
    """The facts of a file and the image decoded from it."""
    return FileFacts(rgb.shape[1], rgb.shape[0], len(data), jpeg_quality(data))


def jpeg_quality(data: bytes) -> int:
    """The quality, 1 to 100, at which an encoder of the Independent JPEG Group makes the likest luminance table.

    Exact for files of libjpeg and what is built on it (Pillow, OpenCV, most microscope software); for tables of their
    own the nearest. 0 where the file is no JPEG.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        tables = getattr(image, "quantization", None)
        if image.format not in ("JPEG", "MPO") or not tables:
            return 0
        table = np.array(tables[min(tables)], dtype=np.int64)
    return 1 + int(np.abs(_luminance_tables() - table).sum(axis=1).argmin())


@cache
def _luminance_tables() -> NDArray[np.int64]:
    """The luminance tables that Pillow's libjpeg uses at quality 1 to 100: array (100, 64)."""
    tables = []
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as image:
            tables.append(image.quantization[0])  # type: ignore[attr-defined]
    return np.array(tables, dtype=np.int64)


def _read(root: Path, image: ImageRecord) -> tuple[dict[str, Row], FileFacts]:
    try:
        data = (root / image.path).read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{root / image.path} cannot be read ({error.strerror}); put the images back or import them again."
        ) from error
    try:
        rgb = decode_image(data, name=image.path)
    except IntakeError as error:
        raise DatasetError(f"The data have changed since they were read: {error}") from error
    facts = file_facts(data, rgb)
    return features_of(rgb, facts), facts


def _pixels(rgb: Pixels, share: float) -> int:
    return max(1, round(min(len(rgb), len(rgb[0])) * share))


def _shrunk(rgb: Pixels, width: int, height: int) -> Row:
    """Mean colours of width x height equal parts, in [0, 1], flat."""
    image = Image.fromarray(np.ascontiguousarray(rgb)).resize((width, height), Image.Resampling.BOX)
    return np.ravel(np.asarray(image, dtype=np.float32) / np.float32(255))


def _batches(images: Sequence[ImageRecord]) -> Iterator[Sequence[ImageRecord]]:
    return (images[start : start + BATCH] for start in range(0, len(images), BATCH))
