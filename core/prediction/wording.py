"""Shares in words, for people: nothing uncertain printed as certain, nothing that is vouched for rounded up."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """A probability as '12.3%'; what is no certainty is not printed as one."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


def at_least(share: float) -> str:
    """What is vouched for, as '97.5%': never rounded up."""
    return f"{math.floor(1000 * share + 1e-9) / 10:.1f}%"
