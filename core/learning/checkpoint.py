"""Checkpoints: the learner's state after a whole epoch, with the journal records of all epochs so far.

The records travel with the state, so that a trial that resumes or continues can journal any epoch that a crash kept
from the record (the checkpoint is durable first). The JSON beside it is what `core.learning.reuse` reads.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch

from core.learning.learner import Learner
from core.learning.reuse import KEY, STATE
from store.journal import write_durably

History = list[dict[str, Any]]


def save(folder: Path, learner: Learner, history: History, key: dict[str, Any]) -> None:
    """Write the state after `len(history)` epochs durably: temporary name, fsync, rename."""
    buffer = io.BytesIO()
    torch.save(learner.state_dict() | {"history": json.dumps(history)}, buffer)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / STATE, buffer.getbuffer())
    write_durably(folder / KEY, json.dumps({"key": key, "epochs": len(history)}).encode())


def load(folder: Path, learner: Learner) -> History:
    """Put the saved state into the learner and return the records of the epochs that it covers.

    Raises OSError, RuntimeError, ValueError or KeyError when the file cannot be read or does not fit.
    """
    state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    learner.load_state_dict(state)
    history: History = json.loads(state["history"])
    return history
