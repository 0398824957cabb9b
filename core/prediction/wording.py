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


def share(right: int, n: int, low: float, high: float) -> str:
    """'222 of 225 (98.7 %; 95 % interval 96.2 to 99.5 %)'."""
    if not n:
        return "no images"
    return f"{right:,} of {n:,} ({100 * right / n:.1f} %; 95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
