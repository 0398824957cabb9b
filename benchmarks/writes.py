"""Milliseconds to write one epoch, and until a reader sees it: ours, MLflow on SQLite, tensorboardX.

One epoch is what a training of the published size says of it: loss, accuracy, and per-class counts, losses and AUCs
of train and val; ours also writes the 225 validation probabilities. Each round writes one epoch to each tool, in an
order that rotates, and waits until a reader of that tool sees it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.epochs import epoch_payload, scalars
from benchmarks.measure import heading, percentile, ratios
from benchmarks.trackers import Journal, MlflowSqlite, TensorboardX, Tracker

WARM_UP = 3  # rounds: first calls import, create tables and fill caches
GIVE_UP_SECONDS = 30.0

PEERS: tuple[Callable[[Path], Tracker], ...] = (
    MlflowSqlite,
    lambda folder: MlflowSqlite(folder, wal=True),
    TensorboardX,
)


@dataclass(frozen=True)
class Options:
    """How many epochs to write, and where: `folder` None is the system's folder for temporary files."""

    epochs: int = 100
    seed: int = 0
    folder: Path | None = None


@dataclass
class Timing:
    """Milliseconds of one tool, a value a round. `seen` counts from the start of the write; empty without a reader."""

    name: str
    note: str
    written: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """Timings, ours first; tools that are not installed, with the reason; the disk that was written to."""

    timings: list[Timing]
    missing: list[str]
    disk: str


def measure(options: Options) -> Result:
    """Write and read. Raises RuntimeError when an epoch does not become visible, ValueError without epochs."""
    if options.epochs < 1:
        raise ValueError(f"epochs is {options.epochs}; it must be at least 1.")
    folder = Path(tempfile.mkdtemp(prefix="cellascent-bench-", dir=options.folder))
    trackers: list[Tracker] = [Journal(folder / "ours")]
    missing = []
    try:
        for number, make in enumerate(PEERS):
            try:
                trackers.append(make(folder / f"peer-{number}"))
            except ImportError as error:
                missing.append(f"{error.name or error} is not installed (pip install -r requirements-bench.txt)")
        timings = [Timing(tracker.name, tracker.note) for tracker in trackers]
        pairs = list(zip(trackers, timings, strict=True))
        for epoch in range(1, WARM_UP + options.epochs + 1):
            turn = epoch % len(pairs)
            for tracker, timing in pairs[turn:] + pairs[:turn]:
                _one(tracker, timing, epoch, options.seed)
        return Result(timings, list(dict.fromkeys(missing)), _disk(folder))
    finally:
        for tracker in trackers:
            tracker.close()
        shutil.rmtree(folder, ignore_errors=True)


def report(options: Options, result: Result) -> str:
    """The result in words."""
    n_scalars = len(scalars(epoch_payload(1)))
    lines = [
        f"writing an epoch ({n_scalars} metrics): {options.epochs} epochs to each tool, {result.disk}",
        f"  {'milliseconds':<14} {'written':>9} {'p99':>9} {'visible':>9} {'p99':>9}",
    ]
    for timing in result.timings:
        seen = (
            [f"{statistic(timing.seen):>9.2f}" for statistic in (_median, _p99)] if timing.seen else [f"{'-':>9}"] * 2
        )
        lines.append(
            f"  {timing.name:<14} {_median(timing.written):>9.2f} {_p99(timing.written):>9.2f} {' '.join(seen)}"
        )
    ours = result.timings[0]
    for timing in result.timings[1:]:
        line = f"  {timing.name} / ours: written {ratios(timing.written, ours.written)}"
        line += f", visible {ratios(timing.seen, ours.seen)}" if timing.seen else ""
        lines.append(line + ("  (target: 10 written)" if timing.name == "MLflow" else ""))
    lines += [f"  {timing.name}: {timing.note}" for timing in result.timings]
    return "\n".join(lines + [f"  left out: {reason}" for reason in result.missing])


def _one(tracker: Tracker, timing: Timing, epoch: int, seed: int) -> None:
    payload = epoch_payload(epoch, seed)
    started = time.perf_counter()
    tracker.write(payload)
    written = time.perf_counter()
    while tracker.can_read and not tracker.visible(epoch):
        if time.perf_counter() - written > GIVE_UP_SECONDS:
            raise RuntimeError(f"{tracker.name}: epoch {epoch} was not visible within {GIVE_UP_SECONDS:.0f} s.")
    seen = time.perf_counter()
    if epoch > WARM_UP:
        timing.written.append(1000 * (written - started))
        if tracker.can_read:
            timing.seen.append(1000 * (seen - started))


def _median(values: list[float]) -> float:
    return percentile(values, 50)


def _p99(values: list[float]) -> float:
    return percentile(values, 99)


def _disk(folder: Path) -> str:
    """The file system below a folder, since an fsync costs what it asks of it."""
    resolved = folder.resolve()
    homes = [part for part in psutil.disk_partitions(all=True) if resolved.is_relative_to(part.mountpoint)]
    kind = max(homes, key=lambda part: len(part.mountpoint)).fstype if homes else "unknown"
    return f"file system {kind}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writes", description=__doc__)
    default = Options()
    parser.add_argument("--epochs", type=int, default=default.epochs, help="epochs that are written to each tool")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--folder", type=Path, help="existing folder on the disk to measure (default: the system's)")
    options = Options(**vars(parser.parse_args(argv)))
    try:
        result = measure(options)
    except (ValueError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(heading("Writing an epoch and seeing it", options.seed) + "\n\n" + report(options, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
