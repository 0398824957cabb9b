"""Lets a server's many threads share the C library's free memory, so that its size stays what it needs.

glibc gives each thread that has to wait for another one an arena of its own, up to eight a core, and what is freed in
one serves no other; a server whose threads come and go with each drawing of a page grows for as long as it is used.
"""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
ARENAS = 2
LARGE = 512 * 2**10  # bytes: from here on a block is the system's again as soon as it is freed


def share_free_memory() -> bool:
    """Do so for this process, before its threads start; False where the C library is another one."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, ARENAS)) and bool(mallopt(_M_MMAP_THRESHOLD, LARGE))
