"""A job at a terminal: every end is an exit code and at most one sentence."""

from __future__ import annotations

import pytest

from core.data.dataset import DatasetError, ScanCancelled
from core.foreground import CANCELLED, foreground
from core.jobs import JobCancelled
from core.progress_line import ProgressLine


def doing(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize("error", [JobCancelled(), ScanCancelled("gone"), KeyboardInterrupt()])
def test_a_cancelled_job_says_what_is_kept(error: BaseException, capsys: pytest.CaptureFixture[str]):
    assert foreground(lambda: doing(error), ProgressLine(), "Cancelled; all is kept.") == CANCELLED
    assert capsys.readouterr().err == "Cancelled; all is kept.\n"


def test_a_full_disk_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert foreground(lambda: doing(OSError(28, "No space left on device")), ProgressLine(), "") == 1
    assert capsys.readouterr().err == "[Errno 28] No space left on device\n"


def test_what_a_person_can_mend_goes_on_to_the_caller():
    with pytest.raises(DatasetError, match="no images"):
        foreground(lambda: doing(DatasetError("There are no images.")), ProgressLine(), "")


def test_the_work_says_the_exit_code(capsys: pytest.CaptureFixture[str]):
    assert foreground(lambda: 3, ProgressLine(), "") == 3
    assert capsys.readouterr().err == ""
