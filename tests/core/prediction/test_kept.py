"""Image files that are kept: the bytes as they came, once, and nothing that is no image."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from core.data.intake import IntakeError
from core.prediction.kept import keep, kept_file


def image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 7), (200, 10, 10)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_a_file_is_kept_as_it_is_named_after_its_hash_and_format(tmp_path: Path, kind: str, suffix: str):
    data = image(kind)
    sha256 = hashlib.sha256(data).hexdigest()
    assert kept_file(tmp_path, sha256) is None
    path = keep(tmp_path, data)
    assert path == tmp_path / "kept" / sha256[:2] / f"{sha256}.{suffix}"
    assert path.read_bytes() == data
    assert kept_file(tmp_path, sha256) == path


def test_keeping_twice_writes_once(tmp_path: Path):
    data = image("PNG")
    before = keep(tmp_path, data).stat()
    after = keep(tmp_path, data).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(list((tmp_path / "kept").rglob("*.*"))) == 1


@pytest.mark.parametrize("data", [b"", b"not an image", image("PNG")[:60]])
def test_what_is_no_image_leaves_no_trace(tmp_path: Path, data: bytes):
    with pytest.raises(IntakeError):
        keep(tmp_path, data)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_what_is_no_hash_names_no_file(tmp_path: Path, sha256: str):
    assert kept_file(tmp_path, sha256) is None
