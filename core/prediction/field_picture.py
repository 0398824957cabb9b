"""A field's picture with the boxes of its cells, for a report."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.prediction.field import VIEW, Field
from core.prediction.smear import Box
from core.prediction.thumbnail import small_jpeg

INK: Final = (20, 20, 20)
PAPER: Final = (255, 255, 255)


def boxed(field: Field, boxes: Iterable[tuple[int, Box]]) -> bytes:
    """A JPEG of the field with each box (number, box) and its number at the box's upper left corner."""
    with Image.open(io.BytesIO(field.picture), formats=("JPEG",)) as image:
        shown = image.convert("RGB")
    scale = shown.width / field.width
    unit = max(1, round(max(shown.size) / 400))
    font = ImageFont.load_default(12 * unit)
    pen = ImageDraw.Draw(shown)
    for number, box in boxes:
        left, top = box.x * scale, box.y * scale
        sides = (left, top, left + box.width * scale, top + box.height * scale)
        pen.rectangle(sides, outline=PAPER, width=2 * unit)  # light beneath dark: seen on every stain
        pen.rectangle(sides, outline=INK, width=unit)
        word = (left + 2 * unit, top + unit)
        _, _, right, bottom = pen.textbbox(word, str(number), font=font)
        pen.rectangle((left, top, right + 2 * unit, bottom + 2 * unit), fill=INK)
        pen.text(word, str(number), fill=PAPER, font=font)
    return small_jpeg(np.asarray(shown), VIEW)
