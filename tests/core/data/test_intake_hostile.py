"""Files made to do harm: thousands of mutated ones, and small ones that claim to be large."""

from __future__ import annotations

import io
import random
import resource
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.data.intake import IntakeError, decode_image

ROOT = Path(__file__).resolve().parents[3]
MUTANTS = 3000
ROOM = 160 * 2**20  # bytes of memory beside what the process has
MOST = 40_000  # pixels
COLOURS = np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MARKS = (  # near which a format keeps its lengths and sizes
    b"IHDR", b"IDAT", b"IEND", b"acTL", b"PLTE", b"\xff\xc0", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xe1",
    b"VP8", b"VP8X", b"ALPH", b"RIFF", b"GIF8", b"\x21\xf9", b"BM", b"II*", b"MM", b"\x00\x01", b"\x01\x00",
)  # fmt: skip


def encode(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def bases() -> list[bytes]:
    """A small file of each kind that there is, still ones, animated ones, and ones that are no images."""
    colour = Image.fromarray(COLOURS)
    grey = np.random.default_rng(2).integers(0, 65536, (9, 11), dtype=np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames: dict[str, Any] = {"save_all": True, "append_images": [colour.rotate(90), colour.rotate(180)]}
    texts = PngImagePlugin.PngInfo()
    texts.add_text("a", "b" * 500, zip=True)
    return [
        *[encode(colour, kind) for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")],
        *[encode(colour, kind, **frames) for kind in ("PNG", "TIFF", "WEBP", "GIF", "MPO")],
        *[encode(colour, kind, exif=exif) for kind in ("PNG", "JPEG", "TIFF", "WEBP")],
        *[encode(colour.convert(mode), "PNG") for mode in ("1", "L", "P", "LA", "RGBA")],
        *[encode(colour, "TIFF", compression=how) for how in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")],
        *[encode(colour.convert("CMYK"), kind) for kind in ("JPEG", "TIFF")],
        *[encode(colour.convert(mode), "TIFF") for mode in ("1", "P", "RGBA", "F", "I", "LAB")],
        encode(grey, "PNG"), encode(grey, "TIFF"), encode(colour, "JPEG", progressive=True),
        encode(colour, "PNG", pnginfo=texts), encode(colour, "WEBP", lossless=True),
        encode(colour.convert("RGBA"), "WEBP"), encode(colour.convert("P"), "GIF", transparency=3),
        encode(colour, "TIFF", big_tiff=True),
        b"%PDF-1.7\n%%EOF", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(128) + b"DICM" + bytes(8),
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    ]  # fmt: skip


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """One to four changes: bits and bytes, cuts, insertions, another file's head or tail, wrong lengths and sizes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(8):
            case 0:
                for _ in range(rng.randint(1, 8)):
                    if changed:
                        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + 1] = rng.randbytes(1)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + rng.randint(1, 60)]
            case 4:
                changed[at:at] = rng.choice((rng.randbytes(rng.randint(1, 60)), bytes(40), changed[:40], other[:40]))
            case 5:
                changed[: rng.randint(1, 60)] = other[: rng.randint(1, 60)]
            case 6:
                changed[at:] = other[rng.randrange(len(other)) :]
            case _:
                found = changed.find(rng.choice(MARKS))
                field = (found if found >= 0 else at) + rng.randrange(-8, 24)
                kind = rng.choice(("<H", ">H", "<I", ">I"))
                if field >= 0 and field + struct.calcsize(kind) <= len(changed):
                    number = rng.choice(NUMBERS) % (1 << 8 * struct.calcsize(kind))
                    struct.pack_into(kind, changed, field, number)
    return bytes(changed)


def outcome(data: bytes) -> np.ndarray | IntakeError:
    try:
        return decode_image(data, max_pixels=MOST, name="cell.png")
    except IntakeError as error:
        return error


@pytest.mark.filterwarnings("ignore")  # Pillow's remarks on tags
def test_mutated_files_give_an_image_or_a_sentence():
    rng = random.Random(2)
    whole = bases()
    counts: Counter[str] = Counter()
    for number in range(MUTANTS):
        data = mutate(whole[number % len(whole)], rng.choice(whole), rng)
        found = outcome(data)
        if isinstance(found, IntakeError):
            text = str(found)
            assert text.startswith("cell.png ")
            assert text.endswith(".")
            assert text.isprintable()
            assert len(text) < 250
            counts["sentence"] += 1
        else:
            assert found.dtype == np.uint8
            assert found.ndim == 3
            assert found.shape[2] == 3
            assert 0 < found.shape[0] * found.shape[1] <= MOST
            counts["image"] += 1
    assert counts.total() == MUTANTS
    assert min(counts.values()) > MUTANTS // 8, counts  # both ways were walked


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def claims() -> dict[str, bytes]:
    """Small files that claim up to gigabytes, and an image of many pixels whose layers must not all be held at once."""
    side = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    header, end = (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)), (b"IEND", b"")
    bomb = zlib.compress(bytes(ROOM), 1)
    jpeg, gif, bmp, webp = (bytearray(encode(COLOURS, kind)) for kind in ("JPEG", "GIF", "BMP", "WEBP"))
    frame = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, frame + 5, 65_500, 65_500)
    struct.pack_into("<HH", gif, 6, 65_535, 65_535)
    struct.pack_into("<ii", bmp, 18, 2**31 - 1, 2**31 - 1)
    struct.pack_into("<HH", webp, 26, 16_383, 16_383)
    tiff = bytearray(encode(COLOURS, "TIFF"))
    for tag in (256, 257):
        struct.pack_into("<I", tiff, tiff.index(struct.pack("<HHI", tag, 4, 1)) + 8, 2**31 - 1)
    long = bytearray(encode(COLOURS, "TIFF"))
    struct.pack_into("<I", long, long.index(struct.pack("<HHI", 273, 4, 1)) + 4, 2**31 - 1)
    return {
        "png": png((b"IHDR", side + bytes([8, 2, 0, 0, 0])), (b"IDAT", zlib.compress(bytes(9))), end),
        "data": png(header, (b"IDAT", bomb), end),
        "text": png(header, (b"zTXt", b"a\x00\x00" + bomb), (b"IDAT", zlib.compress(bytes(52))), end),
        "profile": png(header, (b"iCCP", b"a\x00\x00" + bomb), (b"IDAT", zlib.compress(bytes(52))), end),
        "jpeg": bytes(jpeg), "gif": bytes(gif), "bmp": bytes(bmp), "webp": bytes(webp), "tiff": bytes(tiff),
        "tags": bytes(long), "pages": pages(20_000),
        "layers": encode(Image.new("RGBA", (4000, 4000), (9, 9, 9, 99)), "PNG", compress_level=1),
    }  # fmt: skip


def pages(count: int) -> bytes:
    """A TIFF of so many one-pixel pages."""
    data = bytearray(b"II*\x00\x08\x00\x00\x00")
    for number in range(count):
        entries = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 0), (277, 1), (278, 1), (279, 1)]
        following = 0 if number == count - 1 else len(data) + 2 + 12 * len(entries) + 4
        data += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, 4, 1, one) for tag, one in entries)
        data += struct.pack("<I", following)
    return bytes(data)


def inside() -> None:
    """In a process with little memory: each claim is an image or a sentence, never a lack of memory."""
    files = claims()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM,) * 2)
    for name, data in files.items():
        try:
            print(name, decode_image(data).shape)
        except IntakeError as error:
            print(name, "sentence", error)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process's memory are Linux's")
def test_small_files_with_large_claims_need_little_memory():
    command = [sys.executable, "-c", "from tests.core.data.test_intake_hostile import inside; inside()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert "more memory" not in done.stdout
    assert said.pop("layers") == "(4000, 4000, 3)"
    assert said.keys() == {"png", "data", "text", "profile", "jpeg", "gif", "bmp", "webp", "tiff", "tags", "pages"}
    for name in ("png", "jpeg", "gif", "bmp", "webp", "tiff", "tags", "pages"):
        assert said[name].startswith("sentence "), name


def test_pages_are_not_counted_to_be_refused():
    data = pages(2000)
    tracemalloc.start()
    try:
        assert isinstance(outcome(data), IntakeError)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = bases()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened: list[Any] = []
    monkeypatch.setattr("builtins.open", lambda path, *_, **__: opened.append(path))
    monkeypatch.setattr("os.open", lambda path, *_, **__: opened.append(path))
    for data in whole:
        outcome(data)
    assert opened == []
    assert list(tmp_path.iterdir()) == []
