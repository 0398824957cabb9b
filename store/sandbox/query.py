"""One run of a query, as the app sees it: it can be watched, waited for, cancelled and read."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from store.errors import StoreError
from store.sandbox.frame import to_frame
from store.sandbox.limits import START_SECONDS, Limits
from store.sandbox.result import SHOWN, WHOLE, to_csv
from store.sandbox.sentences import CANCELLED, ended, never_ready, too_slow
from store.snapshot import Snapshot

LOG = "process.log"
GONE = "The result of this query has been removed to make room: run it again."
_REPOSITORY = Path(__file__).resolve().parents[2]
log = logging.getLogger("cellascent.query")


@dataclass(frozen=True)
class Outcome:
    """How a query ended: with an `error` (one sentence, `detail` shows where in the SQL), or with a result.

    Attributes:
        rows: of the result as kept for the downloads; `whole` says whether that is all of it.
        columns: (name, DuckDB type) each.
        shown_rows: how many of them the browser gets; `cells_cut`: there long texts and lists are cut.
        bytes: of the Parquet file.
        seconds: that the query took.
    """

    error: str | None = None
    detail: str | None = None
    rows: int = 0
    whole: bool = True
    columns: tuple[tuple[str, str], ...] = ()
    shown_rows: int = 0
    cells_cut: bool = False
    bytes: int = 0
    seconds: float = 0.0


class Query:
    """A query from its start on. All attributes may be read from any thread.

    Attributes:
        stage: "snapshot" (being taken), "waiting" (for its turn), "starting" (its process), "running", "done".
        snapshot: what it reads, from the stage "waiting" on.
        outcome: from the stage "done" on.
        gone: its result was removed, since later ones needed the room.
    """

    def __init__(self, sql: str, folder: Path, limits: Limits) -> None:
        self.sql, self.limits = sql, limits
        self.stage = "snapshot"
        self.snapshot: Snapshot | None = None
        self.outcome: Outcome | None = None
        self.gone = False
        self._folder = folder
        self._began = time.monotonic()
        self._cancelled = threading.Event()
        self._done = threading.Event()
        self._shown: pd.DataFrame | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # --- for everyone -----------------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds in the present stage."""
        return time.monotonic() - self._began

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """End it at once; a finished one stays as it is."""
        self._cancelled.set()
        self._kill()

    def discard(self) -> None:
        """End it, and remove its result."""
        self.cancel()
        self.gone, self._shown = True, None
        shutil.rmtree(self._folder, ignore_errors=True)

    def shown(self) -> pd.DataFrame:
        """The rows for the browser; not to be changed. Raises StoreError when the result is gone."""
        if self._shown is None:
            try:
                with pa.OSFile(str(self._folder / SHOWN)) as file:
                    self._shown = to_frame(pa.ipc.open_file(file).read_all())
            except OSError as error:
                raise StoreError(GONE) from error
        return self._shown

    def parquet(self) -> bytes:
        """The whole result as a Parquet file. Raises StoreError when the result is gone."""
        return self._read(WHOLE)

    def csv(self) -> bytes:
        """The whole result as CSV. Raises StoreError when the result is gone, or has a value that has no text."""
        file = self._folder / "result.csv"
        if not file.exists() and (self._folder / WHOLE).exists():
            fresh = self._folder / f"{threading.get_ident()}.csv"
            try:
                to_csv(self._folder / WHOLE, fresh)
            except duckdb.Error as error:
                first = str(error).strip().splitlines()[0]
                raise StoreError(f"The result cannot be written as CSV ({first}): take the Parquet file.") from error
            fresh.replace(file)
        return self._read(file.name)

    # --- the thread that runs it ------------------------------------------------------------------------------

    def enter(self, stage: str) -> None:
        self.stage, self._began = stage, time.monotonic()

    def finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.enter("done")
        self._done.set()
        if self.gone:  # discarded while its last files were written
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, snapshot: Snapshot) -> Outcome:
        """Start the process, wait for its answer or for the time limit, and say how it ended."""
        if self.cancelled:
            return Outcome(error=CANCELLED)
        self.enter("starting")
        self._folder.mkdir()
        with (self._folder / LOG).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "store.sandbox"], cwd=_REPOSITORY, env=_environment(self._folder),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._process = process
        if self.cancelled:  # between the look above and now
            self._kill()
        try:
            too_late = self._wait_for(process, snapshot)
        finally:
            self._kill()
            code = process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
        if self.cancelled:
            return Outcome(error=CANCELLED)
        return Outcome(error=too_late) if too_late else self._read_outcome(code)

    def _wait_for(self, process: subprocess.Popen[bytes], snapshot: Snapshot) -> str | None:
        """None when the process has ended by itself, else what it was too slow for."""
        assert process.stdin is not None
        assert process.stdout is not None
        request = {
            "sql": self.sql, "snapshot": str(snapshot.path), "folder": str(self._folder), "limits": asdict(self.limits)
        }  # fmt: skip
        with contextlib.suppress(OSError):  # it died at once; its exit code tells
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()  # and stays open: its end is the end of this process
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        if not ready:
            return never_ready(START_SECONDS)
        process.stdout.readline()
        self.enter("running")
        try:
            process.wait(self.limits.seconds)
        except subprocess.TimeoutExpired:
            return too_slow(self.limits)
        return None

    def _read_outcome(self, code: int) -> Outcome:
        try:
            facts: dict[str, Any] = json.loads((self._folder / "outcome.json").read_text())
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                log.warning("A query's process ended with %s: %s", code, (self._folder / LOG).read_text()[-2000:])
            return Outcome(error=ended(code, self.limits))
        facts["columns"] = tuple((name, kind) for name, kind in facts.get("columns", ()))
        return Outcome(**facts)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise StoreError(GONE) from error


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of this process's own: who queries has no business with it."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    # Arrow's own allocator reserves a GB at once, which would count against the process's bound.
    return kept | {
        "HOME": str(folder), "TZ": "UTC", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }  # fmt: skip
