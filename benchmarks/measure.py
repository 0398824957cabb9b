"""Summaries of interleaved rounds, and what a report says of the machine that made it."""

from __future__ import annotations

import platform
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from core.environment import code_version, processor
from core.search.settings import SearchSettings, thread_share

PACKAGES = (
    "torch", "torchvision", "timm", "numpy", "duckdb", "pyarrow", "streamlit", "mlflow-skinny", "SQLAlchemy",
    "tensorboardX", "tensorboard", "onnxruntime",
)  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some rounds."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Raises ValueError without values."""
        if not values:
            raise ValueError("There is nothing to summarise: no round was measured.")
        return Spread(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} (rounds {self.low:.3g} to {self.high:.3g})"


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Spread of the quotients round by round: what drifts between rounds cancels out.

    Raises ValueError when the rounds do not pair up, or a denominator is not positive.
    """
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} and {len(denominators)} rounds do not pair up.")
    if any(value <= 0 for value in denominators):
        raise ValueError("A measured denominator is not positive.")
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def percentile(values: Sequence[float], rank: float) -> float:
    """The value below which `rank` percent of the values lie (linear interpolation)."""
    return float(np.percentile(np.asarray(values, dtype=np.float64), rank))


def cores() -> int:
    """CPU cores that this process may use."""
    return thread_share(SearchSettings(), 1)


def heading(title: str, seed: int | None = None) -> str:
    """Date, machine, versions, seed and command of a report."""
    lines = [
        title,
        "=" * len(title),
        f"date      {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"machine   {processor()}, {cores()} cores, {platform.system()} {platform.machine()}",
        f"versions  Python {platform.python_version()}, code {code_version()}, {_versions()}",
        f"command   {command()}",
    ]
    if seed is not None:
        lines.insert(-1, f"seed      {seed}")
    return "\n".join(lines)


def command() -> str:
    """The command line that repeats this run."""
    main = sys.modules["__main__"].__spec__
    name = main.name.removesuffix(".__main__") if main else sys.argv[0]
    return shlex.join(["python", "-m", name, *sys.argv[1:]])


def _versions() -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def fixed_computation() -> float:
    """Seconds of a computation that is always the same: how fast the machine is at the moment."""
    started = time.perf_counter()
    sum(number * number % 7 for number in range(400_000))
    return time.perf_counter() - started
