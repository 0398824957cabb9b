"""Whether somebody holds a lock file. The kernel releases a lock when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def locked(path: Path) -> bool:
    """Whether a process holds the lock; False where there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
