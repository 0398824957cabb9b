"""Which files of a folder belong to which class and split, before any of them is opened."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.data.dataset import DatasetError

SPLIT_FOLDERS: Final = {
    "train": "train", "training": "train", "calibration": "calibration", "val": "val", "valid": "val",
    "validation": "val", "test": "test", "testing": "test",
}  # fmt: skip
SYNTHETIC_MARKER: Final = "SYNTHETIC.txt"  # at the root of generated cells
MANIFEST: Final = "manifest.csv"
MAX_FILES: Final = 300_000
MAX_MANIFEST_BYTES: Final = 64 * 2**20

_SOURCE_COLUMNS: Final = ("source", "origin_dataset", "origin")
_NOT_DATA: Final = frozenset({".txt", ".md", ".csv", ".ini"})  # notes and markers beside the images
_NOT_DATA_NAMES: Final = frozenset({"__macosx", "thumbs.db", "license", "readme"})
_IMAGE_ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to examine."""

    path: str  # relative to the root, parts joined by /
    class_: str | None  # None: outside the class folders
    split: str | None  # the folder's, where folders give one


@dataclass(frozen=True)
class Layout:
    """The files of a data set in the order of their paths, and what its folders say about them."""

    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    splits: tuple[str, ...]  # given by folders; empty where classes lie at the root
    sources: dict[str, str]  # path -> source, from the manifests
    synthetic: bool


def find_layout(root: Path, *, held_out: bool = False) -> Layout:
    """Find class folders at `root`, or below train, val (valid, validation), test and calibration folders.

    Args:
        held_out: nothing will be trained on these images: all are in the test split, whatever folder they lie in, and
            one class is enough.

    Raises:
        DatasetError: no class folders, only one class, an empty class folder, or split folders mixed with others.
    """
    parents = _parents(root)
    by_split = [folder for folder, split in parents if split]
    entries, classes = _loose(root, root), set()
    for parent, split in parents:
        if by_split:
            entries += _loose(parent, root)
        for folder in _class_folders(parent):
            found = [Entry(path, folder.name, split) for path in _files(folder, root)]
            if not found:
                raise DatasetError(f"The class folder {folder} is empty; put images into it or remove it.")
            entries += found
            classes.add(folder.name)
            if len(entries) > MAX_FILES:
                raise DatasetError(f"{root} holds more than {MAX_FILES:,} files; give the folder of the images only.")
    splits = tuple(sorted({split for _, split in parents if split}))
    if not held_out:
        _check_trainable(root, classes, splits)
    sources = manifest_column(root, _SOURCE_COLUMNS)
    for folder in by_split:
        sources |= manifest_column(folder, _SOURCE_COLUMNS, f"{folder.name}/")
    if held_out:
        splits = ("test",)
        entries = [replace(entry, split="test" if entry.class_ else None) for entry in entries]
    ordered = tuple(sorted(entries, key=lambda entry: entry.path))
    return Layout(ordered, tuple(sorted(classes)), splits, sources, (root / SYNTHETIC_MARKER).is_file())


def source_problem(source: Path, *, held_out: bool = False) -> str | None:
    """Why a folder or file can be no data set, as far as names of folders tell: nothing is listed below them.

    One sentence; None where nothing speaks against reading it.
    """
    if not source.is_dir():
        return None if source.suffix.lower() in (".zip", ".npz") else (
            f"{source} is neither a folder, a .zip nor a .npz; give one of these."
        )  # fmt: skip
    try:
        parents = _parents(source)
        classes = {folder.name for parent, _ in parents for folder in _class_folders(parent)}
        if not held_out:
            _check_trainable(source, classes, sorted({split for _, split in parents if split}))
    except DatasetError as error:
        return str(error)
    return None


def _parents(root: Path) -> list[tuple[Path, str | None]]:
    """The folders whose sub-folders are classes, with the split of each: the root itself, or its split folders."""
    folders = _folders(root)
    if not is_text(str(root)):
        raise DatasetError(f"The name of the folder {str(root)!r} is not valid text (UTF-8); rename it.")
    by_split = [folder for folder in folders if folder.name.lower() in SPLIT_FOLDERS]
    if not by_split or not any(_folders(folder) for folder in by_split):
        return [(root, None)]
    others = [folder.name for folder in folders if folder not in by_split]
    if others:
        raise DatasetError(
            f"{root} holds the split folder {by_split[0].name!r} beside {others[0]!r}; keep only train, val, test "
            "and calibration folders there, or only class folders."
        )
    return [(folder, SPLIT_FOLDERS[folder.name.lower()]) for folder in by_split]


def _class_folders(parent: Path) -> list[Path]:
    folders = _folders(parent)
    if not folders:
        raise DatasetError(
            f"{parent} has no sub-folders; put the images of each class into one that is named after the class."
        )
    for folder in folders:
        if not is_text(folder.name):
            raise DatasetError(f"The name of the folder {str(folder)!r} is not valid text (UTF-8); rename it.")
    return folders


def _check_trainable(root: Path, classes: Collection[str], splits: Sequence[str]) -> None:
    if len(classes) < 2:
        raise DatasetError(f"{root} has only one class folder, {min(classes)!r}; a classifier needs at least two.")
    if splits and "train" not in splits:
        raise DatasetError(f"{root} has {' and '.join(splits)} folders but none to train on; add a train folder.")


def is_text(name: str) -> bool:
    """Whether a path is UTF-8: neither JSON nor the store could hold another."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _NOT_DATA_NAMES


def _is_data(name: str) -> bool:
    return _visible(name) and Path(name).suffix.lower() not in _NOT_DATA


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if _visible(path.name) and path.is_dir())
    except OSError as error:
        raise DatasetError(f"The folder {parent} cannot be read: {error.strerror}.") from error


def _files(folder: Path, root: Path) -> list[str]:
    """Every file below a class folder that is not hidden and not a note; links to folders are not followed."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _visible(name))
        found += [(Path(place) / name).relative_to(root).as_posix() for name in names if _is_data(name)]
        if len(found) > MAX_FILES:  # somebody gave the wrong folder, perhaps the whole disk
            break
    return found


def _loose(parent: Path, root: Path) -> list[Entry]:
    """Images beside the class folders: they belong to no class, which a person should hear."""
    return [
        Entry(path.relative_to(root).as_posix(), None, None)
        for path in parent.iterdir()
        if _is_data(path.name) and path.suffix.lower() in _IMAGE_ENDINGS and path.is_file()
    ]


def manifest_column(folder: Path, names: Sequence[str], prefix: str = "") -> dict[str, str]:
    """What the first column of these names says of each file, by its path (`prefix` and the path from the folder).

    Nothing where the manifest is of another kind or cannot be read.
    """
    path = folder / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > MAX_MANIFEST_BYTES:
            return {}
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig", errors="replace"), newline=""))
        column = next((name for name in names if name in (rows.fieldnames or ())), None)
        if column is None or "file" not in (rows.fieldnames or ()):
            return {}
        return {
            prefix + row["file"].strip().replace("\\", "/").removeprefix("./"): row[column].strip()
            for row in rows
            if row["file"] and row[column]
        }
    except (OSError, csv.Error):
        return {}
