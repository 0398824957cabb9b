"""Pictures of kept images: small ones for tables, a large one for a reading; nothing where the image was not kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.prediction.kept import kept_previews
from pages.components.data import home

SMALL, LARGE = 96, 720  # px
Box = tuple[int, ...] | None  # x, y, width, height (px); None: the whole image


def kept_picture(row: Mapping[Any, Any], side: int = LARGE) -> bytes | None:
    """A JPEG of the image (or the box) of a reading, as the queries give it; None where there is none."""
    return _pictures(str(home()), str(row["image_sha256"]), (_box(row),), side)[0] if bool(row["kept"]) else None


def thumbnails(rows: Sequence[Mapping[Any, Any]]) -> list[str | None]:
    """The same of several readings as data URIs, for a column of pictures; each image is decoded once for all."""
    boxes: dict[str, list[Box]] = {}
    for row in rows:
        if bool(row["kept"]):
            boxes.setdefault(str(row["image_sha256"]), []).append(_box(row))
    found = {
        (sha256, box): "data:image/jpeg;base64," + base64.b64encode(content).decode()
        for sha256, of in boxes.items()
        for box, content in zip(of, _pictures(str(home()), sha256, tuple(of), SMALL), strict=True)
        if content is not None
    }  # fmt: skip
    return [found.get((str(row["image_sha256"]), _box(row))) if bool(row["kept"]) else None for row in rows]


def _box(row: Mapping[Any, Any]) -> Box:
    box = row["box"]
    return tuple(int(one) for one in box) if hasattr(box, "__len__") else None


@st.cache_data(max_entries=256, show_spinner=False)
def _pictures(folder: str, sha256: str, boxes: tuple[Box, ...], side: int) -> list[bytes | None]:
    """Kept files never change: they are named after their content."""
    return kept_previews(Path(folder), sha256, boxes, side)
