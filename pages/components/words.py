"""Ages and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from pages.charts.wording import missing


def age(moment: Any, now: datetime | None = None) -> float | None:
    """Seconds since a UTC time of the store; None when there is none."""
    if missing(moment):
        return None
    then = pd.Timestamp(moment)
    then = then.tz_localize(UTC) if then.tzinfo is None else then
    return max(0.0, float((pd.Timestamp(now or datetime.now(UTC)) - then).total_seconds()))


def span(seconds: float | None) -> str:
    """'3 s', '5 min', '2.5 h', '4 d'; '–' when unknown."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} d"


def size(number: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
