"""Pictures of kept images: small ones for tables, a large one for a reading; nothing where the image was not kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.prediction.kept import kept_preview
from pages.components.data import home

SMALL, LARGE = 96, 720  # px


def kept_picture(row: Mapping[Any, Any], side: int = LARGE) -> bytes | None:
    """A JPEG of the image (or the box) of a reading, as the queries give it; None where there is none."""
    if not bool(row["kept"]):
        return None
    box = row["box"]
    return _picture(
        str(home()), str(row["image_sha256"]), tuple(int(one) for one in box) if hasattr(box, "__len__") else None, side
    )


def thumbnail(row: Mapping[Any, Any]) -> str | None:
    """The same as a data URI, for a column of pictures."""
    content = kept_picture(row, SMALL)
    return None if content is None else "data:image/jpeg;base64," + base64.b64encode(content).decode()


@st.cache_data(max_entries=256, show_spinner=False)
def _picture(folder: str, sha256: str, box: tuple[int, ...] | None, side: int) -> bytes | None:
    """Kept files never change: they are named after their content."""
    return kept_preview(Path(folder), sha256, box, side)
