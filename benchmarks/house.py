"""The processes of one home folder under test: controller, workers and app, started, found and killed.

Only processes of this home are ever touched: children of this one, and those whose command line names the home,
which is a new temporary folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from core.search.launcher import REPOSITORY

KINDS = ("controller", "worker", "app")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy


class House:
    """Controller and app are children of this process; workers, and whoever fills the store, are found by the home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True)
        self._log = (home / "house.log").open("ab")
        self.controller: subprocess.Popen[bytes] | None = None
        self.app: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start_controller(self, arguments: Sequence[str]) -> None:
        self.controller = self._start("search", "--home", str(self.home), *arguments)

    def start_app(self) -> None:
        self._port = _free_port()
        self.app = self._start("app", "--no-search", "--home", str(self.home), "--port", str(self._port))

    def store(self, command: str) -> tuple[int, str]:
        """Run `python -m core store <command>`: its exit code and what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "core", "store", command, "--home", str(self.home)],
            cwd=REPOSITORY, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def health(self) -> dict[str, Any] | None:
        """What the app says of itself, or None where it does not answer within a second."""
        with contextlib.suppress(OSError, ValueError), _OPENER.open(self._url, timeout=1) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
        return None

    def workers(self) -> list[psutil.Process]:
        """The living training processes."""
        return self._of_home("core.learning.worker")

    def kill(self, kind: str, rng: random.Random) -> str | None:
        """Kill one process of a kind with SIGKILL; a word on it, or None where none lives now."""
        if kind == "worker":
            found = sorted(self.workers(), key=lambda process: process.pid)
            if not found:
                return None
            victim = rng.choice(found)
            with contextlib.suppress(psutil.NoSuchProcess):
                trial = Path(victim.cmdline()[-1]).parent.name.partition(".")[2]
                victim.kill()
                return f"{victim.pid}, trial {trial}"
            return None
        process = self.controller if kind == "controller" else self.app
        if process is None or process.poll() is not None:
            return None
        process.kill()
        process.wait()
        return str(process.pid)

    def stop_app(self) -> str | None:
        """End the app as a person would; a word on it where it does not end well."""
        assert self.app is not None
        self.app.send_signal(signal.SIGTERM)
        try:
            self.app.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.app.kill()
            self.app.wait()
            return "the app did not end within a minute of SIGTERM"
        return None

    def stop_ingest(self) -> None:
        """End the process that fills the store while no app does."""
        found = self._of_home("ingest")
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(found, timeout=60)

    def close(self) -> None:
        """End everything that belongs to this home."""
        for process in (self.controller, self.app):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        for _ in range(2):  # a controller may have started one just before
            found = self._of_home("")
            for each in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(found, timeout=10)
        self._log.close()

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}/healthz"

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "core", *arguments],
            cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def _of_home(self, word: str) -> list[psutil.Process]:
        """Living processes whose command line names this home (or something in it) and contains a word."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                line = process.cmdline()
                named = any(part == str(self.home) or part.startswith(f"{self.home}/") for part in line)
                other = named and process.pid != os.getpid() and word in " ".join(line)
                if other and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Whether a condition became true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
