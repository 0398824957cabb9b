"""One holder a file: advisory locks that the kernel releases when their process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

_LOOKS = 10  # tries while others only look


class Lock:
    """A held lock; released by `release` or by the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        os.close(self._fd)


def try_lock(path: Path) -> Lock | None:
    """Take the lock, or return None when another process holds it. The file then names the holder's process id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    for _ in range(_LOOKS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if holder(path) is not None:
                break
            time.sleep(0.01)  # somebody only looked who holds it, for which one has it for a moment too
        else:
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            return Lock(fd)
    os.close(fd)
    return None


def wait_lock(path: Path, give_up: Callable[[], bool]) -> Lock | None:
    """Wait for the lock; None once `give_up` says so."""
    while (lock := try_lock(path)) is None:
        if give_up():
            return None
        time.sleep(0.1)
    return lock


def holder(path: Path) -> int | None:
    """The process id of the lock's holder, or None when nobody holds it."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0)
        return int(text) if text.isdigit() else -1
    finally:
        os.close(fd)
    return None
