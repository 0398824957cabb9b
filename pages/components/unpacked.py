"""JSON objects of the store as dictionaries, and what a search's settings say of its method."""

from __future__ import annotations

import json
from typing import Any

from core.search.settings import EVERY
from pages.charts.wording import missing


def unpacked(value: Any) -> dict[str, Any]:
    """A JSON object of the store; empty where it is missing or no object."""
    if isinstance(value, dict):
        return value
    loaded = {} if missing(value) else json.loads(str(value))
    return loaded if isinstance(loaded, dict) else {}


def climbs(search: dict[str, Any]) -> bool:
    """Whether a search goes a way through its space, and does not just train every point of a list."""
    return unpacked(search["settings"]).get("method") != EVERY
