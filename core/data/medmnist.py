"""A MedMNIST file (.npz with train_images, train_labels, val_..., test_...) becomes split and class folders of PNGs."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from core.data.dataset import DatasetError, ScanCancelled
from core.data.unpack import DAMAGE, Cancelled, Progress, check_room, unpack_once

MAX_LABEL_BYTES: Final = 64 * 2**20
BLOOD_CLASSES: Final = (  # of BloodMNIST, Yang et al. 2023, https://medmnist.com; the file itself holds numbers only
    "basophil", "eosinophil", "erythroblast", "immature_granulocyte",
    "lymphocyte", "monocyte", "neutrophil", "platelet",
)  # fmt: skip


def unpack_medmnist(archive: Path, work: Path, progress: Progress, cancelled: Cancelled) -> Path:
    """Write the images of a MedMNIST file as PNGs below `work`, once, and return the folder.

    Classes are named by number, or by cell for a file whose name begins with bloodmnist. Images are read one at a
    time, so a file of many gigabytes needs no memory. `progress` is told images done and in all.

    Raises:
        DatasetError: not such a file, several labels an image, 3-D images, or anything but 8-bit pixels.
        ScanCancelled: `cancelled` said so.
    """
    blood = archive.stem.lower().startswith("bloodmnist")

    def fill(folder: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as file:
                labels = {name: _labels(archive, file, name) for name in ("train", "val", "test") if _has(file, name)}
                if "train" not in labels:
                    raise DatasetError(f"{archive} has no train_images and train_labels; give a MedMNIST 2-D file.")
                _write_all(archive, file, labels, blood, folder, progress, cancelled)
        except DAMAGE as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f"{archive} is damaged or not an .npz ({error}); download it again.") from error

    return unpack_once(archive, work, fill, cancelled, "-blood" if blood else "")


def _has(file: zipfile.ZipFile, split: str) -> bool:
    return {f"{split}_images.npy", f"{split}_labels.npy"} <= set(file.namelist())


def _header(archive: Path, stream: IO[bytes], name: str) -> tuple[int, ...]:
    """The shape of an array of bytes, after which the stream stands at its first element."""
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(npy.read_magic(stream))
    if read is None:
        raise DatasetError(f"{archive} holds {name} in an unknown version of the .npy format; save it again.")
    shape, fortran, dtype = read(stream)
    if fortran or dtype.hasobject:
        raise DatasetError(f"{archive} holds {name} in an order or kind that is not allowed; save it as plain uint8.")
    if name.endswith("images") and dtype != np.uint8:
        raise DatasetError(f"{archive} holds {name} as {dtype}; MedMNIST images are uint8.")
    return tuple(shape)


def _labels(archive: Path, file: zipfile.ZipFile, split: str) -> NDArray[np.int64]:
    """Class numbers (n,) of one split."""
    name = f"{split}_labels.npy"
    if file.getinfo(name).file_size > MAX_LABEL_BYTES:
        raise DatasetError(f"{archive} holds more labels than a MedMNIST file can; check the file.")
    with file.open(name) as stream:
        labels = np.asarray(npy.read_array(stream, allow_pickle=False))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or (labels.size and labels.min() < 0):
        raise DatasetError(f"{archive} does not give each image one class number; only single-label sets can be used.")
    return labels.astype(np.int64)


def _write_all(
    archive: Path,
    file: zipfile.ZipFile,
    labels: dict[str, NDArray[np.int64]],
    blood: bool,
    folder: Path,
    progress: Progress,
    cancelled: Cancelled,
) -> None:
    total = sum(part.size for part in labels.values())
    check_room(archive, sum(file.getinfo(f"{split}_images.npy").file_size for split in labels), total, folder)
    name_of = _names(max(int(part.max(initial=0)) for part in labels.values()), blood)
    done = 0
    for split, numbers in labels.items():
        for index, pixels in enumerate(_images(archive, file, split, numbers.size)):
            if cancelled():
                raise ScanCancelled("Reading the data was cancelled.")
            target = folder / split / name_of(int(numbers[index])) / f"{index:06d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(target, compress_level=1)
            done += 1
            progress(done, total)


def _names(highest: int, blood: bool) -> Callable[[int], str]:
    if blood and highest < len(BLOOD_CLASSES):
        return lambda number: BLOOD_CLASSES[number]
    digits = len(str(highest))
    return lambda number: f"class_{number:0{digits}d}"


def _images(archive: Path, file: zipfile.ZipFile, split: str, expected: int) -> Iterator[NDArray[np.uint8]]:
    """Each image of a split, (height, width) or (height, width, 3)."""
    with file.open(f"{split}_images.npy") as stream:
        shape = _header(archive, stream, f"{split}_images")
        if not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
            raise DatasetError(f"{archive} holds {split}_images of shape {shape}; only 2-D grey or RGB can be used.")
        if shape[0] != expected or min(shape) < 1:
            raise DatasetError(f"{archive} holds {shape[0]} {split}_images but {expected} {split}_labels; check it.")
        size = int(np.prod(shape[1:], dtype=np.int64))
        for _ in range(shape[0]):
            block = stream.read(size)
            if len(block) != size:
                raise EOFError(f"{split}_images ends early")
            yield np.frombuffer(block, np.uint8).reshape(shape[1:])
