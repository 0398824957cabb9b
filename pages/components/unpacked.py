"""JSON objects of the store as dictionaries."""

from __future__ import annotations

import json
from typing import Any

from pages.charts.wording import missing


def unpacked(value: Any) -> dict[str, Any]:
    """A JSON object of the store; empty where it is missing or no object."""
    if isinstance(value, dict):
        return value
    loaded = {} if missing(value) else json.loads(str(value))
    return loaded if isinstance(loaded, dict) else {}
