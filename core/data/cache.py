"""All images of a data set decoded once at one size, as an array on disk that every process maps read-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset, DatasetError, ImageRecord, ScanCancelled
from core.data.intake import IntakeError, decode_image, to_square
from core.locks import wait_lock
from store.journal import open_durably, write_durably

CACHE_VERSION: Final = 1  # raise it when decoding or scaling gives other pixels: old caches are then built anew
THREADS: Final = 2
_BATCH: Final = 32

Pixels = NDArray[np.uint8]


def cache_path(dataset: Dataset, size: int, folder: Path) -> Path:
    """Where the images of a data set at one size lie below the cache folder."""
    return folder / f"{dataset.dataset_id}-{size}.npy"


def open_cache(
    dataset: Dataset,
    size: int,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Pixels:
    """The decoded images, built now if they are not there, are of another size or were left half-written.

    Safe to call from several processes at once: one builds, the others wait. While building, each file's SHA-256 is
    compared with the scan's. A file beside the cache says what it holds; it is written after the cache is durable.

    Args:
        dataset: its `usable` images give the rows.
        size: side of the squares, in pixels.
        folder: holds the caches; made if missing.
        progress: told (images done, images in all) while building.
        cancelled: asked between images; True ends the building.

    Returns:
        Read-only memory map (n usable images, size, size, 3) of uint8; row i is the image with id i.

    Raises:
        DatasetError: a file is gone or has changed since the scan, or the disk cannot take the cache.
        ScanCancelled: `cancelled` said so.
    """
    path = cache_path(dataset, size, folder)
    shape = (len(dataset.usable), size, size, 3)
    if (whole := _open_whole(path, shape)) is not None:
        return whole
    stop = cancelled or (lambda: False)
    try:
        lock = wait_lock(folder / f".{path.name}.lock", stop)
        if lock is None:
            raise ScanCancelled("Decoding the images was cancelled.")
        try:
            if (whole := _open_whole(path, shape)) is None:  # else another process has built it meanwhile
                _build(dataset, size, path, progress or (lambda done, total: None), stop)
                whole = _open_whole(path, shape)
        finally:
            lock.release()
    except OSError as error:
        need = int(np.prod(shape, dtype=np.int64)) / 2**30
        raise DatasetError(
            f"The decoded images ({need:.1f} GiB) cannot be written to {path}: {error.strerror or error}; free some "
            "space or use smaller images."
        ) from error
    if whole is None:
        raise DatasetError(f"The decoded images in {path} were changed while they were read; try again.")
    return whole


def _open_whole(path: Path, shape: tuple[int, ...]) -> Pixels | None:
    """The cache if it is all there: described as this version's, of this shape, and of exactly its length."""
    try:
        if json.loads(_note(path).read_bytes()) != _facts(path, shape):
            return None
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _facts(path: Path, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"version": CACHE_VERSION, "shape": list(shape), "bytes": path.stat().st_size}


def _build(
    dataset: Dataset, size: int, path: Path, progress: Callable[[int, int], None], stop: Callable[[], bool]
) -> None:
    for left_over in path.parent.glob(f".{path.name}.*.tmp"):  # by a process that died; nobody else holds the lock
        left_over.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)
    shape = (len(dataset.usable), size, size, 3)
    with open_durably(path) as file, ThreadPoolExecutor(THREADS) as pool:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        progress(0, shape[0])
        for start in range(0, shape[0], _BATCH):
            if stop():
                raise ScanCancelled("Decoding the images was cancelled.")
            batch = dataset.usable[start : start + _BATCH]
            for image in pool.map(lambda record: _decode(dataset.root, record, size), batch):
                file.write(image.tobytes())
            progress(start + len(batch), shape[0])
    write_durably(_note(path), json.dumps(_facts(path, shape)).encode())


def _decode(root: Path, record: ImageRecord, size: int) -> Pixels:
    path = root / record.path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} is gone since the data were read ({error.strerror}); scan the data again."
        ) from error
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise DatasetError(f"{path} has changed since the data were read; scan the data again.")
    try:
        return to_square(decode_image(data, name=str(path)), size)
    except IntakeError as error:  # it could be decoded at the scan: another version of a library, or no memory
        raise DatasetError(str(error)) from error
