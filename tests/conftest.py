"""Fixtures that more than one test folder uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("tests", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("tests")
os.environ["CELLASCENT_AUDIT"] = "off"  # no search of a test leaves an audit behind; the audit's own tests start theirs

LONGEST = (
    "tests/browser/test_walk.py", "tests/test_command_line.py", "tests/browser/", "tests/core/learning/test_worker.py",
    "tests/core/search/test_extra_training.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left alone with one of them at the end."""
    items.sort(key=lambda item: next((at for at, name in enumerate(LONGEST) if item.nodeid.startswith(name)), 99))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images: CELLASCENT_REAL_DATA, or ../shared/data beside the project; skips where absent."""
    folder = Path(os.environ.get("CELLASCENT_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set CELLASCENT_REAL_DATA to their folder")
    return folder
