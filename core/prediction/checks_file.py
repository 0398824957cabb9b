"""The limits of a model's image checks, durably beside its weights: checks.json."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

from core.learning.settings import ModelError
from core.prediction.quality import Limits
from store.journal import write_durably

FILE: Final = "checks.json"


def save_limits(folder: Path, weights_sha256: str, limits: Limits) -> None:
    """Write them durably, for these weights: their training images, at their size."""
    write_durably(folder / FILE, json.dumps({"weights_sha256": weights_sha256, "limits": limits.to_json()}).encode())


def whole_limits(folder: Path, weights_sha256: str) -> Limits | None:
    """`load_limits`, with None for what cannot be used either."""
    with contextlib.suppress(ModelError):
        return load_limits(folder, weights_sha256)
    return None


def load_limits(folder: Path, weights_sha256: str) -> Limits | None:
    """What `save_limits` wrote; None where there is nothing. Raises ModelError for what cannot be used."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_text())
        if data["weights_sha256"] == weights_sha256:
            return Limits.from_json(data["limits"])
        why = "was made for other weights than those beside it"
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        why = "cannot be read"
    raise ModelError(f"{file} {why}; make it anew with python -m core calibrate.")
