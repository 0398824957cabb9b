"""`make soak`: whether a search comes to the same when its processes are killed with -9 again and again.

A search on synthetic sample cells runs once undisturbed and once, in another home, while controller, workers and app
are killed at random moments and started again. If it ends before there were enough kills, the next seed's search
follows, with its own twin. In the end journals, store (as it was filled live, and made anew) and weights must be equal
to the undisturbed ones, to the last bit. How often each kind is killed and when is drawn from the seed; where in its
work a process is hit then depends on the machine.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.compare import told
from benchmarks.disturb import Disturber, Kills, undisturbed
from benchmarks.house import KINDS, House
from benchmarks.measure import cores, heading
from benchmarks.verify import journal_problems, state_of, store_problems
from core.paths import new_search_id
from core.search.arguments import to_arguments
from core.search.settings import SAMPLE, SearchSettings, preset
from core.search.tables import table3


@dataclass(frozen=True)
class Options:
    """What to run. `spacing` 0: a trial's time, as the undisturbed run shows it; `limit` is in minutes."""

    kills: int = 40
    seed: int = 0
    backbone: str = "inception_v3"
    image_size: int = 75
    per_class: int = 12
    epochs: int = 2
    threads: int = field(default_factory=cores)
    max_trials: int = 0
    spacing: float = 0.0
    limit: float = 60.0

    def search(self, seed: int) -> SearchSettings:
        """The settings of the search of one seed. Raises SettingsError when they are unusable."""
        settings = replace(
            preset("quick"), data=SAMPLE, name=f"soak, seed {seed}", backbone=self.backbone, weights="none",
            image_size=self.image_size, per_class=self.per_class, epochs=self.epochs, threads=self.threads,
            max_trials=self.max_trials, final_seeds=1, seed=seed, learning_rate=1e-3,  # 1e-2 learns nothing so quickly
        )  # fmt: skip
        settings.check()
        return settings


@dataclass
class Outcome:
    """What came of a soak: `checks` maps each comparison to the differences that it found."""

    kills: Kills
    checks: dict[str, list[str]] = field(default_factory=dict)
    searches: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    undisturbed_seconds: float = 0.0
    disturbed_seconds: float = 0.0
    apps_answered: int = 0

    @property
    def passed(self) -> bool:
        enough = self.kills.reached and min(self.kills.counts.values()) >= self.kills.least
        return enough and not any(self.checks.values())


def soak(options: Options, folder: Path) -> Outcome:
    """Run twins and kills in two new homes below the folder, then compare everything."""
    rng = random.Random(options.seed)
    outcome = Outcome(Kills(options.kills, rng))
    deadline = time.monotonic() + 60 * options.limit
    calm, house = House(folder / "undisturbed"), House(folder / "disturbed")
    try:
        disturber: Disturber | None = None
        while not outcome.kills.reached and not any(outcome.checks.values()):
            seed = options.seed + len(outcome.searches)
            settings, search_id = options.search(seed), new_search_id()
            arguments = ["--search-id", search_id, *to_arguments(settings)]
            outcome.searches.append(search_id)
            _say(f"search {search_id}, seed {seed}: undisturbed")
            seconds, problems = undisturbed(calm, search_id, arguments, deadline)
            outcome.undisturbed_seconds += seconds
            outcome.checks[f"{search_id}: undisturbed"] = problems
            if problems:
                break
            n_trials = len(state_of(calm.home, search_id).trials)
            _say(f"{n_trials} trials in {seconds:.0f} s; now disturbed")
            disturber = disturber or Disturber(house, outcome.kills, options.spacing or seconds / n_trials, _say)
            started = time.monotonic()
            outcome.checks[f"{search_id}: ran to its end"] = disturber.run(search_id, arguments, deadline)
            outcome.disturbed_seconds += time.monotonic() - started
            outcome.checks[f"{search_id}: journals and weights"] = journal_problems(calm.home, house.home, search_id)
            outcome.tables.append(table3(state_of(house.home, search_id)))
            shutil.rmtree(
                calm.home / "trials", ignore_errors=True
            )  # compared: half the disk is free for the next search
        if disturber is not None:
            outcome.apps_answered = disturber.apps_answered
            _check_store(outcome, disturber, calm.home, house)
    finally:
        calm.close()
        house.close()
    return outcome


def report(options: Options, outcome: Outcome) -> str:
    """The outcome in words."""
    kills = outcome.kills
    by_kind = ", ".join(f"{kind} {kills.counts[kind]}" for kind in KINDS)
    lines = [
        f"{options.backbone}, {options.image_size} px, {options.per_class} synthetic cells a class, from "
        f"{options.epochs} epochs, threads: {options.threads}",
        f"  kills with -9      {kills.total} of {kills.target} ({by_kind}; at least {kills.least} each)",
        f"  app starts that answered: {outcome.apps_answered}",
        f"  searches           {len(outcome.searches)}",
        f"  wall time          {outcome.undisturbed_seconds:.0f} s undisturbed, {outcome.disturbed_seconds:.0f} s "
        "disturbed",
    ]
    lines += [f"  {name}: {'as it should' if not found and _is_run(name) else told(found)}"
              for name, found in outcome.checks.items()]  # fmt: skip
    for search_id, table in zip(outcome.searches, outcome.tables, strict=False):
        lines += ["", f"search {search_id}, as the disturbed run left it:", table]
    return "\n".join([*lines, "", f"verdict: {'PASSED' if outcome.passed else 'FAILED'}"])


def _is_run(name: str) -> bool:
    return name.endswith(("undisturbed", "its end", "well", "store check"))


def _check_store(outcome: Outcome, disturber: Disturber, twin: Path, house: House) -> None:
    """The store as the app filled it, then made anew: each against the twins' journals, and by its own check."""
    _say("the searches are over; the store is checked")
    outcome.checks["the app ended well"] = [problem for problem in [*disturber.settle(), house.stop_app()] if problem]
    house.stop_ingest()
    for name in ("filled live", "made anew"):
        if name == "made anew":
            code, words = house.store("rebuild")
            outcome.checks["store rebuilt well"] = [] if code == 0 else [words.strip()]
        code, words = house.store("check")
        told_lines = [line for line in words.splitlines() if "DIFFERS" in line or "DAMAGED" in line or "GONE" in line]
        found = [] if code == 0 else told_lines or [words.strip()[-300:]]
        outcome.checks[f"store {name}: python -m core store check"] = found
        for search_id in outcome.searches:
            found = store_problems(twin, house.home, search_id)
            outcome.checks[f"store {name}: trials and epochs of {search_id}"] = found


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    default = Options()
    parser.add_argument("--backbone", default=default.backbone)
    for name in ("kills", "seed", "image_size", "per_class", "epochs", "threads", "max_trials"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    parser.add_argument("--spacing", type=float, default=0.0, help="seconds between kills (default: a trial's time)")
    parser.add_argument("--limit", type=float, default=default.limit, help="give up after so many minutes")
    options = Options(**vars(parser.parse_args(argv)))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended too
    folder = Path(tempfile.mkdtemp(prefix="cellascent-soak-"))
    os.environ["CELLASCENT_AUDIT"] = "off"  # what runs beside a search would take its processor, not its records
    try:
        options.search(options.seed)
        outcome = soak(options, folder)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    finally_told = f"{heading('Soak: killed with -9 at random', options.seed)}\n\n{report(options, outcome)}"
    print("\n" + finally_told, flush=True)
    if outcome.passed:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    print(f"Both homes are kept in {folder}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
