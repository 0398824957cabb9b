"""Untrusted bytes in, one safe RGB array out.

Every image that the software reads, from a data set or from a person's upload, comes through `decode_image`: the size
is checked before anything is decoded, and whatever cannot be read as exactly one still image is refused.
"""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.data.kinds import SLIDE, foreign, is_slide

Pixels = NDArray[np.uint8]

FORMATS: Final = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
FORMATS_TEXT: Final = "JPEG, PNG, TIFF, BMP, WebP or GIF"
MAX_PIXELS: Final = 64_000_000  # 192 MB as RGB; a 40-megapixel camera fits
NAME_LENGTH: Final = 100  # characters of a name that are shown
SQUASH_LIMIT: Final = 1.05  # sides that differ by less are squashed to a square, not padded

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"GIF8", "GIF"),
)
_TIFF_BITS, _TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_DIRECT_MODES: Final = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr")
_STRIP: Final = 2**20  # pixels converted at once
_ALPHA_MODES: Final = ("LA", "La", "PA", "RGBA", "RGBa")


class IntakeError(ValueError):
    """The bytes are not one still image that can be read; the message is one sentence: what, where, what to do."""


def safe_name(name: str, *, length: int = NAME_LENGTH) -> str:
    """A file's name as it may be shown, recorded and exported, however hostile the one that came with the file.

    Folders before it go (of Windows too); so do control characters and line ends, and invisible and direction-changing
    ones, by which 'gpj.exe' looks like 'exe.jpg'. A name that is too long loses its middle.

    Args:
        length: characters that it may have.

    Returns:
        The name in Unicode's composed form (NFC), never empty.
    """
    return plain_text(re.split(r"[/\\]", name)[-1], length=length).strip(". ") or "unnamed file"


def plain_text(text: str, *, length: int = NAME_LENGTH) -> str:
    """A text in one line: no control, format (bidi), surrogate or unassigned character; too long: without its middle.

    The last characters stay, as a file's ending is among them.
    """
    kept = "".join(" " if one.isspace() else one for one in text[: 8 * length] + text[8 * length :][-length:])
    kept = "".join(one for one in kept if unicodedata.category(one)[0] != "C")
    kept = unicodedata.normalize("NFC", " ".join(kept.split()))
    if len(kept) <= length:
        return kept
    end = length // 4
    return f"{kept[: length - end - 1]}…{kept[-end:]}"


def decode_image(data: bytes, *, max_pixels: int = MAX_PIXELS, name: str = "The file") -> Pixels:
    """Decode one still image to RGB, upright (EXIF), alpha put on white, 16-bit greys scaled to 8.

    Args:
        data: the whole file.
        max_pixels: width times height above this is refused before decoding.
        name: what the error sentence calls the image, e.g. its file name.

    Returns:
        Array (height, width, 3) of uint8.

    Raises:
        IntakeError: empty, not an image, of an unsupported format, truncated, damaged, animated, or too large.
    """
    name = plain_text(name, length=NAME_LENGTH * 10) or "The file"  # a path may be longer than a name
    if not data:
        raise IntakeError(f"{name} is empty (0 bytes); copy or export it again.")
    image = _open(data, name)
    width, height = image.size
    if width < 1 or height < 1:
        raise IntakeError(f"{name} has no pixels ({width} x {height}); export it again.")
    if width * height > max_pixels:
        limit = f"above the limit of {max_pixels / 1e6:g} megapixels"
        raise _refusal(data, name, f"is {width} x {height} px, {limit}; crop or shrink it.")
    try:
        # A phone's MPO holds a preview after the main picture; several frames of any other format are an animation.
        # To count them would read the whole file, which may hold a million.
        if image.format != "MPO" and getattr(image, "is_animated", False):
            raise _refusal(data, name, "holds several pictures (an animation or pages); save one still image.")
        image.load()
        if image.format == "PNG" and b"IEND" not in data:  # Pillow lets a missing end pass
            raise EOFError
        _turn_upright(image)
        return _to_rgb(image, getattr(image, "tag_v2", {}), name)
    except IntakeError:
        raise
    except MemoryError as error:
        raise IntakeError(f"{name} needs more memory than there is; crop or shrink it.") from error
    except Exception as error:  # decoders raise whatever a crafted file makes them raise
        raise IntakeError(_damage(error, image.format or "image", name)) from error


def to_square(rgb: Pixels, size: int) -> Pixels:
    """Scale an image to a square, antialiased.

    Sides that differ by at most 5 % are squashed; a longer image is padded with the median colour of its border, so
    that no cell is deformed or cut.

    Args:
        rgb: array (height, width, 3) of uint8.
        size: side of the result, in pixels.

    Returns:
        Array (size, size, 3) of uint8.
    """
    height, width = rgb.shape[:2]
    # Scale first, pad after: a 1 x 60,000,000 image must not become a square of that side on the way.
    left, top, right, bottom = inner_box(height, width, size)
    inner = _array(Image.fromarray(rgb).resize((right - left, bottom - top), Image.Resampling.BICUBIC))
    if inner.shape == (size, size, 3):
        return inner
    square = np.empty((size, size, 3), np.uint8)
    square[:] = border_colour(rgb)
    square[top:bottom, left:right] = inner
    return square


def inner_box(height: int, width: int, size: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what an image fills of the square that `to_square` makes of it, in pixels."""
    if max(height, width) <= SQUASH_LIMIT * min(height, width):
        return 0, 0, size, size
    scale = size / max(height, width)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - across) // 2, (size - down) // 2
    return left, top, left + across, top + down


def border_colour(rgb: Pixels) -> Pixels:
    """The median colour (3,) of an image's outermost pixels."""
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    return np.asarray(np.median(border, axis=0).round(), np.uint8)


def _open(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refusal(data, name, "claims far too many pixels to be a cell image; crop or shrink it.") from error
    except Exception as error:
        what = foreign(data)
        if what is not None:
            raise IntakeError(f"{name} is {what}.") from error
        for beginning, kind in _BEGINNINGS:
            if data.startswith(beginning):
                text = f"begins like a {kind} but is damaged or cut off; copy or export it again."
                raise _refusal(data, name, text) from error
        raise IntakeError(f"{name} is not an image that can be read ({FORMATS_TEXT}); export it as one.") from error


def _refusal(data: bytes, name: str, text: str) -> IntakeError:
    """With `text` about an image that cannot be read, unless a more telling sentence is known."""
    return IntakeError(f"{name} is {SLIDE}." if is_slide(data) else f"{name} {text}")


def _turn_upright(image: Image.Image) -> None:
    with contextlib.suppress(Exception):  # unreadable EXIF says nothing about the orientation; the pixels are whole
        ImageOps.exif_transpose(image, in_place=True)


def _to_rgb(image: Image.Image, tags: Mapping[int, Any], name: str) -> Pixels:
    """The loaded image as (height, width, 3) uint8; `tags` are those of its TIFF file, if it came from one.

    It is converted strip by strip: the layers of a large image would need several times its memory.
    """
    if not (image.mode.startswith("I;16") or image.mode in (*_ALPHA_MODES, *_DIRECT_MODES)):
        raise IntakeError(
            f"{name} has pixels of kind {image.mode}, whose white is not defined; save it as 8-bit or 16-bit RGB or "
            "grey."
        )
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        rgb[box[1] : box[3]] = _strip_rgb(image.crop(box), tags)
    return rgb


def _strip_rgb(strip: Image.Image, tags: Mapping[int, Any]) -> Pixels:
    if strip.mode.startswith("I;16"):
        return _grey_16(strip, tags)[..., None]
    if strip.mode in _ALPHA_MODES or "transparency" in strip.info:
        layer = strip.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return _array(Image.alpha_composite(white, layer).convert("RGB"))
    return _array(strip.convert("RGB"))


def _grey_16(image: Image.Image, tags: Mapping[int, Any]) -> Pixels:
    """Scale by the file's own depth: `convert` would clip everything above 255 to white."""
    bits = tags.get(_TIFF_BITS, (16,))
    depth = int(bits[0] if isinstance(bits, tuple) else bits)
    top = (1 << depth) - 1
    values = np.asarray(image).astype(np.uint32).clip(0, top)
    grey = ((values * 255 + top // 2) // top).astype(np.uint8)
    return 255 - grey if tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO else grey


def _array(image: Image.Image) -> Pixels:
    return np.array(image, dtype=np.uint8)


def _damage(error: Exception, kind: str, name: str) -> str:
    text = str(error).lower()
    if "truncat" in text or "unexpected end" in text or isinstance(error, EOFError):
        return f"{name} is a truncated {kind}: its picture data end early; copy or export it again."
    return f"{name} is a damaged {kind} that cannot be decoded; copy or export it again."
