"""Confidence intervals of shares, and the form in which every figure with an interval is handed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scipy.stats import binomtest


@dataclass(frozen=True)
class Estimate:
    """A figure in [0, 1], its interval (NaN where it is unknown), and the method of the interval in words."""

    value: float
    low: float
    high: float
    method: str


@lru_cache(maxsize=8192)  # live pages ask for the same intervals again and again
def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share, as (low, high) in [0, 1]; (0, 1) when n is 0 and nothing is known.

    References: E. B. Wilson, JASA 22 (1927) 209-212.
    Raises ValueError when successes does not lie in 0..n.
    """
    return _interval(successes, n, level, "wilson")


@lru_cache(maxsize=8192)
def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share, as (low, high) in [0, 1]; (0, 1) when n is 0 and nothing is known.

    It covers at least `level` at every n; of n successes out of n its lower end is ((1 - level) / 2) ** (1 / n).

    References: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413.
    Raises ValueError when successes does not lie in 0..n.
    """
    return _interval(successes, n, level, "exact")


def _interval(successes: int, n: int, level: float, method: str) -> tuple[float, float]:
    successes, n = int(successes), int(n)
    if n == 0 and successes == 0:
        return 0.0, 1.0
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are impossible; give between 0 and n.")
    interval = binomtest(successes, n).proportion_ci(confidence_level=level, method=method)  # type: ignore[arg-type]
    return float(interval.low), float(interval.high)
