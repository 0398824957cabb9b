"""Small pictures of a dataset's images, kept for as long as their files are the same."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.dataset import DatasetError
from core.data.preview import image_file, preview


def picture(root: Path, path: str, sha256: str, side: int) -> tuple[bytes | None, str]:
    """(a JPEG of at most `side` pixels, '') or (None, why there is none).

    Args:
        root, path: the dataset's folder and the image's place in it.
        sha256: of the file's bytes when it was scanned, hex; '' where it is not known.
    """
    try:
        file = image_file(root, path)
        state = file.stat()
        stamp = (state.st_mtime_ns, state.st_size)
    except DatasetError as error:
        return None, str(error)
    except OSError as error:
        return None, f"The file is gone or cannot be read ({error.strerror})."
    return _cached(str(root), path, sha256, side, stamp)


@st.cache_data(max_entries=256, show_spinner=False)
def _cached(root: str, path: str, sha256: str, side: int, stamp: tuple[int, int]) -> tuple[bytes | None, str]:
    """`stamp` (time, bytes) of the file: a file that was written anew is read anew."""
    try:
        return preview(Path(root), path, sha256 or None, side), ""
    except DatasetError as error:
        return None, str(error)
