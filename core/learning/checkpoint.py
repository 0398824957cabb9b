"""Checkpoints: model and optimiser after a whole epoch, with the journal records of all epochs so far.

The records travel with the state, so that a trial that resumes or continues can journal any epoch that a crash kept
from the record (the checkpoint is durable first). The JSON beside it is what `core.learning.reuse` reads.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.learning.reuse import KEY, STATE
from store.journal import write_durably

History = list[dict[str, Any]]


def save(
    folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, history: History, key: dict[str, Any]
) -> None:
    """Write the state after `len(history)` epochs durably: temporary name, fsync, rename."""
    buffer = io.BytesIO()
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "history": json.dumps(history)}
    torch.save(state, buffer)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / STATE, buffer.getbuffer())
    write_durably(folder / KEY, json.dumps({"key": key, "epochs": len(history)}).encode())


def load(folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> History:
    """Put the saved state into model and optimiser and return the records of the epochs that it covers.

    Raises OSError, RuntimeError or ValueError when the file cannot be read or does not fit.
    """
    state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    history: History = json.loads(state["history"])
    return history
