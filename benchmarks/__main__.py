"""`python -m benchmarks`: every benchmark at a modest size, as one report of ratios."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import charts, latency, pages, reuse, training, writes
from benchmarks.large import Size
from benchmarks.measure import heading


def _training(data: Path | None, seed: int) -> str:
    options = training.Options(data=data, seed=seed)
    return training.report(options, training.measure(options))


def _reuse(_data: Path | None, seed: int) -> str:
    options = reuse.Options(seed=seed)
    return reuse.report(options, reuse.measure(options))


def _writes(_data: Path | None, seed: int) -> str:
    options = writes.Options(seed=seed)
    return writes.report(options, writes.measure(options))


def _pages(_data: Path | None, _seed: int) -> str:
    options = pages.Options(Size(trials=56, epochs=30), rounds=1, server_rounds=5)
    return pages.report(options, pages.measure(options))


def _charts(_data: Path | None, _seed: int) -> str:
    return charts.report(rounds=20)


def _latency(_data: Path | None, seed: int) -> str:
    options = latency.Options(images=10, rounds=2, seed=seed)
    return latency.report(options, latency.measure(options))


BENCHMARKS: dict[str, Callable[[Path | None, int], str]] = {
    "training": _training,
    "reuse": _reuse,
    "writes": _writes,
    "pages": _pages,
    "charts": _charts,
    "latency": _latency,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, help="run only this one; each has options of its own as a module")
    parser.add_argument("--data", type=Path, help="images for the training benchmark (default: sample cells)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    failed = False
    print(heading("CellAscent benchmarks", arguments.seed), flush=True)
    for name in [arguments.only] if arguments.only else BENCHMARKS:
        try:
            print("\n" + BENCHMARKS[name](arguments.data, arguments.seed), flush=True)
        except (ValueError, RuntimeError, OSError) as error:
            print(f"\n{name} could not be measured: {error}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
