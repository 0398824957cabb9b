"""`python -m core scope`: fit a trial's out-of-scope score and judge it, in the terminal or started by a page."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.foreground import foreground, telling
from core.progress_line import ProgressLine

if TYPE_CHECKING:  # SciPy, scikit-learn and what follows them take a second, which no other command waits for
    from core.evaluation.scoping import Known

Tell = Callable[[str, int, int], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--trial", help="the id of a finished trial")
    which.add_argument("--search", help="the model of this search, or its best trial where it has none")
    parser.add_argument(
        "--out-of-scope",
        metavar="DIR|DATASET",
        help="images that show none of the classes (a folder, zip, .npz, or the id of a data set); without: only fit",
    )
    parser.add_argument("--alpha", type=float, default=0.05, help="flag an image whose p-value is at most this")


def run(arguments: argparse.Namespace) -> int:
    """Fit, judge, record, print; the exit code (0: done, 130: cancelled). Raises ValueError, one sentence."""
    from core import jobs
    from core.data.dataset import describe
    from core.data.importing import held_out_data
    from core.evaluation.robustness import trial_of
    from core.evaluation.scope_summary import check_alpha
    from core.evaluation.scoping import KIND, checked, measure
    from core.search.ingest import KeepIngesting

    home: Path = arguments.home
    alpha = check_alpha(arguments.alpha)
    trial_id = trial_of(home, arguments.trial or arguments.search)
    checked(home, trial_id)  # before a folder is read for minutes
    line = ProgressLine()

    def work() -> int:
        with KeepIngesting(home), jobs.running(home, KIND, trial_id) as job:
            tell = telling(job, line)
            outside = arguments.out_of_scope
            if outside is not None:
                outside = held_out_data(home, str(outside), tell, job.cancelled, lambda found: print(describe(found)))
            found = measure(home, trial_id, job, outside, tell)
            job.outcome, job.result = _outcome(found), outside
        line.close()
        print(described(home, found, alpha, outside))
        print(job.outcome)
        return 0

    return foreground(work, line, "Cancelled. What was done is kept; run it again to go on.")


def described(home: Path, found: Known, alpha: float, outside: str | None = None) -> str:
    """What the score says of a set out of scope, or of all that are recorded, for the terminal."""
    from core.data import external
    from core.evaluation.scope import LABELS, METHODS
    from core.evaluation.scope_summary import NOT_KNOWN, USED, level_words, verdict

    fitted = found.fitted
    lines = [
        f"{found.trial_id}: fitted on {fitted['n_train']:,} training images, {fitted['n_features']:,} features. "
        f"{level_words(found.scope.n, alpha)}"
    ]
    results = found.results if outside is None else {outside: found.results[outside]}
    for outside_id, result in results.items():
        name = external.described(home, outside_id).name
        lines.append(f"\n{len(result['image_ids']):,} images out of scope: {name} ({outside_id}), {USED}")
        for method in METHODS:
            said = verdict(
                fitted[f"calibration_{method}"], fitted[f"test_{method}"], result[method], result["classes"], alpha
            )
            width = max(len(one.name) for one in said.classes)
            area = said.area
            told = (
                "no test images, so no area under the ROC curve" if area is None
                else f"AUROC {area.value:.4f} (95 % {area.low:.4f} to {area.high:.4f}, {area.method})"
            )  # fmt: skip
            lines += [
                f"{LABELS[method]}: {told}",
                f"  flagged at p <= {alpha:g}: {said.flagged.words()}",
                f"  false alarms on test: {said.alarms.words()}",
                *(f"    {one.name:<{width}}  {one.words()}" for one in said.classes),
            ]
    return "\n".join([*lines, *([NOT_KNOWN] if results else [])])


def _outcome(found: Known) -> str:
    if not found.new:
        return "Nothing was left to do: the score is fitted, and the set has been read."
    sets = len(found.results)
    if not sets:
        return "The score is fitted; give images that show none of the classes to see what it finds."
    return f"The score is fitted and judged by {sets} set{'s' * (sets != 1)} out of scope."
