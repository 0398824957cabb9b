"""Lets a server's many threads share the C library's free memory, so that its size stays what it needs.

glibc gives new threads arenas of their own, up to eight a core, and what is freed in one serves no other; a server
whose threads come and go with each drawing of a page grows for as long as it is used.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
ARENAS = 2
LARGE = 16 * 2**20  # bytes: such a block is the system's again as soon as it is freed; smaller ones are used again
SPARE = 64 * 2**20  # bytes at the end of an arena that may stay free


def share_free_memory() -> bool:
    """Do so for this process, before its threads start; False where the C library is another one."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = (_M_ARENA_MAX, ARENAS), (_M_MMAP_THRESHOLD, LARGE), (_M_TRIM_THRESHOLD, SPARE)
    return all(mallopt(name, value) for name, value in settings)
