"""Images that a person gives together as one zip, read in memory: bounded, and nothing of it on the disk.

A folder of training images comes as a zip too, but goes to the disk: see `core.data.unpack`.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from core.data.intake import IntakeError, safe_name
from core.data.unpack import DAMAGE

MAX_FILES: Final = 2000
MAX_FILE_BYTES: Final = 20 * 2**20
MAX_BYTES: Final = 2**30  # of all files unpacked, one after the other
MAX_RATIO: Final = 200  # unpacked to packed; a plain photograph as BMP has about 3, a bomb about 1000
FREE_BYTES: Final = 2**20  # a file below this may be packed by any ratio: an empty slide is
ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh")

_LISTED: Final = 65_535  # entries, hidden ones too; more need a Zip64
_LIST_BYTES: Final = 8 * 2**20  # of the zip's own list, names and comments in it
_ENTRY: Final = b"PK\x01\x02"
_BLOCK: Final = 2**16
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # plain, strong, masked headers
_SYSTEM: Final = ("thumbs.db", "desktop.ini")  # hidden by Windows, without a dot
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack a block without a bound


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it was given; whether it is an image is for `core.data.intake.decode_image` to say."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not read; `why` is one sentence that begins with its name."""

    name: str
    why: str


def images_in_zip(
    data: bytes, *, name: str = "The zip", max_files: int = MAX_FILES, max_file_bytes: int = MAX_FILE_BYTES,
    max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO,
) -> Iterator[Upload | Refused]:  # fmt: skip
    """The files of a zip, one after the other in its own order, each unpacked when it is asked for.

    Folders, hidden files, __MACOSX and the hidden files of Windows are left out.

    Args:
        data: the whole zip.
        name: what the sentences call it.
        max_files: files that it may hold.
        max_file_bytes: of one file unpacked; a larger one is refused, the others are read.
        max_bytes: of all files unpacked, as the zip declares them.
        max_ratio: unpacked to packed bytes of a file of more than FREE_BYTES.

    Returns:
        What was read or refused, with `safe_name` of each file; equal names in several folders stay equal.

    Raises:
        IntakeError: at the call: no zip, damaged as a whole, no file in it, or too many files or bytes.
    """
    archive, members = _checked(data, safe_name(name), max_files, max_file_bytes, max_bytes)
    return (_read(archive, info, max_file_bytes, max_ratio) for info in members)


def files_in_zip(data: bytes, *, name: str = "The zip") -> int:
    """How many files `images_in_zip` will hand out or refuse; nothing is unpacked. Raises IntakeError as it does."""
    return len(_checked(data, safe_name(name), MAX_FILES, MAX_FILE_BYTES, MAX_BYTES)[1])


class _Careful(io.BytesIO):
    """Refuses to hand out much at once: zipfile reads the list of files, whatever its size, in one call."""

    def read(self, size: int | None = -1, /) -> bytes:
        rest = len(self.getbuffer()) - self.tell()
        if (rest if size is None or size < 0 else min(size, rest)) > _LIST_BYTES:
            raise zipfile.BadZipFile("its list of files is too long")
        return super().read(size)


def _list(data: bytes, name: str) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """The opened zip, and its entries that are files for people."""
    if not data:
        raise IntakeError(f"{name} is empty (0 bytes); make or copy it again.")
    if data.count(_ENTRY) > _LISTED:  # before zipfile makes an object of each
        raise IntakeError(f"{name} lists more than {_LISTED:,} files; split it into several.")
    try:
        archive = zipfile.ZipFile(_Careful(data))
        return archive, [info for info in archive.infolist() if not _hidden(info.filename) and not info.is_dir()]
    except (*DAMAGE, OSError) as error:
        raise IntakeError(f"{name} is no zip that can be read, or a damaged one; make or copy it again.") from error


def _checked(
    data: bytes, name: str, max_files: int, max_file_bytes: int, max_bytes: int
) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """As `_list`; refused as a whole where it holds nothing, or too much."""
    archive, members = _list(data, name)
    if not members:
        raise IntakeError(f"{name} holds no files; put the images into it.")
    if len(members) > max_files:
        raise IntakeError(
            f"{name} holds {len(members):,} files, above the limit of {max_files:,}; split it into several."
        )
    declared = sum(min(info.file_size, max_file_bytes) for info in members)
    if declared > max_bytes:
        raise IntakeError(
            f"{name} would unpack to {declared / 2**20:,.0f} MiB, above the limit of {max_bytes / 2**20:,.0f} MiB; "
            "split it into several."
        )
    return archive, members


def _hidden(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    inside = [part for part in parts if part not in ("..", "/")]
    return (
        not inside
        or any(part.startswith(".") or part == "__MACOSX" for part in inside)
        or inside[-1].lower() in _SYSTEM
    )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int, max_ratio: float) -> Upload | Refused:
    name = safe_name(info.filename)
    why = _objection(info, max_bytes, max_ratio)
    if why is not None:
        return Refused(name, f"{name} {why}")
    try:
        with archive.open(info) as file:
            blocks = []
            while block := file.read(_BLOCK):  # zipfile gives no more than the declared size, and checks its sum
                blocks.append(block)
        content = b"".join(blocks)
    except (*DAMAGE, OSError, OverflowError):
        return Refused(name, f"{name} is damaged inside the zip; make the zip again.")
    if content.startswith(ARCHIVES):
        return Refused(name, f"{name} is an archive inside the zip; unpack it and add its images themselves.")
    return Upload(name, content)


def _objection(info: zipfile.ZipInfo, max_bytes: int, max_ratio: float) -> str | None:
    """The rest of the sentence after the name, from what the list says; None: it may be unpacked."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", path.parts[0]):
        return "has a path that points outside of the zip; do not trust the zip, or make it again."
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link to another file; put the file itself into the zip."
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; make the zip again without a password."
    if info.compress_type not in _METHODS:
        return "is packed in an unusual way; make the zip again by the usual method (deflate)."
    if info.file_size > max_bytes:
        return (
            f"is {info.file_size / 2**20:,.1f} MiB unpacked, above the limit of {max_bytes / 2**20:,.0f} MiB; "
            "crop or shrink the image."
        )
    if info.file_size > max(FREE_BYTES, max_ratio * info.compress_size):
        return (
            f"would unpack to over {max_ratio:g} times its size, as no photograph does; save it as PNG or JPEG "
            "before it is zipped."
        )
    return None
