"""Small pictures of what was read, for tables and reports: the image itself need not be kept for them."""

from __future__ import annotations

import base64
import io

from PIL import Image

from core.data.intake import Pixels

PICTURE = 256  # px, longest side: a cell at its own size in most collections
THUMBNAIL = 56  # px


def small_jpeg(rgb: Pixels, side: int = PICTURE) -> bytes:
    """A JPEG of an image (H, W, 3) uint8, its longest side at most `side` px."""
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _jpeg(image)


def smaller(jpeg: bytes, side: int = THUMBNAIL) -> bytes:
    """A smaller one of what `small_jpeg` made."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return _jpeg(image)


def data_url(jpeg: bytes) -> str:
    """The picture as text, as a table in the browser shows it."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
