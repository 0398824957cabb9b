"""`python -m core external`: judge final models by images from elsewhere, in the terminal or started by a page."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import jobs
from core.data.dataset import LISTED, Dataset, describe
from core.data.external import ExternalError, compare_registered, described, fit, register_external, remove_external
from core.data.importing import import_data
from core.data.pairs import NEAR
from core.data.shared import compare, compared
from core.data.sources import told_sources
from core.evaluation.external import KIND, Pair, finished_on, judge, recorded
from core.foreground import foreground, telling
from core.paths import trial_name
from core.progress_line import ProgressLine
from core.search.ingest import KeepIngesting
from core.search.state import SearchState
from store.journal import Record

if TYPE_CHECKING:
    from core.evaluation.elsewhere import Outcome

REMARK = "reported, never used to choose"
Tell = Callable[[str, int, int], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--of", metavar="DATASET|SEARCH", help="the data set that is trained on, or a search on it")
    which.add_argument("--search", help="judge the final models of this search by the sets registered for its data")
    parser.add_argument(
        "--data", metavar="DIR", help="with --of: register these images (a folder, zip, .npz, or the id of a data set)"
    )
    parser.add_argument("--remove", metavar="DATASET", help="with --of: this set is not external to it any more")
    parser.add_argument("--trial", nargs="+", default=[], help="with --search: these trials, such as final-1")


def run(arguments: argparse.Namespace) -> int:
    """Register, judge, print; the exit code (0: done, 130: cancelled). Raises ValueError, one sentence."""
    home: Path = arguments.home
    if (arguments.data or arguments.remove) and not arguments.of:
        raise ExternalError("--data and --remove say which images are external to a data set: name it with --of.")
    if arguments.trial and not arguments.search:
        raise ExternalError("--trial names trials of a search: name it with --search.")
    if arguments.of:
        subject = _dataset_of(home, arguments.of)
        if arguments.remove:
            remove_external(home, subject, arguments.remove)
            print(f"{arguments.remove} is not external to {subject} any more; what was recorded stays.")
            return 0
    else:
        subject = str(arguments.search)
    line = ProgressLine()

    def work() -> int:
        with KeepIngesting(home), jobs.running(home, KIND, subject) as job:
            tell = telling(job, line)
            if arguments.data:
                _register(home, subject, str(arguments.data), tell, job)
            of = subject if arguments.of else _dataset_of(home, subject)
            compare_registered(home, of, tell, job.leave_if_cancelled)
            searches = finished_on(home, subject) if arguments.of else [subject]
            new = judge(home, searches, job, arguments.trial, tell)
            job.outcome = _outcome(new, searches)
        line.close()
        for search_id in searches:
            print(results(home, search_id))
        print(job.outcome)
        return 0

    return foreground(work, line, "Cancelled. What was recorded is kept; run it again to go on.")


def results(home: Path, search_id: str) -> str:
    """All that models of a search say of images from elsewhere, per source and class, for the terminal."""
    state = SearchState(home, search_id)
    state.update()
    names = list(described(home, (state.data or {})["dataset_id"]).classes)
    parts = []
    for pair, record in sorted(recorded(home, search_id).items()):
        external = described(home, pair.external_id)
        trial = state.trials[pair.trial_id]
        own = trial.metric("test", "accuracy")
        beside = "" if own is None else f", on test in the set {own:.4f}"
        parts.append(f"\n{trial_name(pair.trial_id)} of {search_id} on {external.name} ({pair.external_id}), {REMARK}")
        found = compared(home, (state.data or {})["dataset_id"], pair.external_id)
        again = set(found.image_ids) if found else set()
        parts.append(_judged(home, external, record, names, beside, again))
    return "\n".join(parts)


def _judged(home: Path, external: Dataset, record: Record, names: list[str], beside: str, again: Container[int]) -> str:
    """`again`: images that a later comparison found in the data that are trained on."""
    from core.evaluation.elsewhere import by_source, outcome_of  # scipy, which no other command needs to wait for

    kept = np.array([image_id not in again for image_id in record["image_ids"]], dtype=bool)
    if not kept.any():
        return "  every image is in the data that are trained on too, so none is from elsewhere"
    true, predicted = (values[kept] for values in predictions(record, len(names)))
    told = told_sources(home, external)
    ids = [image_id for image_id in record["image_ids"] if image_id not in again]
    sources = [told[image_id].source if image_id in told else None for image_id in ids]
    whole = outcome_of(true, predicted, names)
    lines = [f"accuracy {_accuracy(whole)}{beside}"]
    for source, outcome in by_source(true, predicted, sources, names).items():
        lines.append(f"  {source}: accuracy {_accuracy(outcome)}")
        width = max(len(one.name) for one in outcome.classes)
        for one in outcome.classes:
            error = "" if one.mistaken_for is None else f", most often called {one.mistaken_for} ({one.mistaken})"
            lines.append(
                f"    {one.name:<{width}}  sensitivity {one.sensitivity:.4f} ({one.right} of {one.support}; 95 % "
                f"{one.low:.4f} to {one.high:.4f}){error}"
            )
    if whole.absent:
        lines.append(f"  no image of {', '.join(whole.absent)}: the averages are over the classes that are there")
    return "\n".join(lines)


def predictions(record: Record, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted class indices, each (n,), of an `external_result` record."""
    flat = np.frombuffer(base64.b64decode(record["probabilities"]), dtype="<f4")
    return np.array(record["true_classes"], dtype=np.int64), flat.reshape(-1, n_classes).argmax(axis=1)


def _accuracy(outcome: Outcome) -> str:
    assert outcome.macro is not None  # whatever is recorded has images
    macro, of = outcome.macro, len(outcome.classes)
    return (
        f"{outcome.accuracy:.4f} ({outcome.right} of {outcome.n}; 95 % {outcome.low:.4f} to {outcome.high:.4f}), mean "
        f"sensitivity of {of} class{'es' * (of != 1)} {macro.value:.4f} ({macro.low:.4f} to {macro.high:.4f})"
    )


def _register(home: Path, dataset_id: str, data: str, tell: Tell, job: jobs.Job) -> None:
    if data.startswith("d-") and not Path(data).exists():
        external = described(home, data)
    else:
        external = import_data(home, Path(data), held_out=True, tell=tell, cancelled=job.cancelled)
        print(describe(external))
    dataset = described(home, dataset_id)
    fit(dataset, external)  # what does not fit is said before anything is compared
    found = compare(home, dataset, external, tell, job.leave_if_cancelled)
    print(register_external(home, dataset_id, external.dataset_id).sentence())
    for image_id, own_id, kind in list(zip(found.image_ids, found.own_ids, found.kinds, strict=True))[:LISTED]:
        words = "the same picture as" if kind == NEAR else "a crop of the same field as"
        print(f"  {external.usable[image_id].path}: {words} {dataset.usable[own_id].path}")


def _dataset_of(home: Path, name: str) -> str:
    """The data set of a search, or the data set itself."""
    if name.startswith("d-"):
        return described(home, name).dataset_id
    state = SearchState(home, name)
    state.update()
    if state.data is None:
        raise ExternalError(f"There is no search {name} with its data in {home}.")
    return str(state.data["dataset_id"])


def _outcome(new: Sequence[Pair], searches: Sequence[str]) -> str:
    if not searches:
        return "No search on this data set has finished yet; each is judged by these images once it has."
    if not new:
        return "Nothing was left to do: every final model has been judged by every registered set."
    models, sets = ({getattr(pair, name) for pair in new} for name in Pair._fields)
    of, by = len(models), len(sets)
    return f"{of} model{'s' * (of != 1)} judged by {by} set{'s' * (by != 1)} of images from elsewhere; {REMARK}."
