"""The boxes of a field read one by one: nothing on record before all can be read, cut to the field, kept if asked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.prediction import field as module
from core.prediction.field import Field, read_boxes
from core.prediction.field_picture import boxed
from core.prediction.smear import Box
from core.prediction.smear_scale import Ruler
from core.prediction.smear_settings import SmearError
from core.prediction.thumbnail import small_jpeg
from store.journal import HOME_JOURNAL, replay
from tests.store.factory_readings import a_reading

PIXELS = np.full((200, 300, 3), 220, np.uint8)
FIELD = Field("f.png", "5" * 64, 300, 200, small_jpeg(PIXELS, 1600), Ruler(20, True), (), 0)
GOOD, OVER, BAD = Box(50, 50, 40, 40), Box(280, 20, 60, 40), Box(296, 20, 60, 40)


class Reader:
    def read_pixels(self, rgb: np.ndarray, image_sha256: str, *, point: Any = None) -> Any:
        return a_reading(image_sha256=image_sha256, width=rgb.shape[1], height=rgb.shape[0])


def data() -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, "PNG")
    return out.getvalue()


def read(home: Path, *boxes: Box, **other: Any) -> list[module.CellReading]:
    numbered, reader = list(enumerate(boxes, start=1)), Reader()
    return list(read_boxes(home, reader, FIELD, data(), numbered, batch_id="b-1", **other))  # type: ignore[arg-type]


def recorded(home: Path) -> list[dict[str, Any]]:
    return [record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]


def test_boxes_are_recorded_as_cut_to_the_field(tmp_path: Path):
    cells = read(tmp_path, GOOD, OVER)
    assert [cell.box for cell in cells] == [GOOD, Box(280, 20, 20, 40)]
    assert [cell.at_edge for cell in cells] == [False, True]
    assert [(row["box"], row["kept"]) for row in recorded(tmp_path)] == [
        ([50, 50, 40, 40], False), ([280, 20, 20, 40], False),
    ]  # fmt: skip


def test_one_box_that_cannot_be_read_leaves_nothing_on_record(tmp_path: Path):
    with pytest.raises(SmearError, match="The box at 296, 20"):
        read(tmp_path, GOOD, BAD, keep_image=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_kept_leaves_nothing_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(home: Path, data: bytes) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "keep", full)
    with pytest.raises(SmearError, match=r"could not be kept: the disk refuses it\. No cell was read"):
        read(tmp_path, GOOD, keep_image=True)
    assert list(tmp_path.iterdir()) == []


def test_the_picture_of_a_report_shows_the_boxes():
    shown = np.asarray(Image.open(io.BytesIO(boxed(FIELD, [(7, GOOD)])))).astype(int).sum(2)
    dark = np.argwhere(shown < 300)
    assert shown.shape == (200, 300)
    assert np.abs(dark.min(0) - 50).max() <= 3
    assert np.abs(dark.max(0) - 90).max() <= 3
