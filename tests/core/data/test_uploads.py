"""A zip of images in memory: what it holds comes out one by one, and nothing that it claims costs memory or disk."""

from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from core.data.intake import IntakeError
from core.data.uploads import Refused, Upload, files_in_zip, images_in_zip

PNG = b"\x89PNG\r\n\x1a\n not looked at here"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def only(found: list[Upload | Refused]) -> str:
    """The sentence of the one file that was refused."""
    [refused] = found
    assert isinstance(refused, Refused)
    assert refused.why.startswith(refused.name)
    assert "\n" not in refused.why
    return refused.why


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_in_order_under_their_base_names(method: int):
    found = list(images_in_zip(zipped({"b/2.png": PNG, "a/1.png": PNG + b"1", "a\\3\x1b[2J.png": b""}, method)))
    assert found == [Upload("2.png", PNG), Upload("1.png", PNG + b"1"), Upload("3[2J.png", b"")]


def test_hidden_files_and_folders_are_left_out():
    hidden = {".DS_Store": b"", "__MACOSX/._1.png": b"", "a/.git/1.png": b"", "Thumbs.db": b"", "a/Desktop.ini": b""}
    given = zipped({**hidden, "a/": b"", "a/1.png": PNG})
    assert list(images_in_zip(given)) == [Upload("1.png", PNG)]
    assert files_in_zip(given) == 1
    with pytest.raises(IntakeError, match=r"cells\.zip is no zip"):
        files_in_zip(b"no zip", name="cells.zip")


@pytest.mark.parametrize("path", ["../1.png", "a/../../1.png", "/etc/1.png", "C:\\x\\1.png", "..\\1.png"])
def test_a_path_out_of_the_zip_is_refused_by_name(path: str):
    found = list(images_in_zip(zipped({path: PNG, "2.png": PNG})))
    assert "points outside" in only(found[:1])
    assert found[0].name == "1.png"
    assert found[1:] == [Upload("2.png", PNG)]


def test_links_are_refused():
    info = zipfile.ZipInfo("1.png")
    info.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "is a link" in only(list(images_in_zip(buffer.getvalue())))


@pytest.mark.parametrize("bit", [0x1, 0x40])
def test_encrypted_files_are_refused(bit: int):
    data = bytearray(zipped({"1.png": PNG}))
    data[data.index(b"PK\x01\x02") + 8] |= bit
    assert "encrypted" in only(list(images_in_zip(bytes(data))))


def test_archives_inside_are_refused_under_any_name():
    inner = zipped({"1.png": PNG})
    found = list(images_in_zip(zipped({"a.zip": inner, "b.png": inner, "c.gz": b"\x1f\x8b\x08", "1.png": PNG})))
    assert [isinstance(one, Refused) for one in found] == [True, True, True, False]
    assert "archive inside" in only(found[1:2])


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_are_refused(method: int):
    assert "unusual way" in only(list(images_in_zip(zipped({"1.png": PNG}, method))))


def test_a_bomb_is_refused_without_being_unpacked():
    data = zipped({"1.bmp": bytes(19 * 2**20)})
    assert len(data) < 2**15
    tracemalloc.start()
    try:
        assert "200 times its size" in only(list(images_in_zip(data)))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_lie_about_the_size_ends_at_what_was_declared():
    content = random.Random(0).randbytes(2**10) * 2**9  # 512 KiB
    data = bytearray(zipped({"1.png": content}))
    assert list(images_in_zip(bytes(data))) == [Upload("1.png", content)]
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 1000)
    assert "damaged inside" in only(list(images_in_zip(bytes(data))))


def test_large_files_are_refused_and_the_others_read():
    data = zipped({"1.png": bytes(2001), "2.png": PNG})
    first, second = images_in_zip(data, max_file_bytes=2000)
    assert "above the limit" in only([first])
    assert second == Upload("2.png", PNG)


def test_too_many_files_or_bytes_are_refused_as_a_whole():
    data = zipped({f"{one}.png": PNG for one in range(11)})
    assert len(list(images_in_zip(data, max_files=11))) == 11
    with pytest.raises(IntakeError, match=r"my\.zip holds 11 files, above the limit of 10"):
        images_in_zip(data, name="/home/me/my.zip", max_files=10)
    with pytest.raises(IntakeError, match="would unpack to"):
        images_in_zip(data, max_bytes=11 * len(PNG) - 1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"), (b"PK\x03\x04", "is no zip"), (PNG, "is no zip"),
        (zipped({"1.png": PNG})[:-30], "is no zip"), (zipped({}), "holds no files"),
        (zipped({"__MACOSX/1.png": PNG}), "holds no files"),
        (zipped({"1.png": PNG}).replace(b"1.png", b"\x00.png"), "holds no files"),
        (b"PK\x01\x02" * 70_000, "lists more than"),
    ],
)  # fmt: skip
def test_what_is_no_zip_of_images_is_refused(data: bytes, says: str):
    with pytest.raises(IntakeError, match=says) as caught:
        images_in_zip(data)
    assert str(caught.value).endswith(".")


def test_a_huge_list_of_files_is_not_read():
    names = {f"{one}{'x' * 65_000}": b"" for one in range(140)}  # 9 MB of names
    with pytest.raises(IntakeError, match="is no zip"):
        images_in_zip(zipped(names))


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened: list[str] = []
    monkeypatch.setattr(os, "open", lambda path, *_: opened.append(str(path)))
    assert len(list(images_in_zip(zipped({"../1.png": PNG, "2.png": PNG * 100_000}, zipfile.ZIP_STORED)))) == 2
    assert opened == []
    assert list(tmp_path.iterdir()) == []


def test_mutated_zips_give_files_or_sentences():
    rng = random.Random(20)
    bases = [
        zipped({"a/1.png": PNG, "2.png": PNG * 40, ".x": b"", "a/3": bytes(3000)}),
        zipped({"1.png": PNG, "../2.png": PNG}, zipfile.ZIP_STORED),
        zipped({"1.png": PNG * 9}, zipfile.ZIP_BZIP2), zipped({"1.png": PNG * 9}, zipfile.ZIP_LZMA),
    ]  # fmt: skip
    read = 0
    for number in range(2500):
        data = _mutated(bases[number % len(bases)], rng)
        found, sentence = outcome(data)
        assert "\n" not in sentence
        assert sentence.endswith(".")
        for one in found:
            if isinstance(one, Upload):
                assert len(one.data) <= 100_000
                assert one.name
                read += 1
            else:
                only([one])
    assert read > 100


def outcome(data: bytes) -> tuple[list[Upload | Refused], str]:
    try:
        return list(images_in_zip(data, max_file_bytes=100_000)), "Read."
    except IntakeError as error:
        return [], str(error)


def _mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled or appended, or a field of some header replaced by an extreme number."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed) or 1)
        match rng.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + rng.randint(1, 40)]
            case 2:
                changed[at:at] = changed[: rng.randint(1, 60)]
            case 3:
                changed += rng.randbytes(rng.randint(1, 30))
            case _:
                headers = [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"]
                found = changed.find(rng.choice(headers))
                field = found + rng.randrange(4, 44)
                if found >= 0 and field + 4 <= len(changed):
                    struct.pack_into("<I", changed, field, rng.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**31]))
    return bytes(changed)
