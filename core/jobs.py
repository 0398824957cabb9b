"""Background work that is no search: reading in data, audits, checks of labels, of other sources, of robustness.

A job has a kind and a subject, and there is one of a kind on a subject at a time. It tells how far it is and how it
ended in the journal; cancel is a small file that it looks for. What it has recorded before it ends stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import platform
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from core.heart import HEARTBEAT_SECONDS
from core.locks import holder, try_lock
from core.search.launcher import spawn
from store.journal import JournalError, JournalWriter, journal_folder, next_attempt

KINDS = ("import", "audit", "label_check", "external", "robustness", "scope", "calibration")
PATIENCE = 5.0  # s that a start waits for the job to begin
_started: dict[tuple[Path, str, str], subprocess.Popen[bytes]] = {}  # by (home, kind, subject), the latest


class JobError(ValueError):
    """A job cannot be started or cancelled now; the message says why."""


class JobCancelled(Exception):
    """A person cancelled the job; its work so far is kept."""


class Job:
    """A running job, as `running` gives it. `outcome` is the sentence for people, `result` the id of what it made."""

    def __init__(self, home: Path, kind: str, subject: str, journal: JournalWriter) -> None:
        self.home, self.kind, self.subject, self.journal = home, kind, subject, journal
        self.outcome: str | None = None
        self.result: str | None = None
        self._started_at = datetime.now(UTC).isoformat()
        self._stage, self._done, self._total = "start", 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.record("RUNNING", None)
        self._thread.start()

    def tell(self, stage: str, done: int, total: int) -> None:
        """What is being done, and how many of `total` units are."""
        self._stage, self._done, self._total = stage, done, total

    def cancelled(self) -> bool:
        """Whether a person wants it to end."""
        return cancelling(self.home, self.kind, self.subject)

    def leave_if_cancelled(self) -> None:
        """Raise JobCancelled where a person wants it to end."""
        if self.cancelled():
            raise JobCancelled

    def record(self, status: str, message: str | None) -> None:
        """Say the status in the journal. Raises JournalError when the disk refuses."""
        self.journal.append(
            "job", job=self.kind, subject=self.subject, status=status, stage=self._stage, done=self._done,
            total=self._total, message=message, result=self.result, pid=os.getpid(), host=platform.node(),
            started_at=self._started_at,
        )  # fmt: skip

    def end(self) -> None:
        """No sign of life after this."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(JournalError):  # a full disk: the work itself will meet it and say so
                self.record("RUNNING", None)


@contextmanager
def running(home: Path, kind: str, subject: str) -> Iterator[Job]:
    """Do a job in this process: its end, good or bad, is recorded, and the exception goes on to the caller.

    Raises JobError when another process does the same job.
    """
    lock = try_lock(_lock_file(home, kind, subject))
    if lock is None:
        raise JobError(f"Process {job_pid(home, kind, subject)} does this already ({kind} of {subject}).")
    name = f"job-{_name(kind, subject)}"
    folder = journal_folder(home)
    journal = JournalWriter(folder, name, next_attempt(folder, name))
    job = None
    try:
        _forget_cancel(home, kind, subject, before=psutil.Process().create_time())  # it may have been asked for already
        job = Job(home, kind, subject, journal)
        yield job
        job.end()
        job.record("COMPLETE", job.outcome)
    except BaseException as error:
        if job is not None:
            job.end()
            with contextlib.suppress(JournalError):
                job.record(*_verdict(error))
        raise
    finally:
        _forget_cancel(home, kind, subject)
        journal.close()
        lock.release()


def start(home: Path, kind: str, subject: str, arguments: Sequence[str]) -> None:
    """Start `python -m core ...` in the background to do the job. Raises JobError when it is being done already.

    Returns once the job is under way or has ended, or after a few seconds.
    """
    if (pid := job_pid(home, kind, subject)) is not None:
        raise JobError(f"Process {pid} does this already ({kind} of {subject}).")
    _forget_cancel(home, kind, subject)
    process = spawn(["core", *arguments, "--home", str(home)], log_of(home, kind, subject))
    _started[home, kind, subject] = process
    # Its end is taken note of, so that it does not stay in the process table as long as the app lives.
    threading.Thread(target=process.wait, daemon=True).start()
    began, lock = time.monotonic(), _lock_file(home, kind, subject)
    while time.monotonic() - began < PATIENCE and process.poll() is None and holder(lock) is None:
        time.sleep(0.05)


def cancel(home: Path, kind: str, subject: str) -> None:
    """Ask the job to end. Raises JobError when nothing does it."""
    if job_pid(home, kind, subject) is None:
        raise JobError(f"Nothing does this now ({kind} of {subject}), so there is nothing to cancel.")
    file = _cancel_file(home, kind, subject)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def cancelling(home: Path, kind: str, subject: str) -> bool:
    """Whether a person has asked the job to end and it has not yet."""
    return _cancel_file(home, kind, subject).exists()


def job_pid(home: Path, kind: str, subject: str) -> int | None:
    """The process that does the job, or that was started from here and is still to begin it; or None."""
    pid = holder(_lock_file(home, kind, subject))
    process = _started.get((home, kind, subject))
    return process.pid if pid is None and process is not None and process.poll() is None else pid


def log_of(home: Path, kind: str, subject: str) -> Path:
    """What a background job printed."""
    return home / "logs" / "_jobs" / f"{_name(kind, subject)}.log"


def command_line(arguments: Sequence[Any]) -> str:
    """The same job from a terminal."""
    return shlex.join(["python", "-m", "core", *map(str, arguments)])


def _forget_cancel(home: Path, kind: str, subject: str, before: float = math.inf) -> None:
    """Forget a cancel that was asked for before a time (seconds since 1970)."""
    file = _cancel_file(home, kind, subject)
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_mtime < before:
            file.unlink()


def _verdict(error: BaseException) -> tuple[str, str]:
    if isinstance(error, JobCancelled | KeyboardInterrupt) or type(error).__name__ == "ScanCancelled":
        return "STOPPED", "cancelled by the person"
    if isinstance(error, ValueError | OSError):  # one sentence each
        return "FAILED", str(error)
    return "FAILED", f"An error of the program ({type(error).__name__}: {error}); its log has the details."


def _name(kind: str, subject: str) -> str:
    """A file name of the job: a subject may be a path."""
    return f"{kind}-{hashlib.sha256(subject.encode(errors='surrogateescape')).hexdigest()[:16]}"


def _lock_file(home: Path, kind: str, subject: str) -> Path:
    return home / "jobs" / f"{_name(kind, subject)}.lock"


def _cancel_file(home: Path, kind: str, subject: str) -> Path:
    return home / "jobs" / f"{_name(kind, subject)}.cancel"
