"""Which checkpoints may be continued. No torch here: the controller asks too."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

STATE = "checkpoint.pt"
KEY = "checkpoint.json"
TROUBLE = os.EX_IOERR  # exit code of a worker that cannot go on for now: the controller stops the search and says why


def continuable(folder: Path, key: dict[str, Any]) -> int:
    """Epochs of the checkpoint in `folder` if a run with this key may continue it, else 0."""
    try:
        described = json.loads((folder / KEY).read_text())
    except (OSError, ValueError):
        return 0
    return int(described["epochs"]) if described["key"] == key and (folder / STATE).exists() else 0


def of_another_run(folder: Path, key: dict[str, Any]) -> bool:
    """Whether the folder holds a checkpoint that a run with this key may not continue."""
    return (folder / KEY).exists() and not continuable(folder, key)


def drop(folder: Path) -> bool:
    """Remove the optimiser state of a trial that nothing can continue any more; its weights stay. Was there one?"""
    there = (folder / STATE).exists()
    for name in (KEY, STATE):  # first what vouches for it
        (folder / name).unlink(missing_ok=True)
    return there


def bytes_taken(folder: Path) -> int:
    """The disk that a trial's checkpoint and weights take."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
