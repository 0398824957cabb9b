"""Judges the final models of finished searches by images from elsewhere, and records what they say of each.

Reported, never used to choose: nothing that trains or chooses reads these records. What is recorded of a model and a
set stays as it is and is skipped by the next call, so that a call after a kill goes on where the killed one was.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from core import jobs
from core.data.cache import open_cache
from core.data.dataset import DatasetError, ScanCancelled
from core.data.external import JOURNAL, ExternalError, described, fit, registered
from core.data.shared import compare
from core.jobs import Job, JobCancelled
from core.learning.settings import ModelError
from core.locks import wait_lock
from core.paths import trial_folder, trial_name
from core.search.commands import deleted
from core.search.state import FINAL, SearchState
from store.journal import JournalWriter, Record, journal_files, journal_folder, next_attempt, read_records

KIND: Final = "external"  # of the background job; its subject is a search, or a data set for all searches on it
BATCH: Final = 8  # images that the model reads at once

Tell = Callable[[str, int, int], None]


class Pair(NamedTuple):
    """A model, and a data set that it is judged by."""

    trial_id: str
    external_id: str


def judge(
    home: Path, searches: Sequence[str], job: Job, trials: Sequence[str] = (), tell: Tell | None = None
) -> list[Pair]:
    """Judge the final models of finished searches by every set that is registered for their data.

    Args:
        searches: their ids.
        job: is asked whether to go on, and told how far it is unless `tell` is.
        trials: judge these trials instead, by id or by name in the search.
        tell: is given the stage, and how many of how many images are done.

    Returns:
        What is new. A set that is registered meanwhile counts too.

    Raises:
        ExternalError: a search has not finished, no set is registered, or some models could not be judged; the others
            are recorded.
        JobCancelled, ScanCancelled: a person wants it to end; what is recorded stays.
    """
    states: dict[str, SearchState] = {}
    models: dict[str, list[str]] = {}
    done: list[Pair] = []
    failed: dict[Pair | str, str] = {}  # by pair, or by the search of which there is nothing to judge
    for search_id in searches:
        try:
            state = _finished(home, search_id)
            models[search_id] = models_of(home, state, trials)
            states[search_id] = state
        except ExternalError as error:
            failed[search_id] = str(error)
    while (found := next(_open_pairs(home, states, models, failed), None)) is not None:
        search_id, pair = found
        job.leave_if_cancelled()
        try:
            if _judge_one(home, states[search_id], pair, job, tell or job.tell):
                done.append(pair)
        except ScanCancelled:
            raise
        except (ExternalError, DatasetError, ModelError) as error:
            failed[pair] = str(error)
    if failed:
        more = f" {len(failed) - 1} more could not be judged." if len(failed) > 1 else ""
        raise ExternalError(f"{next(iter(failed.values()))}{more}")
    return done


def models_of(home: Path, state: SearchState, trials: Sequence[str] = ()) -> list[str]:
    """The trials to judge: those asked for, else every final training, else (where there is none) the best trial.

    Raises ExternalError when one is not known, or none has kept weights.
    """
    complete = [trial for trial in state.ordered() if trial.status == "COMPLETE"]
    kept = [str(t.fact["trial_id"]) for t in complete if (_folder(home, t.fact) / "weights.json").is_file()]
    if trials:
        names = {trial_name(trial_id): trial_id for trial_id in kept}
        for name in trials:
            if name not in kept and name not in names:
                raise ExternalError(f"No finished trial {name} has its weights here; these have: {', '.join(names)}.")
        return list(dict.fromkeys(names.get(name, name) for name in trials))
    of_final: set[Any] = {str(trial.fact["trial_id"]) for trial in complete if trial.fact["coordinate"] == FINAL}
    event = state.event or {}
    wanted = of_final or {event.get("model_trial_id"), event.get("best_trial_id")}
    found = [trial_id for trial_id in kept if trial_id in wanted]
    if not found:
        raise ExternalError(f"Search {_id(state)} has no model with its weights here; there is nothing to judge.")
    return found


def finished_on(home: Path, dataset_id: str) -> list[str]:
    """The finished searches on a data set, the oldest first."""
    gone, found = deleted(home), []
    for folder in sorted((home / "journals").glob("s-*")):
        facts = [record for path in folder.glob("controller-*.jsonl") for record in read_records(path)[0]]
        on_it = any(fact["kind"] == "search_data" and fact["dataset_id"] == dataset_id for fact in facts)
        ended = any(fact["kind"] == "search_event" and fact["status"] == "COMPLETE" for fact in facts)
        if on_it and ended and folder.name not in gone:
            found.append(folder.name)
    return found


def recorded(home: Path, search_id: str) -> dict[Pair, Record]:
    """What models of a search said of images from elsewhere: the record of each pair that has been judged."""
    found: dict[Pair, Record] = {}
    records = [record for path in _journals(home, search_id) for record in read_records(path)[0]]
    for record in sorted(records, key=lambda record: str(record["at"])):
        if record["kind"] == "external_result":
            found.setdefault(Pair(record["trial_id"], record["external_id"]), record)
    return found


def start(home: Path, subject: str) -> None:
    """Judge in the background: the models of a search (`s-...`), or of all finished ones on a data set (`d-...`).

    Raises JobError when that is being done already.
    """
    option = "--search" if subject.startswith("s-") else "--of"
    jobs.start(home, KIND, subject, ["external", option, subject])


def start_where_registered(home: Path, search_id: str) -> int:
    """Start it for a search that has just finished; how many sets are registered for its data (with none: nothing)."""
    state = SearchState(home, search_id)
    state.update()
    sets = [] if state.data is None else registered(home, state.data["dataset_id"])
    if sets:
        start(home, search_id)
    return len(sets)


# --- one model and one set -------------------------------------------------------------------------------------------


def _judge_one(home: Path, state: SearchState, pair: Pair, job: Job, tell: Tell) -> bool:
    """Record what a model says of a set; False where another process has done it meanwhile."""
    search_id = _id(state)
    with _alone(home, pair, job):
        if pair in recorded(home, search_id):
            return False
        payload = _answers(home, state, pair, job, tell)
        folder = journal_folder(home, search_id)
        if not folder.is_dir():
            raise ExternalError(f"Search {search_id} has been deleted meanwhile.")
        journal = JournalWriter(folder, JOURNAL, next_attempt(folder, JOURNAL))
        try:
            journal.append("external_result", search_id=search_id, **pair._asdict(), **payload)
        finally:
            journal.close()
    return True


def _answers(home: Path, state: SearchState, pair: Pair, job: Job, tell: Tell) -> dict[str, Any]:
    """The payload of the record: image ids, true classes (indices in the model's classes), probabilities, seconds."""
    began = time.monotonic()
    name = trial_name(pair.trial_id)
    tell(f"load the model {name}", 0, 0)
    from core.prediction.predictor import load  # torch: seconds, and nothing for a page that starts this

    dataset, external = described(home, (state.data or {})["dataset_id"]), described(home, pair.external_id)
    images = fit(dataset, external, compare(home, dataset, external, tell, job.leave_if_cancelled)).usable
    predictor = load(home, pair.trial_id)
    classes, size = list(predictor.facts.classes), predictor.facts.image_size
    pixels = open_cache(
        external, size, home / "cache", lambda done, total: tell(f"decode at {size} px", done, total), job.cancelled
    )
    probabilities = []
    for at in range(0, len(images), BATCH):
        job.leave_if_cancelled()
        tell(f"{name} reads {external.name}", at, len(images))
        rows = np.array([image.image_id for image in images[at : at + BATCH]])
        probabilities.append(predictor.predict_squares(pixels[rows]))
    tell(f"{name} reads {external.name}", len(images), len(images))
    return {
        "image_ids": [image.image_id for image in images],
        "true_classes": [classes.index(image.class_ or "") for image in images],
        "probabilities": base64.b64encode(np.concatenate(probabilities).astype("<f4").tobytes()).decode(),
        "seconds": time.monotonic() - began,
    }


@contextmanager
def _alone(home: Path, pair: Pair, job: Job) -> Iterator[None]:
    """One process judges a pair; another one waits. Raises JobCancelled when a person gives up waiting."""
    lock = wait_lock(home / "jobs" / f"external-{pair.trial_id}-{pair.external_id}.lock", job.cancelled)
    if lock is None:
        raise JobCancelled
    try:
        yield
    finally:
        lock.release()


def _open_pairs(
    home: Path, states: dict[str, SearchState], models: dict[str, list[str]], failed: Container[Pair | str]
) -> Iterator[tuple[str, Pair]]:
    """What is not recorded yet. Raises ExternalError where no set is registered."""
    for search_id, state in states.items():
        dataset_id = (state.data or {})["dataset_id"]
        sets = registered(home, dataset_id)
        if not sets:
            raise ExternalError(f"No data set is registered as external to {dataset_id}, on which {search_id} trained.")
        known = recorded(home, search_id)
        for trial_id in models[search_id]:
            for external_id in sets:
                pair = Pair(trial_id, external_id)
                if pair not in known and pair not in failed:
                    yield search_id, pair


def _finished(home: Path, search_id: str) -> SearchState:
    state = SearchState(home, search_id)
    state.update()
    if state.fact is None or state.data is None or search_id in deleted(home):
        raise ExternalError(f"There is no search {search_id} in {home}.")
    if state.event is None or state.event["status"] != "COMPLETE":
        raise ExternalError(f"Search {search_id} has not finished; its final model is judged once it has.")
    return state


def _journals(home: Path, search_id: str) -> list[Path]:
    return [path for path in journal_files(home, search_id) if path.name.startswith(f"{JOURNAL}-")]


def _folder(home: Path, fact: Record) -> Path:
    return trial_folder(home, str(fact["trial_id"]))


def _id(state: SearchState) -> str:
    return str((state.fact or {})["search_id"])
