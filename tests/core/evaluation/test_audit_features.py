"""What an image gives away without its cell, on images whose answers are known."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.data.dataset import DatasetError, ImageRecord
from core.data.scan import scan
from core.evaluation.audit_features import (
    FileFacts,
    border,
    corners,
    features_of,
    file_facts,
    histogram,
    jpeg_quality,
    read_features,
)
from tests.core.evaluation.shortcuts import make_set


def encoded(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@given(st.integers(1, 100), st.booleans())
def test_the_quality_of_a_jpeg_is_found(quality: int, colour: bool):
    assert jpeg_quality(encoded(NOISE if colour else NOISE[..., 0], "JPEG", quality=quality)) == quality


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_what_is_no_jpeg_has_quality_0(kind: str):
    assert jpeg_quality(encoded(NOISE, kind)) == 0


def test_the_facts_of_a_file():
    data = encoded(NOISE, "JPEG", quality=80)
    assert file_facts(data, NOISE) == FileFacts(width=50, height=40, size=len(data), quality=80)
    assert features_of(NOISE, FileFacts(50, 40, 1000, 80))["file"].tolist() == pytest.approx(
        [50, 40, np.log(1000), 80], rel=1e-6
    )


def test_the_histogram_counts_each_channel():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = (15, 16, 255)
    found = histogram(pixels).reshape(3, 16)
    assert found.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert found[0, 0] == 1  # 15 is in the first bin still
    assert (found[1, 0], found[1, 1]) == (0.75, 0.25)
    assert found[2, 15] == 0.25


def test_corners_and_border_do_not_see_the_middle_and_the_thumbnail_does():
    plain = np.full((48, 48, 3), 100, np.uint8)
    other = plain.copy()
    other[6:-6, 6:-6] = 250
    facts = FileFacts(48, 48, 1, 0)
    one, two = features_of(plain, facts), features_of(other, facts)
    for name in ("corners", "border", "file"):
        assert np.array_equal(one[name], two[name]), name
    for name in ("histogram", "thumbnail"):
        assert not np.array_equal(one[name], two[name]), name
    other[:, 0] = other[:, -1] = 0
    assert not np.array_equal(border(plain), border(other))
    marked = plain.copy()
    marked[-1, -1] = 0
    assert (corners(plain) != corners(marked)).sum() == 3  # one part of one corner, three channels


@given(st.integers(1, 60), st.integers(1, 60))
def test_any_size_gives_the_same_number_of_finite_numbers(width: int, height: int):
    found = features_of(np.full((height, width, 3), 255, np.uint8), FileFacts(width, height, 0, 0))
    assert {name: row.shape for name, row in found.items()} == {
        "histogram": (48,), "corners": (48,), "border": (96,), "file": (4,), "thumbnail": (768,),
    }  # fmt: skip
    assert all(np.isfinite(row).all() for row in found.values())
    assert found["corners"].tolist() == [1] * 48


def test_every_image_is_read_once_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dataset = scan(make_set(tmp_path / "cells", each=10), work=tmp_path / "work")
    opened: list[str] = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(path.name), read(path))[1])
    seen: list[tuple[int, int]] = []
    found = read_features(dataset.root, dataset.usable, lambda done, total: seen.append((done, total)))
    assert len(opened) == 40
    assert (seen[0], seen[-1]) == ((0, 40), (40, 40))
    place = 7
    pixels = np.array(Image.open(dataset.root / dataset.usable[place].path))
    assert np.array_equal(found.rows["histogram"][place], histogram(pixels))
    assert found.facts[place].width == 36


def test_an_image_that_is_gone_or_changed_is_named(tmp_path: Path):
    (tmp_path / "a").mkdir()
    record = ImageRecord(0, "a/one.png", "a", "train", None, None, "g", None, 1, 1)
    with pytest.raises(DatasetError, match=r"one\.png cannot be read .* put the images back"):
        read_features(tmp_path, [record])
    (tmp_path / "a" / "one.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"have changed since they were read: a/one\.png"):
        read_features(tmp_path, [record])
