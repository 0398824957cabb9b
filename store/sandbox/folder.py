"""A folder for one process's snapshots and results, and the end of those whose process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from store.locks import locked

NAME = "query"  # below the home folder: on the disk that the store is on, where somebody looks for room


class OwnFolder:
    """`<home>/query/<pid>-<random>`, marked as in use by a lock that the system gives up when this process ends.

    Making one removes the folders of processes that are gone. Raises OSError when the disk refuses.
    """

    def __init__(self, home: Path) -> None:
        root = home / NAME
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / ".lock"):
            _remove_abandoned(root)
            self.path = root / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
            self.path.mkdir(mode=0o700)
            self._fd = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it with all that lies in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _remove_abandoned(root: Path) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and not locked(folder / ".lock"):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time: a folder that is being made has no lock yet."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
