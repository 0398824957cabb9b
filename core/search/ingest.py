"""While a search runs without an app, something must carry its journals into the store: a process of its own."""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
import threading
from pathlib import Path
from types import TracebackType

import psutil

from core.paths import log_file
from core.search.launcher import spawn

RETRY_SECONDS = 15.0


def owned(home: Path) -> bool:
    """Whether a living process of this machine says that it has the store; its lock has the last word."""
    try:
        file = home / "owner.json"
        owner = json.loads(file.read_text())
        # A process that started after the file was written only has the number of the one that is meant.
        started = psutil.Process(int(owner["pid"])).create_time()
        return owner["host"] == platform.node() and started < file.stat().st_mtime + 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False


class KeepIngesting:
    """Within this context an ingest process is started whenever none of ours runs.

    The process itself finds out whether an app or another ingest has the store, and ends at once if so; one that
    stepped aside for an app is tried again later, since the app may go before the search does.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> KeepIngesting:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        process: subprocess.Popen[bytes] | None = None
        while True:
            if (process is None or process.poll() is not None) and not owned(self._home):
                log = log_file(self._home, "_home", "ingest")
                with contextlib.suppress(OSError):  # a full disk: tried again later
                    process = spawn(["core", "store", "--home", str(self._home), "ingest"], log, nice=5)
            if self._done.wait(RETRY_SECONDS):
                return  # the process goes on until it has taken in everything and has been idle for a while
