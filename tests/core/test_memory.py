"""All threads of a server take their memory from as many arenas as were settled."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

# Threads that hold blocks at the same time, and then what the C library says of its arenas.
COUNT = """
import ctypes, sys, threading
from core.memory import share_free_memory
if sys.argv[1] == "shared":
    assert share_free_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
gate = threading.Barrier(24)
def work():
    gate.wait()
    for _ in range(2000):
        libc.malloc(ctypes.c_size_t(2000))
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(24)]
for one in threads: one.start()
for one in threads: one.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")
def test_threads_share_two_arenas(tmp_path: Path):
    counts = {}
    unset = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    for how in ("shared", "each"):
        file = tmp_path / how
        subprocess.run([sys.executable, "-c", COUNT, how, str(file)], check=True, timeout=120, env=unset)
        counts[how] = file.read_text().count("<heap nr=")
    assert counts["shared"] == 2
    assert counts["each"] > 2
