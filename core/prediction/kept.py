"""Image files that a person asked to keep beside their reading: the original bytes, named after their hash.

Nothing is kept unless somebody asks for it. They lie in home/kept/<first two digits>/<sha256>.<suffix>.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.intake import FORMATS, IntakeError, decode_image
from store.journal import sync_folder, write_durably

FOLDER: Final = "kept"
SUFFIXES: Final = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "TIFF": "tif", "BMP": "bmp", "WEBP": "webp", "GIF": "gif"}
QUALITY: Final = 92
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def keep(home: Path, data: bytes) -> Path:
    """Keep an image file as it is and return where; a second time does nothing.

    Raises IntakeError when the bytes are not one still image, OSError when the disk refuses.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    there = kept_file(home, sha256)
    if there is not None:
        return there
    decode_image(data)  # what cannot be read is not kept
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        suffix = SUFFIXES[str(image.format)]
    folder = home / FOLDER / sha256[:2]
    folder.mkdir(parents=True, exist_ok=True)
    for changed in (folder.parent, home):  # a name is durable only when its folder is
        sync_folder(changed)
    path = folder / f"{sha256}.{suffix}"
    write_durably(path, data)
    return path


def kept_file(home: Path, sha256: str) -> Path | None:
    """Where the image file of a hash is kept; None where it is not."""
    if not _HASH.fullmatch(sha256):
        return None
    folder = home / FOLDER / sha256[:2]
    return next((path for suffix in SUFFIXES.values() if (path := folder / f"{sha256}.{suffix}").is_file()), None)


def kept_preview(home: Path, sha256: str, box: Sequence[int] | None, side: int) -> bytes | None:
    """A JPEG of a kept image, or of a box of it (x, y, width, height in px), at most `side` px wide and high.

    None where the image is not kept (any more) or cannot be read.
    """
    return kept_previews(home, sha256, [box], side)[0]


def kept_previews(home: Path, sha256: str, boxes: Sequence[Sequence[int] | None], side: int) -> list[bytes | None]:
    """The same of several boxes of one image, which is decoded once: a field has up to 64 megapixels."""
    file = kept_file(home, sha256)
    if file is None:
        return [None] * len(boxes)
    try:
        pixels = decode_image(file.read_bytes())
    except (OSError, IntakeError):
        return [None] * len(boxes)
    return [_jpeg(pixels, box, side) for box in boxes]


def _jpeg(pixels: NDArray[np.uint8], box: Sequence[int] | None, side: int) -> bytes | None:
    if box is not None:
        x, y, width, height = box
        pixels = pixels[y : y + height, x : x + width]
        if not pixels.size:
            return None
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()
