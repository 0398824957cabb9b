"""Small pictures of a dataset's images, kept for as long as their files are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.data.dataset import DatasetError
from core.data.preview import image_file, preview
from core.prediction.thumbnail import data_url
from pages.charts.wording import missing


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


def draw_picture(root: Path, path: str, sha256: object, side: int, alt: str, *, inline: bool = False) -> None:
    """The picture, or in its place why there is none.

    Args:
        sha256: may be missing.
        alt: is said after the path.
        inline: it comes with the page and is not fetched after it: where people soon turn to something else, the
            server has dropped what the browser then asks for.
    """
    content, problem = picture(root, path, "" if missing(sha256) else str(sha256), side)
    if content is None:
        st.caption(f":material/hide_image: {problem}")
    else:
        st.image(data_url(content) if inline else content, width="stretch", alt=f"{path}: {alt}")


def open_button(path: str, key: str, on_click: Callable[[int], None], image_id: int) -> None:
    """The file's name, which opens the image."""
    st.button(
        Path(path).name, key=key, type="tertiary", icon=":material/open_in_full:", help=path, on_click=on_click,
        args=(image_id,),
    )  # fmt: skip


@st.cache_data(max_entries=256, show_spinner=False)
def _cached(root: str, path: str, sha256: str, side: int, stamp: tuple[int, int]) -> tuple[bytes | None, str]:
    """`stamp` (time, bytes) of the file: a file that was written anew is read anew."""
    try:
        return preview(Path(root), path, sha256 or None, side), ""
    except DatasetError as error:
        return None, str(error)
