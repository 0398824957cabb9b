"""Confidence intervals of shares."""

from __future__ import annotations

from functools import lru_cache

from scipy.stats import binomtest


@lru_cache(maxsize=8192)  # live pages ask for the same intervals again and again
def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share, as (low, high) in [0, 1]; (0, 1) when n is 0 and nothing is known.

    References: E. B. Wilson, JASA 22 (1927) 209-212.
    Raises ValueError when successes does not lie in 0..n.
    """
    successes, n = int(successes), int(n)
    if n == 0 and successes == 0:
        return 0.0, 1.0
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are impossible; give between 0 and n.")
    interval = binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)
