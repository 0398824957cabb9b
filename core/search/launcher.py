"""How trials become processes. `Launcher` is the seam for other machines; `LocalLauncher` starts them here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import core

REPOSITORY = Path(core.__file__).parent.parent
# Trainings give way to the app and to whatever else the person does; on a machine of their own they need not.
NICENESS = int(asked) if (asked := os.environ.get("CELLASCENT_NICENESS", "")).isdecimal() else 10


class Worker(Protocol):
    """A running trial."""

    def poll(self) -> int | None:
        """None while it runs, else its exit code (negative: the signal that ended it)."""

    def stop(self) -> None:
        """Ask it to end after the current epoch."""

    def kill(self) -> None:
        """End it at once."""


class Launcher(Protocol):
    """Starts trials."""

    def start(self, spec_file: Path, log: Path, slot: int, threads: int) -> Worker:
        """Start the trial of a spec file in slot `slot` (0-based: the GPU's number where there are GPUs)."""


class LocalWorker:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def poll(self) -> int | None:
        return self._process.poll()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class LocalLauncher:
    """Spawned processes on this machine, each with its own thread count, log file and, on GPUs, its own device."""

    def __init__(self, device: str) -> None:
        self._device = device

    def start(self, spec_file: Path, log: Path, slot: int, threads: int) -> LocalWorker:
        allowed = os.environ.get("CUDA_VISIBLE_DEVICES")  # the person may have given us only some of the GPUs
        gpu = allowed.split(",")[slot] if allowed else str(slot)
        extra = {"CUDA_VISIBLE_DEVICES": gpu if self._device == "cuda" else ""}
        process = spawn(["core.learning.worker", str(spec_file)], log, threads=threads, extra=extra)
        return LocalWorker(process)


def spawn(
    module: list[str], log: Path, *, threads: int = 1, extra: dict[str, str] | None = None, nice: int = NICENESS
) -> subprocess.Popen[bytes]:
    """Start `python -m module ...` in its own session, so that it outlives the caller; its output goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    count = str(threads)
    environment = os.environ | {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    environment |= {"PYTHONUNBUFFERED": "1"} | (extra or {})
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["nice", "-n", str(nice), sys.executable, "-m", *module],
            cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    _give_way(process.pid, nice)
    return process


def _give_way(pid: int, nice: int) -> None:
    """Linux shares the processor between sessions first (autogroup), and a nice value counts only within its own."""
    with contextlib.suppress(OSError):  # a system that has no such groups
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
