"""Decoding: every mode becomes the RGB that an eye would see; everything doubtful is refused in one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data.intake import IntakeError, decode_image, to_square

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_rgb_comes_back_exactly(kind: str):
    decoded = decode_image(encode(COLOURS, kind))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, COLOURS)


def test_lossless_webp_comes_back_exactly_and_jpeg_nearly():
    assert np.array_equal(decode_image(encode(COLOURS, "WEBP", lossless=True)), COLOURS)
    smooth = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (1, 64, 3))
    assert np.abs(decode_image(encode(smooth, "JPEG", quality=95)).astype(int) - smooth).max() < 8


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_bilevel_become_equal_channels(mode: str):
    source = Image.fromarray(COLOURS).convert(mode)
    decoded = decode_image(encode(source))
    assert np.array_equal(decoded, np.asarray(source.convert("RGB")))


def test_palette_becomes_its_colours():
    source = Image.fromarray(COLOURS).quantize(16)
    assert np.array_equal(decode_image(encode(source)), np.asarray(source.convert("RGB")))
    assert np.array_equal(decode_image(encode(source, "GIF")), np.asarray(source.convert("RGB")))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_becomes_rgb(kind: str):
    source = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = decode_image(encode(source, kind)).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 15
    assert blue < 15


def test_alpha_is_put_on_white():
    source = np.zeros((4, 4, 4), np.uint8)
    source[..., 0], source[:2, :, 3] = 200, 255
    decoded = decode_image(encode(source))
    assert np.array_equal(decoded[0, 0], [200, 0, 0])
    assert np.array_equal(decoded[3, 0], [255, 255, 255])
    half = np.full((2, 2, 4), (0, 0, 0, 128), np.uint8)
    assert np.array_equal(decode_image(encode(half))[0, 0], [127, 127, 127])
    grey = decode_image(encode(Image.new("LA", (2, 2), (10, 0))))
    assert np.array_equal(grey[0, 0], [255, 255, 255])


def test_transparent_palette_entry_is_white():
    source = Image.new("P", (4, 4), 0)
    source.putpalette([10, 20, 30, 40, 50, 60])
    source.putpixel((1, 0), 1)
    decoded = decode_image(encode(source, transparency=0))
    assert np.array_equal(decoded[0, 0], [255, 255, 255])
    assert np.array_equal(decoded[0, 1], [40, 50, 60])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str):
    values = np.array([[0, 257, 32896, 65535]], np.uint16).repeat(4, axis=0)
    decoded = decode_image(encode(values, kind))
    assert decoded[0, :, 0].tolist() == [0, 1, 128, 255]
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


def test_sixteen_bit_tiff_whose_zero_is_white():
    values = np.array([[0, 65535]], np.uint16)
    tag = struct.pack("<HHIH", 262, 3, 1, 1)  # PhotometricInterpretation, one short: 1, zero is black
    data = encode(values, "TIFF")
    assert data.count(tag) == 1
    decoded = decode_image(data.replace(tag, struct.pack("<HHIH", 262, 3, 1, 0)))
    assert decoded[0, :, 0].tolist() == [255, 0]


def test_sixteen_bit_colour_png_keeps_its_brightness():
    row = b"\x00" + struct.pack(">6H", 65535, 32896, 0, 257, 0, 65535)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(row)) + png_chunk(b"IEND", b"")
    assert decode_image(data).tolist() == [[[255, 128, 0], [1, 0, 255]]]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_defined_white_are_refused(mode: str):
    with pytest.raises(IntakeError, match="white is not defined"):
        decode_image(encode(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, kind: str):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255  # a white corner at the top left
    turns: dict[int, Any] = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1), 7: np.rot90(upright, 2).swapaxes(0, 1), 8: np.rot90(upright, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    decoded = decode_image(encode(np.ascontiguousarray(turns[orientation]), kind, exif=exif, **lossless))
    assert decoded.shape == upright.shape
    assert np.abs(decoded.astype(int) - upright).max() <= (12 if kind == "JPEG" else 0)


def test_broken_exif_does_not_cost_the_image():
    decoded = decode_image(encode(COLOURS, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff\x01"))
    assert decoded.shape == COLOURS.shape


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(kind: str):
    frames = [Image.new("RGB", (8, 8), (80 * i, 0, 0)) for i in range(3)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(IntakeError, match="holds several pictures"):
        decode_image(data)


def test_phone_picture_with_a_preview_gives_the_main_picture():
    main, preview = Image.new("RGB", (32, 16), (200, 10, 10)), Image.new("RGB", (8, 4))
    data = encode(main, "MPO", save_all=True, append_images=[preview])
    assert decode_image(data).shape == (16, 32, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_files_are_refused(kind: str, kept: float):
    data = encode(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), kind)
    with pytest.raises(IntakeError, match=r"truncated|cut off"):
        decode_image(data[: int(len(data) * kept)])


def test_png_without_its_end_is_refused():
    with pytest.raises(IntakeError, match="truncated PNG"):
        decode_image(encode(COLOURS)[:-12])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello, this is a text", "not an image"),
        (b"%PDF-1.7 ...", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"\xff\xd8\xff\xe0", "begins like a JPEG"),
        (b"\x89PNG\r\n\x1a\n", "begins like a PNG"),
    ],
)
def test_other_bytes_are_refused(data: bytes, says: str):
    with pytest.raises(IntakeError, match=says) as caught:
        decode_image(data, name="upload.jpg")
    assert str(caught.value).startswith("upload.jpg ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("side", [9000, 20000, 2**31 - 1])
def test_huge_dimensions_are_refused_before_decoding(side: int):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"\x00" * 100)) + png_chunk(b"IEND", b"")
    with pytest.raises(IntakeError, match="pixels"):
        decode_image(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16"])
def test_an_image_of_several_strips_is_converted_like_one(mode: str, monkeypatch: pytest.MonkeyPatch):
    grey = RNG.integers(0, 65536, (24, 32), dtype=np.uint16)
    data = encode(grey if mode == "I;16" else Image.fromarray(COLOURS).convert(mode), "TIFF")
    whole = decode_image(data)
    monkeypatch.setattr("core.data.intake._STRIP", 70)  # two rows
    assert np.array_equal(decode_image(data), whole)
    assert len(np.unique(whole)) > 4


def test_size_limit_is_the_callers():
    with pytest.raises(IntakeError, match=r"32 x 24 px, above the limit of 0\.0005 megapixels"):
        decode_image(encode(COLOURS), max_pixels=500)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF"]), st.data())
def test_damaged_bytes_give_an_image_or_an_intake_error(kind: str, data: st.DataObject):
    good = bytearray(encode(COLOURS, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_image(bytes(good))
    except IntakeError:
        return
    assert decoded.ndim == 3
    assert decoded.shape[2] == 3


def test_nearly_square_is_squashed_and_longer_is_padded():
    red = np.full((100, 104, 3), (200, 0, 0), np.uint8)
    assert (to_square(red, 50)[..., 0] == 200).all()
    long = np.full((50, 100, 3), (10, 20, 30), np.uint8)
    long[20:30, 40:60] = 255
    square = to_square(long, 64)
    assert square.shape == (64, 64, 3)
    assert square[2, 2].tolist() == [10, 20, 30]  # padded with the border's colour
    bright = np.argwhere(square[..., 0] > 128)
    assert np.ptp(bright[:, 1]) == pytest.approx(2 * np.ptp(bright[:, 0]), abs=2)  # the 20 x 10 patch keeps its shape


def test_scaling_down_is_antialiased():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = to_square(stripes, 32)
    assert np.abs(small.astype(int) - 127).max() < 12


def test_extreme_shapes_stay_bounded():
    assert to_square(np.zeros((1, 500_000, 3), np.uint8), 64).shape == (64, 64, 3)
    assert to_square(np.zeros((1, 1, 3), np.uint8), 64).shape == (64, 64, 3)


def test_real_defects(real_data: Path):
    for name, says in {"truncated": "truncated JPEG", "not_an_image": "not an image"}.items():
        for path in (real_data / "defects" / name).iterdir():
            with pytest.raises(IntakeError, match=says):
                decode_image(path.read_bytes(), name=path.name)
