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


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images: CELLASCENT_REAL_DATA, or ../shared/data beside the project; skips where absent."""
    folder = Path(os.environ.get("CELLASCENT_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set CELLASCENT_REAL_DATA to their folder")
    return folder
