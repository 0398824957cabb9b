"""A sample data set of synthetic cells, labelled so everywhere: marker, manifest, file names, inside each PNG."""

from __future__ import annotations

import csv
import io
import os
import shutil
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.data.cells import CLASSES, draw_cell
from core.data.dataset import DatasetError, ScanCancelled
from core.data.layout import MANIFEST, SYNTHETIC_MARKER
from core.data.scan import SYNTHETIC_TEXT
from core.locks import wait_lock
from store.journal import write_durably

SAMPLE_VERSION: Final = 1  # raise it when other pixels are drawn: samples made before are then made anew


def make_sample(
    folder: Path,
    per_class: int = 60,
    size: int = 128,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Draw synthetic cells of the five classes into `folder`, one sub-folder a class, and return the folder.

    The same arguments give the same pixels; a smaller `per_class` gives the first images of a larger one. A folder
    that holds this very sample already is left as it is; an older or half-made sample is made anew. Safe to call from
    several processes at once.

    Args:
        folder: made if missing; one that holds anything but a sample is refused.
        per_class: images of each class.
        size: side of each image, in pixels.
        seed: another seed draws other cells.
        progress: told (images done, images in all).
        cancelled: asked between images; True ends the drawing.

    Raises:
        DatasetError: a bad argument, a folder with other content, or a disk that cannot take the images.
        ScanCancelled: `cancelled` said so.
    """
    if per_class < 1 or size < 16 or seed < 0:
        raise DatasetError(
            f"A sample of {per_class} images a class at {size} px with seed {seed} cannot be made; ask for at least "
            "1 image, 16 px and seed 0."
        )
    stop = cancelled or (lambda: False)
    folder = folder.absolute()
    try:
        lock = wait_lock(folder.parent / f".{folder.name}.lock", stop)
        if lock is None:
            raise ScanCancelled("Making the sample was cancelled.")
        try:
            _make(folder, per_class, size, seed, progress or (lambda done, total: None), stop)
        finally:
            lock.release()
    except OSError as error:
        raise DatasetError(f"The sample cannot be written to {folder}: {error.strerror or error}.") from error
    return folder


def _make(
    folder: Path, per_class: int, size: int, seed: int, progress: Callable[[int, int], None], stop: Callable[[], bool]
) -> None:
    """Draw into a folder beside, which takes the name once it is whole."""
    marker = _marker(per_class, size, seed)
    if _read(folder / SYNTHETIC_MARKER) == marker:
        return
    if folder.exists() and not _is_sample(folder):
        raise DatasetError(f"{folder} holds something else than a sample of synthetic cells; give another folder.")
    for left_over in folder.parent.glob(f".{folder.name}.*.tmp"):  # by a process that died
        shutil.rmtree(left_over, ignore_errors=True)
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"
    jobs = [(place, index) for place in range(len(CLASSES)) for index in range(per_class)]
    try:
        for name in CLASSES:
            (temporary / name).mkdir(parents=True)
        progress(0, len(jobs))
        for done, (place, index) in enumerate(jobs):
            if stop():
                raise ScanCancelled("Making the sample was cancelled.")
            _draw(temporary, place, index, size, seed)
            progress(done + 1, len(jobs))
        write_durably(temporary / MANIFEST, _manifest(jobs, size).encode())
        write_durably(temporary / SYNTHETIC_MARKER, marker.encode())
        os.sync()  # so that no image is empty after a power cut although the folder's name is there
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _marker(per_class: int, size: int, seed: int) -> str:
    return (
        "SYNTHETIC: drawn pictures of blood cells, not real ones. They serve to try the software out; nothing that is "
        "learned from them says anything about patients.\n"
        f"Sample version {SAMPLE_VERSION}, {per_class} images a class, {size} px, seed {seed}.\n"
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def _is_sample(folder: Path) -> bool:
    """Whether a folder may be replaced: empty, or nothing but a sample in it."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    return not names or (SYNTHETIC_MARKER in names and names <= {*CLASSES, MANIFEST, SYNTHETIC_MARKER})


def _file(place: int, index: int) -> str:
    return f"{CLASSES[place]}/synthetic_{index:05d}.png"


def _draw(folder: Path, place: int, index: int, size: int, seed: int) -> None:
    name_key = zlib.crc32(CLASSES[place].encode())  # a class keeps its cells when others are added
    pixels = draw_cell(CLASSES[place], size, np.random.default_rng([seed, name_key, index, size]))
    label = PngInfo()
    label.add_text("Description", SYNTHETIC_TEXT)
    Image.fromarray(pixels).save(folder / _file(place, index), compress_level=1, pnginfo=label)


def _manifest(jobs: list[tuple[int, int]], size: int) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "label", "source", "width", "height"])
    rows.writerows([_file(place, index), CLASSES[place], "synthetic", size, size] for place, index in jobs)
    return text.getvalue()
