"""A background job on a page: where it stands, whatever of it the store knows by now."""

from __future__ import annotations

import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.locks import try_lock
from pages.components.jobs import begin, standing
from store.journal import JournalWriter, journal_folder
from store.owner import shared

SCRIPT = "from pages.components.jobs import progress\nimport streamlit as st\nst.text(progress('audit', 'd-1'))\n"


def shown() -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60).run()
    assert not app.exception
    return app


def say(
    home: Path, status: str, *, seconds: float = 0, host: str = platform.node(), message: str | None = None
) -> None:
    """The last word of a job whose process is not there, `seconds` ago."""
    at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")
    journal = JournalWriter(journal_folder(home), "job-made-up", 1)
    journal.append(
        "job", at=at, job="audit", subject="d-1", status=status, stage="histogram", done=1, total=5, message=message,
        result=None, pid=2**22 + 1, host=host, started_at=at,
    )  # fmt: skip
    journal.close()


def test_nothing_is_drawn_where_there_was_no_job_and_where_one_ended_well_without_a_word(home: Path):
    assert (shown().text[0].value, len(shown().main.children)) == ("None", 1)
    with jobs.running(home, "audit", "d-1"):
        pass
    assert (shown().text[0].value, len(shown().main.children)) == ("COMPLETE", 1)


def test_a_running_job_shows_its_stage_and_cancel_reaches_it(home: Path):
    with jobs.running(home, "audit", "d-1") as job:
        job.tell("histogram", 2, 1500)
        job.record("RUNNING", None)
        app = shown()
        assert app.text[0].value == "RUNNING"
        assert app.get("progress")[0].proto.text.startswith("Histogram: 2 of 1,500 images, for ")
        app.button(key="cancel_audit_d-1").click().run()
        assert job.cancelled()
        assert app.button(key="cancel_audit_d-1").label == "Being cancelled"
        job.outcome = "Audited."
    assert [message.value for message in shown().success] == ["Audited."]


def test_a_job_that_holds_its_lock_runs_whatever_the_store_has_of_an_earlier_one(home: Path):
    say(home, "FAILED", message="Of yesterday.")
    assert standing("audit", "d-1")[0] == "FAILED"
    lock = try_lock(jobs._lock_file(home, "audit", "d-1"))  # it has begun, and said nothing yet
    assert lock is not None
    assert standing("audit", "d-1") == ("RUNNING", {})
    lock.release()
    assert standing("audit", "d-1")[0] == "FAILED"


def test_the_end_of_a_job_is_known_as_soon_as_it_has_ended(home: Path):
    for outcome in ("First.", "Second.", "Third."):
        with jobs.running(home, "audit", "d-1") as job:
            assert shared(home).catch_up(60)
            assert standing("audit", "d-1")[0] == "RUNNING"
            job.outcome = outcome
        status, row = standing("audit", "d-1")
        assert (status, row["message"]) == ("COMPLETE", outcome)


@pytest.mark.parametrize(
    ("status", "seconds", "host", "found", "words"),
    [
        ("FAILED", 0, platform.node(), "FAILED", "It broke."),
        ("STOPPED", 0, platform.node(), "STOPPED", "Cancelled."),
        ("RUNNING", 1, platform.node(), "RUNNING", ""),  # its last word is on the way
        ("RUNNING", 20, platform.node(), "LOST", "is gone"),
        ("RUNNING", 20, "elsewhere", "RUNNING", ""),  # whether it lives cannot be asked from here
        ("RUNNING", 60, "elsewhere", "LOST", "is gone"),
    ],
)
def test_how_it_ended(home: Path, status: str, seconds: float, host: str, found: str, words: str):
    say(home, status, seconds=seconds, host=host, message="It broke." if status == "FAILED" else None)
    app = shown()
    assert app.text[0].value == found
    assert words in " ".join(message.value for message in (*app.error, *app.info))


def test_a_start_that_is_refused_or_dies_at_once_is_told(home: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr("pages.components.jobs.st.toast", lambda text, **_: said.append(text))
    with jobs.running(home, "audit", "d-1"):
        assert not begin("audit", "d-1", [])
    assert "does this already" in said[-1]
    monkeypatch.setattr(jobs, "start", lambda *_: None)
    monkeypatch.setattr("pages.components.jobs.MOMENT", 0.0)
    assert not begin("audit", "d-2", [])
    assert "It ended before it could say anything" in said[-1]
    assert str(jobs.log_of(home, "audit", "d-2")) in said[-1]
