"""The files of a batch: images and zips as a person gave them, one image after the other, none kept once it is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from core.data.intake import IntakeError, safe_name
from core.data.uploads import MAX_FILE_BYTES, MAX_FILES, Refused, Upload, files_in_zip, images_in_zip


class GivenFile(Protocol):
    """What a page hands on of an upload; its bytes are asked for when its turn comes."""

    @property
    def name(self) -> str: ...

    def getvalue(self) -> bytes: ...


class BatchFiles:
    """Hands out every file once. `total` is how many there are thought to be: zips are only listed, not unpacked."""

    def __init__(self, files: Sequence[GivenFile]) -> None:
        """Raises IntakeError where there are no files, or more than MAX_FILES."""
        self._files = deque(files)
        self.total = sum(_count(one) for one in self._files)
        if not self._files:
            raise IntakeError("There are no files in this batch; choose images or a zip of images.")
        if self.total > MAX_FILES:
            raise IntakeError(
                f"This batch has {self.total:,} files, above the limit of {MAX_FILES:,}; split it into several."
            )

    def __iter__(self) -> Iterator[Upload | Refused]:
        while self._files:
            file = self._files.popleft()  # and forgotten when the next one is asked for
            name, data = safe_name(file.name), file.getvalue()
            if not _is_zip(file.name):
                yield _single(name, data)
                continue
            try:
                yield from images_in_zip(data, name=name)
            except IntakeError as error:
                yield Refused(name, str(error))


def _single(name: str, data: bytes) -> Upload | Refused:
    if len(data) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES / 2**20:,.0f} MiB"
        return Refused(name, f"{name} is above the limit of {limit} a file; crop or shrink the image.")
    return Upload(name, data)


def _is_zip(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() == ".zip"


def _count(file: GivenFile) -> int:
    """Files in it; of a zip that cannot be read 1: the sentence about it."""
    if not _is_zip(file.name):
        return 1
    try:
        return files_in_zip(file.getvalue(), name=file.name)
    except IntakeError:  # reading it will say what is wrong
        return 1
