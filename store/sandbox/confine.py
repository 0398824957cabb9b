"""What the query's process does to itself before it reads a word of SQL."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading

from store.sandbox.limits import SPARE_MB, Limits

NICENESS = 10  # queries give way to the app


def die_with_parent() -> None:
    """End at once when stdin ends: the app that asked is gone, however it went."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.read(4096):
                pass
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def confine(limits: Limits) -> None:
    """Bound memory, processor time and files by the operating system too: DuckDB does not count everything itself."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    processor = int(limits.seconds * 2) + 60  # the parent ends it by the clock; this holds if the parent hangs
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: processor,
        resource.RLIMIT_DATA: (limits.memory_mb + SPARE_MB) * 2**20,
        resource.RLIMIT_FSIZE: 2 * (limits.kept_mb + limits.shown_mb) * 2**20,
        resource.RLIMIT_NOFILE: 128,
    }
    for kind, most in bounds.items():
        with contextlib.suppress(OSError, ValueError):  # a system that has tighter ones, or none of this kind
            resource.setrlimit(kind, (most, most))
