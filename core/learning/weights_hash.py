"""The hash of a trial's weights, by which what was made for them is recognised. No torch here."""

from __future__ import annotations

import json
from pathlib import Path

from core.learning.settings import ModelError


def weights_hash(folder: Path) -> str:
    """SHA-256, hex, of the weights in a trial's folder, as their JSON says. Raises ModelError where there are none."""
    try:
        return str(json.loads((folder / "weights.json").read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"There are no usable weights in {folder}; only a trial that has finished has them."
        ) from error
