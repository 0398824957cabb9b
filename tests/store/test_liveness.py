"""Lost means: counts as running, but its process is gone."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from store.liveness import STALE_SECONDS, is_lost, process_alive, with_lost

NOW = datetime.now(UTC).replace(tzinfo=None)
HERE = platform.node()
FRESH, STALE = NOW - timedelta(seconds=1), NOW - timedelta(seconds=STALE_SECONDS + 1)
GONE = 2**22 + 1  # above the highest pid that Linux gives by default


def test_a_process_is_alive_dead_or_beyond_knowledge():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_alive(child.pid, HERE) is True
    child.communicate()
    assert process_alive(child.pid, HERE) is False
    assert process_alive(os.getpid(), HERE, NOW) is True
    assert process_alive(os.getpid(), None) is True
    assert process_alive(os.getpid(), "elsewhere") is None
    assert process_alive(None, HERE) is None
    assert process_alive(os.getpid(), HERE, NOW - timedelta(days=300)) is False  # the number was given again


def test_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # it has ended, and nobody has asked for its exit code yet
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_alive(child.pid, HERE) is False
    child.wait()


@pytest.mark.parametrize(
    ("status", "seen_at", "pid", "host", "lost"),
    [
        ("RUNNING", FRESH, GONE, HERE, False),
        ("RUNNING", STALE, GONE, HERE, True),
        pytest.param("RUNNING", STALE, os.getpid(), "elsewhere", True, id="elsewhere"),
        ("RUNNING", STALE, None, None, True),
        ("RUNNING", None, GONE, HERE, False),
        ("COMPLETE", STALE, GONE, HERE, False),
        ("WAITING", STALE, None, None, False),
    ],
)
def test_lost(status: str, seen_at: datetime | None, pid: int | None, host: str | None, lost: bool):
    assert is_lost(status, seen_at, pid, host, NOW) is lost


def test_a_slow_process_that_lives_is_not_lost():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen_at = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=30)
    later = seen_at + timedelta(seconds=STALE_SECONDS + 30)
    assert not is_lost("RUNNING", seen_at, child.pid, HERE, later)
    child.communicate()
    assert is_lost("RUNNING", seen_at, child.pid, HERE, later)


def test_a_frame_gets_its_column():
    fresh = datetime.now(UTC).replace(tzinfo=None)  # this file may have been read long before the test runs
    rows = [
        ("RUNNING", STALE, pd.NaT, GONE, HERE),
        ("RUNNING", STALE, fresh, GONE, HERE),
        ("WAITING", pd.NaT, pd.NaT, None, None),
    ]
    frame = pd.DataFrame(rows, columns=["status", "event_at", "heartbeat_at", "pid", "host"])
    assert list(with_lost(frame)["lost"]) == [True, False, False]
    assert list(with_lost(frame[:0])["lost"]) == []
