"""Locks: one holder, named, and free again when its process dies."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from core.locks import holder, try_lock, wait_lock


def test_one_holder_at_a_time_and_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "lock"
    assert holder(file) is None
    lock = try_lock(file)
    assert lock is not None
    assert holder(file) == os.getpid()
    assert try_lock(file) is None
    lock.release()
    assert holder(file) is None


def test_a_lock_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = "import sys, time, pathlib, core.locks; l = core.locks.try_lock(pathlib.Path(sys.argv[1])); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(file)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 30
    while holder(file) != process.pid:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert wait_lock(file, give_up=lambda: True) is None
    process.kill()
    process.wait()
    lock = wait_lock(file, give_up=lambda: False)
    assert lock is not None


def test_looking_who_holds_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.touch()
    looking = os.open(file, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)  # as `holder` does, for longer than it takes there
    threading.Timer(0.03, os.close, [looking]).start()
    lock = try_lock(file)
    assert lock is not None
    assert holder(file) == os.getpid()
    lock.release()
