"""What is no image of ours is named, in a sentence that says what to do; names of files are made harmless."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from core.data.intake import NAME_LENGTH, IntakeError, decode_image, plain_text, safe_name


def sentence(data: bytes, name: str = "cell.png") -> str:
    with pytest.raises(IntakeError) as caught:
        decode_image(data, name=name)
    text = str(caught.value)
    assert text.startswith(name)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<!-- by hand -->\n<svg:svg width='9'>", "an SVG drawing"),
        ("\ufeff<svg>".encode("utf-16-le"), "an SVG drawing"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC photograph"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "an AVIF image"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "a video, not an image"),
        (bytes(128) + b"DICM\x02\x00\x00\x00", "a DICOM file"),
        (b"II*\x00" + bytes(124) + b"DICM\x02\x00\x00\x00", "a DICOM file"),
        (b"PK\x03\x04\x14\x00", "a zip or an office document"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"8BPS\x00\x01", "a Photoshop document"),
        (b"some text about <svgs", "not an image that can be read"),
        (b"MZ\x90\x00", "not an image that can be read"),
    ],
)
def test_other_files_are_named(data: bytes, says: str):
    assert says in sentence(data)


def tiff(pages: int = 1, **tags: str) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[270] = tags.get("description", "a cell")
    if "ndpi" in tags:
        info[65420], info.tagtype[65420] = 1, 4
    buffer = io.BytesIO()
    first, *others = [Image.new("RGB", (8, 8))] * pages
    first.save(buffer, "TIFF", tiffinfo=info, save_all=True, append_images=others)
    return buffer.getvalue()


@pytest.mark.parametrize("tags", [{"description": "Aperio Image Library v11.2.1"}, {"ndpi": "yes"}])
def test_whole_slides_have_a_sentence_of_their_own(tags: dict[str, str]):
    assert "a whole-slide image" in sentence(tiff(3, **tags))
    assert "holds several pictures" in sentence(tiff(3))
    assert decode_image(tiff(1, **tags)).shape == (8, 8, 3)  # a region exported by the viewer


def test_a_whole_slide_too_large_to_open_is_recognised():
    data = tiff(description="Aperio Image Library v11.2.1")
    for tag in (256, 257):  # width, height
        at = data.index(tag.to_bytes(2, "little") + b"\x04\x00\x01\x00\x00\x00")
        data = data[: at + 8] + (90_000).to_bytes(4, "little") + data[at + 12 :]
    assert "a whole-slide image" in sentence(data)
    assert "a whole-slide image" in sentence(data[:60] + b"Aperio")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cell.png", "cell.png"),
        ("/home/someone/cell.png", "cell.png"),
        ("..\\..\\C:\\cell.png", "cell.png"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\r\x00\x1b[31m.png", "a b [31m.png"),
        ("cell\u202egnp.exe", "cellgnp.exe"),
        ("\u2066a\u200b\ufeff.png\u2028", "a.png"),
        ("e\u0301.png", "\u00e9.png"),
        ("Zelle \u7d30\u80de \u2116 1.png", "Zelle \u7d30\u80de \u2116 1.png"),
        ("\ud800.png", "png"),
        ("", "unnamed file"),
        ("a/..", "unnamed file"),
        ("x/", "unnamed file"),
        (".htaccess", "htaccess"),
    ],
)
def test_a_name_is_made_harmless(name: str, shown: str):
    assert safe_name(name) == shown


def test_a_long_name_keeps_its_ending():
    short = safe_name("c" * 100_000 + ".png")
    assert len(short) == NAME_LENGTH
    assert short.endswith("c.png")


@given(st.text(max_size=400))
def test_any_name_becomes_one_short_line(name: str):
    shown = safe_name(name)
    assert 0 < len(shown) <= NAME_LENGTH
    assert not any(unicodedata.category(one)[0] == "C" or one in "/\\\u2028\u2029" for one in shown)
    assert safe_name(shown) == shown
    assert len(plain_text(name)) <= NAME_LENGTH


def test_sentences_stay_one_line_whatever_the_name():
    with pytest.raises(IntakeError) as caught:
        decode_image(b"", name="a\nTraceback\u202e" + "x" * 5000)
    assert str(caught.value).startswith("a Tracebackxxx")
    assert len(str(caught.value)) < 1200
