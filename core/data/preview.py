"""One image of a data set as a small picture to look at, if its file is still the one that was scanned."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path, PurePosixPath
from typing import Final

from PIL import Image

from core.data.dataset import DatasetError
from core.data.intake import IntakeError, Pixels, decode_image

QUALITY: Final = 92


def image_file(root: Path, path: str) -> Path:
    """Where an image lies. Raises DatasetError when its path leads out of the data set's folder."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise DatasetError(f"The path {path} leads out of the data set's folder; scan the data again.")
    return root / parts


def preview(root: Path, path: str, sha256: str | None, side: int) -> bytes:
    """A JPEG of an image, at most `side` pixels wide and high, never enlarged.

    Args:
        root, path: the data set's folder and the image's place in it, as `Dataset` has them.
        sha256: of the file's bytes when it was scanned, hex; None where it is not known.

    Raises:
        DatasetError: the file is gone, is another one by now, or cannot be decoded; one sentence.
    """
    image = Image.fromarray(unchanged_pixels(root, path, sha256))
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def unchanged_pixels(root: Path, path: str, sha256: str | None) -> Pixels:
    """An image as it was scanned, (height, width, 3) of uint8; arguments and errors as of `preview`."""
    file = image_file(root, path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"The file is gone or cannot be read ({error.strerror}).") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetError("The file has changed since the data were read: it is not the image that the model saw.")
    try:
        return decode_image(data, name=file.name)
    except IntakeError as error:
        raise DatasetError(str(error)) from error
