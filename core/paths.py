"""Where everything lies below the home folder, and how ids are made."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path


def default_home() -> Path:
    """CELLASCENT_HOME, or ./var."""
    return Path(os.environ.get("CELLASCENT_HOME") or "var").absolute()


def new_search_id() -> str:
    """A new id that sorts by the time it was made."""
    return f"s-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def trial_name(trial_id: str) -> str:
    """The part of a trial id after its search's."""
    return trial_id.partition(".")[2]


def trial_folder(home: Path, trial_id: str) -> Path:
    return home / "trials" / trial_id


def search_folder(home: Path, search_id: str) -> Path:
    return home / "searches" / search_id


def search_lock(home: Path, search_id: str) -> Path:
    return search_folder(home, search_id) / "lock"


def trial_lock(home: Path, trial_id: str) -> Path:
    return trial_folder(home, trial_id) / "lock"


def log_file(home: Path, search_id: str, name: str) -> Path:
    """The log of the controller ("controller") or of one trial (its name)."""
    return home / "logs" / search_id / f"{name}.log"


def dataset_file(home: Path, dataset_id: str) -> Path:
    return home / "datasets" / f"{dataset_id}.json"
