"""Processes that start at once: forked from one that has imported what they need, a second or ten before.

`python -m tests.preloaded MODULE ...` imports the modules and forks for each line of its input. What it forks runs as
`python -m` would run it, with its own arguments, environment, output and signals; only its imports are there already.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import runpy
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Started:
    """A running process; its methods are those of `subprocess.Popen`."""

    def __init__(self, preloaded: Preloaded, pid: int) -> None:
        self._preloaded, self.pid = preloaded, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float) -> int:
        with self._preloaded.news:
            if not self._preloaded.news.wait_for(lambda: self.returncode is not None, timeout):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Preloaded:
    """A process with these modules imported, the parent of all that it starts; made when it is first needed."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._popen: subprocess.Popen[str] | None = None
        self._running: dict[int, Started] = {}
        self._forked: list[Started] = []
        self.news = threading.Condition()

    @property
    def pid(self) -> int:
        return self._process().pid

    def start(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None, output: Path | None = None,
        file_bytes: int | None = None,
    ) -> Started:  # fmt: skip
        """Run `python -m module arguments` in the project's root; what it prints goes to `output`, or nowhere.

        Args:
            file_bytes: the most that a file which it writes may have, as on a disk that gets full.
        """
        asked = {
            "module": module, "arguments": arguments, "environment": {**os.environ, **(environment or {})},
            "output": str(output or os.devnull), "file_bytes": file_bytes,
        }  # fmt: skip
        process = self._process()
        assert process.stdin is not None
        print(json.dumps(asked), file=process.stdin, flush=True)
        with self.news:
            assert self.news.wait_for(lambda: self._forked, timeout=240), "it could not import what it should"
            return self._forked.pop()

    def close(self) -> None:
        """End it, and all that it has started."""
        for started in list(self._running.values()):
            started.kill()
        if self._popen is not None and self._popen.stdin is not None:
            self._popen.stdin.close()
            self._popen.wait(timeout=60)
            self._popen = None

    def _process(self) -> subprocess.Popen[str]:
        if self._popen is None:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # a pool of threads does not survive a fork
            command = [sys.executable, "-m", "tests.preloaded", *self._modules]
            self._popen = subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            threading.Thread(target=self._listen, args=(self._popen,), daemon=True).start()
        return self._popen

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            pid, code = json.loads(line)
            with self.news:
                if code is None:
                    self._running[pid] = Started(self, pid)
                    self._forked.append(self._running[pid])
                else:
                    self._running.pop(pid).returncode = code
                self.news.notify_all()


def _serve() -> dict[str, Any]:
    """Fork for each line of the input. Returns, with what is asked for, in the forked processes alone."""
    with selectors.DefaultSelector() as events:
        events.register(0, selectors.EVENT_READ)
        rest = b""
        running: set[int] = set()
        while True:
            for key, _ in events.select():
                if key.fileobj != 0:
                    events.unregister(key.fileobj)
                    os.close(int(key.fd))
                    _, status = os.waitpid(key.data, 0)
                    running.discard(key.data)
                    _tell(key.data, os.waitstatus_to_exitcode(status))
                    continue
                found = os.read(0, 2**20)
                if not found:  # the tests have ended, or are gone
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                    os._exit(0)
                *lines, rest = (rest + found).split(b"\n")
                for line in lines:
                    pid = os.fork()
                    if pid == 0:
                        return json.loads(line)
                    events.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                    running.add(pid)
                    _tell(pid, None)


def _tell(pid: int, code: int | None) -> None:
    os.write(1, f"{json.dumps([pid, code])}\n".encode())


def _become(asked: dict[str, Any]) -> None:
    """Be the process that was asked for."""
    for number, target, flags in ((0, os.devnull, os.O_RDONLY), (1, asked["output"], os.O_WRONLY | os.O_CREAT)):
        opened = os.open(target, flags | (os.O_APPEND if number else 0), 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    if asked["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_bytes"], asked["file_bytes"]))
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = [asked["module"], *asked["arguments"]]
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it is the tests' to end this
    for name in sys.argv[1:]:
        importlib.import_module(name)
    to_do = _serve()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(BrokenPipeError):
        _become(to_do)
