"""What bytes are that are no image of ours, so that a person is told what to do and not only that it failed."""

from __future__ import annotations

import re
from typing import Final

_AS_IMAGE: Final = "save it as PNG, JPEG or TIFF"
_BOX: Final = {  # brands of ISO base media files: what they are, and what to do
    b"heic": "a HEIC photograph", b"heix": "a HEIC photograph", b"hevc": "a HEIC photograph",
    b"heim": "a HEIC photograph", b"heis": "a HEIC photograph", b"mif1": "a HEIF photograph",
    b"msf1": "a HEIF photograph", b"avif": "an AVIF image", b"avis": "an AVIF image",
}  # fmt: skip
_BEGINNINGS: Final = (
    (b"%PDF", "a PDF document, not an image; export the picture in it as PNG or JPEG"),
    (b"%!PS", "a PostScript document, not an image; export the picture in it as PNG or JPEG"),
    (b"PK\x03\x04", "a zip or an office document, not an image; unpack it and give its images themselves"),
    (b"PK\x05\x06", "an empty zip, not an image; give an image itself"),
    (b"\x1f\x8b", "a packed file (gzip), not an image; unpack it and give the image itself"),
    (b"7z\xbc\xaf\x27\x1c", "a packed file (7z), not an image; unpack it and give the image itself"),
    (b"Rar!\x1a\x07", "a packed file (RAR), not an image; unpack it and give the image itself"),
    (b"\x00\x00\x00\x0cjP", f"a JPEG 2000 image, which is not read here; {_AS_IMAGE}"),
    (b"\xff\x4f\xff\x51", f"a JPEG 2000 image, which is not read here; {_AS_IMAGE}"),
    (b"\xff\x0a", f"a JPEG XL image, which is not read here; {_AS_IMAGE}"),
    (b"\x00\x00\x00\x0cJXL", f"a JPEG XL image, which is not read here; {_AS_IMAGE}"),
    (b"8BPS", f"a Photoshop document, which is not read here; {_AS_IMAGE}"),
    (b"\xd0\xcf\x11\xe0", "an old office document or a microscope's own file, which is not read here; "
                          "export the image as PNG or TIFF from the program that made it"),
    (b"\x1aE\xdf\xa3", "a video, not an image; save one still image of it"),
)  # fmt: skip
_SVG: Final = re.compile(rb"<(?:[A-Za-z]+:)?svg[\s>]", re.IGNORECASE)
_HTML: Final = re.compile(rb"\s*(?:<!doctype html|<html)[\s>]", re.IGNORECASE)
_HEAD: Final = 4096
# Aperio (SVS), Ventana, Leica, Philips, 3DHistech; then the entry of a tag of Hamamatsu's (NDPI), 65420 LONG[1].
_SLIDES: Final = (
    b"Aperio", b"<iScan", b"leica-microsystems.com/scn", b"Philips DP", b"Philips TIFF", b"PreScanDescription",
    b"\x8c\xff\x04\x00\x01\x00\x00\x00",
)  # fmt: skip
SLIDE: Final = (
    "a whole-slide image (as SVS or NDPI), not an image of one cell or field; export the region to read as PNG "
    "or TIFF from the slide viewer"
)


def foreign(data: bytes) -> str | None:
    """What the bytes are and what to do, as the rest of a sentence after 'NAME is'; None: they have no known face."""
    head = data[:_HEAD]
    for beginning, what in _BEGINNINGS:
        if head.startswith(beginning):
            return what
    if head[128:132] == b"DICM":
        return "a DICOM file, which is not read here; export its image, without the patient's data, as PNG or TIFF"
    if head[4:8] == b"ftyp":
        what = _BOX.get(head[8:12], "")
        return f"{what}, which is not read here; {_AS_IMAGE}" if what else "a video, not an image; save one still of it"
    text = head.replace(b"\x00", b"")  # UTF-16 too
    if _SVG.search(text):
        return "an SVG drawing, not an image of pixels; export it as PNG"
    if _HTML.match(text.removeprefix(b"\xef\xbb\xbf")):
        return "a web page, not an image; save the image itself"
    return None


def is_slide(data: bytes) -> bool:
    """Whether a TIFF is a scanner's whole slide: many sizes of it, mostly far too large to decode."""
    return data[:2] in (b"II", b"MM") and any(mark in data for mark in _SLIDES)
