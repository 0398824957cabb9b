"""A whole search with and without reuse: epochs trained, time, and that both give the same numbers.

The searches are real ones on sample cells, through the real controller, each in a home of its own. How much the
published search would save is counted from its table (benchmarks.published).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.compare import decision_table, differences, epoch_table, told, trial_table, weights_table
from benchmarks.measure import cores, heading
from benchmarks.published import replay
from core.data.sample import make_sample
from core.paths import new_search_id
from core.search.controller import Controller
from core.search.settings import SearchSettings
from core.search.state import SearchState


@dataclass(frozen=True)
class Options:
    """The search to run twice."""

    backbone: str = "inception_v3"
    image_size: int = 75
    per_class: int = 12
    epochs: int = 5
    threads: int = field(default_factory=cores)
    seed: int = 0
    max_trials: int = 0


@dataclass(frozen=True)
class Run:
    """One finished search. `seconds` is the wall time of the whole of it."""

    home: Path
    state: SearchState
    seconds: float

    @property
    def asked(self) -> int:
        """Epochs that its trials have in all."""
        return sum(int(trial.fact["epochs"]) for trial in self.state.ordered())

    @property
    def trained(self) -> int:
        """Epochs that were trained, not taken over."""
        return self.asked - sum(int(trial.fact["reused_epochs"]) for trial in self.state.ordered())


@dataclass(frozen=True)
class Result:
    """Both runs, how they differ, and the count for the published search."""

    with_reuse: Run
    without: Run
    found: list[str]
    published: Run


def measure(options: Options) -> Result:
    """Run everything. Raises RuntimeError when a search does not complete."""
    with tempfile.TemporaryDirectory(prefix="cellascent-bench-") as folder:
        work = Path(folder)
        cells = make_sample(work / "cells", per_class=options.per_class, seed=options.seed)
        settings = SearchSettings(
            preset="quick", data=str(cells), backbone=options.backbone, weights="none", image_size=options.image_size,
            epochs=options.epochs, seed=options.seed, final_seeds=0, threads=options.threads,
            max_trials=options.max_trials, learning_rate=1e-3,  # 1e-2 learns nothing from so few images
        )  # fmt: skip
        settings.check()
        one = _run(work / "with", replace(settings, reuse="yes"))
        other = _run(work / "without", replace(settings, reuse="no"))
        published = Run(work / "published", replay(work / "published"), 0.0)
        return Result(one, other, _compare(one, other), published)


def report(options: Options, result: Result) -> str:
    """The result in words."""
    one, other, published = result.with_reuse, result.without, result.published
    return "\n".join(
        [
            f"reuse: a search of {len(one.state.trials)} trials on {5 * options.per_class} synthetic cells, "
            f"{options.backbone}, {options.image_size} px, from {options.epochs} epochs, threads: {options.threads}",
            f"  epochs trained   {one.trained} with reuse, {other.trained} without: {one.trained / other.trained:.2f}",
            f"  wall time        {one.seconds:.0f} s with reuse, {other.seconds:.0f} s without: "
            f"{one.seconds / other.seconds:.2f}",
            f"  losses, accuracies, decisions, per-class values, probabilities and weights of both: "
            f"{told(result.found)}",
            f"  published search, its Table 3 replayed: {published.trained} of {published.asked} epochs trained "
            f"in {len(published.state.trials)} trials  (target: 196 of 276)",
        ]
    )


def _run(home: Path, settings: SearchSettings) -> Run:
    started = time.perf_counter()
    controller = Controller(home, new_search_id(), settings)
    status = controller.run()
    seconds = time.perf_counter() - started
    if status != "COMPLETE":
        raise RuntimeError(f"The search ended {status}: {controller.state.event}")
    return Run(home, controller.state, seconds)


def _compare(one: Run, other: Run) -> list[str]:
    names = "with reuse", "without"
    a, b = one.state, other.state
    return [
        *differences(trial_table(a, with_reuse=False), trial_table(b, with_reuse=False), names),
        *differences(decision_table(a), decision_table(b), names),
        *differences(epoch_table(a), epoch_table(b), names),
        *differences(weights_table(one.home, a), weights_table(other.home, b), names),
    ]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reuse", description=__doc__)
    default = Options()
    parser.add_argument("--backbone", default=default.backbone)
    for name in ("image_size", "per_class", "epochs", "threads", "seed", "max_trials"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    options = Options(**vars(parser.parse_args(argv)))
    try:
        result = measure(options)
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(heading("Searching with and without reuse", options.seed) + "\n\n" + report(options, result))
    return 1 if result.found else 0


if __name__ == "__main__":
    sys.exit(main())
