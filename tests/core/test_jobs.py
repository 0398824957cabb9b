"""Background jobs: one of a kind on a subject, every end recorded, cancel, a process that is gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.data.dataset import DatasetError
from store import queries
from store.ingest import Ingestor
from tests.store.processes import Process
from tests.store.tools import empty_store


def state(home: Path) -> dict[str, Any]:
    connection = empty_store()
    Ingestor(connection, home).poll()
    (row,) = queries.jobs(connection.cursor()).to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_a_finished_job_tells_its_outcome_and_what_it_made(tmp_path: Path):
    with jobs.running(tmp_path, "import", "/data/cells") as job:
        job.tell("read images", 3, 4)
        assert jobs.job_pid(tmp_path, "import", "/data/cells") == os.getpid()
        assert state(tmp_path)["status"] == "RUNNING"
        job.outcome, job.result = "4 images read.", "d-1"
    row = state(tmp_path)
    assert (row["status"], row["message"], row["result"]) == ("COMPLETE", "4 images read.", "d-1")
    assert (row["stage"], row["done"], row["total"], row["lost"]) == ("read images", 3, 4, False)
    assert jobs.job_pid(tmp_path, "import", "/data/cells") is None


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            DatasetError("The folder is empty; put images into it."),
            "FAILED",
            "The folder is empty; put images into it.",
        ),
        (OSError("No space left"), "FAILED", "No space left"),
        (RuntimeError("oh"), "FAILED", "An error of the program (RuntimeError: oh); its log has the details."),
        (jobs.JobCancelled(), "STOPPED", "cancelled by the person"),
        (KeyboardInterrupt(), "STOPPED", "cancelled by the person"),
    ],
)
def test_an_end_that_is_no_success_is_recorded_and_goes_on(
    tmp_path: Path, error: BaseException, status: str, message: str
):
    with pytest.raises(type(error)), jobs.running(tmp_path, "audit", "d-1"):
        raise error
    assert (state(tmp_path)["status"], state(tmp_path)["message"]) == (status, message)


def test_one_job_of_a_kind_on_a_subject_at_a_time(tmp_path: Path):
    with jobs.running(tmp_path, "audit", "d-1"):
        with (
            pytest.raises(jobs.JobError, match=f"Process {os.getpid()} does this already"),
            jobs.running(tmp_path, "audit", "d-1"),
        ):
            pass
        with jobs.running(tmp_path, "audit", "d-2"), jobs.running(tmp_path, "robustness", "d-1"):
            pass


def test_who_only_looks_does_not_keep_a_job_from_beginning(tmp_path: Path):
    file = jobs._lock_file(tmp_path, "audit", "d-1")
    file.parent.mkdir(parents=True)
    looking = os.open(file, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)  # as `core.locks.holder` does for a moment
    threading.Timer(0.03, os.close, [looking]).start()
    with jobs.running(tmp_path, "audit", "d-1"):
        assert jobs.job_pid(tmp_path, "audit", "d-1") == os.getpid()


def test_cancel_reaches_a_running_job_and_is_forgotten_by_the_next(tmp_path: Path):
    with pytest.raises(jobs.JobError, match="Nothing does this now"):
        jobs.cancel(tmp_path, "audit", "d-1")
    with contextlib.suppress(jobs.JobCancelled), jobs.running(tmp_path, "audit", "d-1") as job:
        assert not job.cancelled()
        jobs.cancel(tmp_path, "audit", "d-1")
        job.leave_if_cancelled()
    assert state(tmp_path)["status"] == "STOPPED"
    with jobs.running(tmp_path, "audit", "d-1") as job:
        assert not job.cancelled()


def test_a_job_that_is_still_to_begin_counts_and_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0.0)
    jobs.start(tmp_path, "import", str(tmp_path / "cells"), ["data", str(tmp_path / "cells"), "--import"])
    assert jobs.job_pid(tmp_path, "import", str(tmp_path / "cells")) is not None
    with pytest.raises(jobs.JobError, match="does this already"):
        jobs.start(tmp_path, "import", str(tmp_path / "cells"), [])
    jobs.cancel(tmp_path, "import", str(tmp_path / "cells"))
    assert jobs.cancelling(tmp_path, "import", str(tmp_path / "cells"))
    while jobs.job_pid(tmp_path, "import", str(tmp_path / "cells")) is not None:
        time.sleep(0.05)
    assert not jobs.cancelling(tmp_path, "import", str(tmp_path / "cells"))


HANGS = """
import sys, time
from pathlib import Path
from core import jobs

with jobs.running(Path(sys.argv[1]), "audit", "d-1"):
    print("begun", flush=True)
    time.sleep(60)
"""


def test_a_killed_job_frees_its_place_and_the_next_one_has_the_last_word(tmp_path: Path):
    process = Process(HANGS, tmp_path)
    assert process.line() == "begun"
    process.end()
    assert jobs.job_pid(tmp_path, "audit", "d-1") is None
    with jobs.running(tmp_path, "audit", "d-1") as job:
        job.outcome = "done"
    assert (state(tmp_path)["status"], state(tmp_path)["message"]) == ("COMPLETE", "done")


def test_a_start_in_the_background_fails_with_a_sentence_in_its_log(tmp_path: Path):
    jobs.start(tmp_path, "audit", "nowhere", ["data", str(tmp_path / "nowhere")])
    for _ in range(1200):
        log = jobs.log_of(tmp_path, "audit", "nowhere").read_text()
        if "There is nothing at" in log:
            break
        time.sleep(0.05)
    assert "There is nothing at" in log
