"""Archives become folders: once, bounded, without writing outside, whole or not at all."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import struct
import uuid
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

from core.data.dataset import DatasetError, ScanCancelled
from core.data.layout import MAX_FILES
from core.locks import wait_lock

MAX_BYTES: Final = 20 * 2**30
SPARE_BYTES: Final = 2**30  # left free on the disk

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]
DAMAGE: Final = (  # what reading a damaged archive raises
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, LookupError, NotImplementedError,
    RuntimeError, ValueError,
)  # fmt: skip
_BLOCK: Final = 2**20
_ENCRYPTED: Final = 1


def unpack_once(
    archive: Path, work: Path, fill: Callable[[Path], None], cancelled: Cancelled, suffix: str = ""
) -> Path:
    """The folder below `work` that holds an archive's content; `fill` writes it unless it is there already.

    The folder is named by the archive's SHA-256 and appears under that name only when it is whole.

    Raises:
        DatasetError: the archive cannot be read, or the disk cannot take it.
        ScanCancelled: `cancelled` said so.
    """
    try:
        name = _sha256(archive, cancelled)[:16] + suffix
        work.mkdir(parents=True, exist_ok=True)
        target = work / name
        lock = wait_lock(work / f".{name}.lock", cancelled)
        if lock is None:
            raise ScanCancelled("Reading the data was cancelled.")
        try:
            if not target.is_dir():
                for left_over in work.glob(f".{name}.*.tmp"):  # by a process that died; nobody else holds the lock
                    shutil.rmtree(left_over, ignore_errors=True)
                temporary = work / f".{name}.{uuid.uuid4().hex[:8]}.tmp"
                temporary.mkdir()
                try:
                    fill(temporary)
                    os.sync()  # so that no image is empty after a power cut although the folder's name is there
                    temporary.rename(target)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
        finally:
            lock.release()
    except OSError as error:
        raise DatasetError(
            f"{archive} cannot be unpacked into {work}: {error.strerror or error}; check the file and the disk."
        ) from error
    return target


def unpack_zip(archive: Path, work: Path, progress: Progress, cancelled: Cancelled) -> Path:
    """Unpack a zip of images below `work`, once, and return the folder.

    Hidden files and __MACOSX are left out. `progress` is told files done and in all.

    Raises:
        DatasetError: not a zip, damaged, encrypted, too large, or with entries that point outside or are links.
        ScanCancelled: `cancelled` said so.
    """

    def fill(folder: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as file:
                members = _members(archive, file)
                check_room(archive, sum(info.file_size for info, _ in members), len(members), folder)
                for done, (info, path) in enumerate(members):
                    if cancelled():
                        raise ScanCancelled("Reading the data was cancelled.")
                    target = folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with file.open(info) as source, target.open("xb") as copy:
                        shutil.copyfileobj(source, copy, _BLOCK)
                    progress(done + 1, len(members))
        except DAMAGE as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(
                f"The zip {archive} is damaged or not a zip ({error}); make or copy it again."
            ) from error

    return unpack_once(archive, work, fill, cancelled)


def check_room(archive: Path, size: int, files: int, folder: Path) -> None:
    """Raise DatasetError when unpacking would be more than is allowed, or than the disk has room for."""
    if files > MAX_FILES or size > MAX_BYTES:
        raise DatasetError(
            f"{archive} would unpack to {files:,} files and {size / 2**30:.1f} GiB, above the limit of {MAX_FILES:,} "
            f"files and {MAX_BYTES / 2**30:.0f} GiB; give a folder instead."
        )
    free = shutil.disk_usage(folder).free
    if size + SPARE_BYTES > free:
        raise DatasetError(
            f"{archive} needs {size / 2**30:.1f} GiB unpacked, but {folder.parent} has {free / 2**30:.1f} GiB free; "
            "free some space."
        )


def _members(archive: Path, file: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The entries to write with their checked relative paths."""
    members = []
    for info in file.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
            raise DatasetError(
                f"The zip {archive} has an entry that points outside of it ({info.filename!r}); do not trust it, or "
                "make it again."
            )
        if info.is_dir() or any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DatasetError(f"The zip {archive} holds a link ({info.filename!r}); make it again with files only.")
        if info.flag_bits & _ENCRYPTED:
            raise DatasetError(f"The zip {archive} is encrypted ({info.filename!r}); make it again without a password.")
        members.append((info, path))
    return members


def _sha256(path: Path, cancelled: Cancelled) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if cancelled():
                raise ScanCancelled("Reading the data was cancelled.")
            digest.update(block)
    return digest.hexdigest()
