"""A search in the terminal: a line an epoch, a word on each event, the tables at the end."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from core.data.dataset import Dataset, ScanCancelled, describe
from core.evaluation.audit_report import audit_sentence
from core.evaluation.auditing import start_in_background
from core.evaluation.external import start_where_registered
from core.locks import Lock, wait_lock
from core.paths import dataset_file, search_lock, trial_name
from core.search.commands import (
    CANCEL,
    STOP,
    CommandError,
    clear_commands,
    controller_pid,
    deleted,
    repeat_command,
    what_if_command,
)
from core.search.controller import Controller
from core.search.extra import ExtraPoints
from core.search.ingest import KeepIngesting
from core.search.pool import Stopped
from core.search.settings import SearchSettings
from core.search.state import SearchState
from core.search.tables import model_accuracy, summary
from store.journal import Record, journal_files


def run(home: Path, search_id: str, settings: SearchSettings | None) -> int:
    """Run or resume a search in this process, telling the terminal; the exit code (0: complete or stopped)."""
    if settings is None:
        state = SearchState(home, search_id)
        state.update()
        if state.fact is None or search_id in deleted(home):
            print(f"There is no search {search_id} in {home}.", file=sys.stderr)
            return 1
        if state.event is not None and state.event["status"] == "COMPLETE":
            print(f"Search {search_id} is complete; nothing is left to do.")
            _print_summary(home, state)
            return 0
    lock = _take(home, search_id)
    if lock is None:
        return 1
    try:
        command = repeat_command(settings) if settings else ""
        controller = Controller(
            home, search_id, settings, command=command, say=lambda state, records: _say(home, state, records),
            interrupted=_interrupts(), with_data=lambda dataset_id: start_in_background(home, dataset_id),
        )  # fmt: skip
    except Stopped as nothing:
        print(nothing, file=sys.stderr)
        return 1
    with KeepIngesting(home):
        status = controller.run()
    state = controller.state
    if status == "STOPPED":
        print(f"Go on with: python -m core search --home {home} --resume {search_id}")
    else:
        _print_summary(home, state)
    if status == "COMPLETE":
        _judge_elsewhere(home, search_id)
    return 1 if status == "FAILED" else 0


def run_points(home: Path, search_id: str, points: Sequence[str]) -> int:
    """Train other points of a finished search in this process; the exit code (0: all trained, or stopped).

    Raises CommandError, PointError, DatasetError, ModelError or SettingsError, each with one sentence.
    """
    if search_id in deleted(home) or not journal_files(home, search_id):
        raise CommandError(f"There is no search {search_id} in {home}.")
    lock = _take(home, search_id)
    if lock is None:
        return 1
    extra = ExtraPoints(
        home, search_id, points, say=lambda state, records: _say(home, state, records), interrupted=_interrupts()
    )
    for trial in extra.known:
        print(f"{trial_name(trial.fact['trial_id'])} is this point's trial already: {trial.status}.")
    if not extra.points:
        return 0
    if extra.changed:
        print(f"Not all is as it was when the search began ({extra.changed}): the numbers may differ a little.")
    try:
        with KeepIngesting(home):
            extra.run()
    except (Stopped, ScanCancelled) as stopped:
        print(f"{stopped or 'stopped by the person'}\nGo on with: {what_if_command(home, search_id, extra.points)}")
    except OSError as error:
        print(f"{error} Mend that (is the disk full?), then start it again.", file=sys.stderr)
        return 1
    return 0


def _take(home: Path, search_id: str) -> Lock | None:
    """The search's lock, held until the process ends, with older commands forgotten; None, and a word, without it."""
    began = time.time()
    # A page that asks who runs the search holds the lock for an instant, so one refusal is not the last word.
    lock = wait_lock(search_lock(home, search_id), give_up=lambda: time.time() > began + 1)
    if lock is None:
        pid = controller_pid(home, search_id)
        print(f"Search {search_id} is already being run by process {pid}.", file=sys.stderr)
        return None
    clear_commands(home, search_id, before=began)
    return lock


def _interrupts() -> Callable[[], str | None]:
    """What whoever sits at the terminal wishes: one interrupt stops, a second one cancels."""
    wish: list[str] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        wish.append(CANCEL if wish else STOP)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    return lambda: wish[-1] if wish else None


def _judge_elsewhere(home: Path, search_id: str) -> None:
    """In the background, where images from elsewhere are registered; they judge the final models and choose nothing."""
    try:
        sets = start_where_registered(home, search_id)
    except (ValueError, OSError) as error:  # the search itself is complete
        print(f"Images from elsewhere were not read: {error}", file=sys.stderr)
        return
    if sets:
        print(
            f"\nIts final models read {sets} set{'s' * (sets != 1)} of images from elsewhere now, in the background; "
            f"see the page Evaluate, or: python -m core external --home {home} --search {search_id}"
        )


def _print_summary(home: Path, state: SearchState) -> None:
    if state.data is not None:
        dataset = Dataset.load(dataset_file(home, state.data["dataset_id"]))
        print("\n" + summary(state, list(dataset.classes)))
        said = audit_sentence(home, dataset, *model_accuracy(state))
        print(f"\n{said or f'Not audited for shortcuts yet: python -m core audit --dataset {dataset.dataset_id}'}")


def _say(home: Path, state: SearchState, records: list[Record]) -> None:
    for record in records:
        line = _line(home, state, record)
        if line:
            with contextlib.suppress(OSError):  # nobody reads any more; that is no reason to end a search
                print(f"{record['at'][11:19]}  {line}", flush=True)


def _line(home: Path, state: SearchState, record: Record) -> str | None:
    kind = record["kind"]
    if kind == "search":
        return f"search {record['search_id']}: {record['name']}"
    if kind == "search_data":
        dataset = Dataset.load(dataset_file(home, record["dataset_id"]))
        settled = record["settled"]
        return (
            f"{describe(dataset)}\ninitial weights: {settled['weights']['origin']}\n"
            f"training on {settled['device']}, {settled['parallel']} at once, {settled['threads']} threads each"
        )
    if kind == "trial":
        reused = f", continuing {record['reused_epochs']} epochs" if record["reused_epochs"] else ""
        count = "" if record["de_count"] is None else f", DE_COUNT {record['de_count']}"
        return (
            f"trial {trial_name(record['trial_id'])}: learning rate {record['learning_rate']:g}, batch size "
            f"{record['batch_size']}, {record['epochs']} epochs{count}{reused}"
        )
    if kind == "epoch" and not record["reused"]:
        train, val = record["splits"]["train"], record["splits"]["val"]
        total = state.trials[record["trial_id"]].fact["epochs"] if record["trial_id"] in state.trials else "?"
        return (
            f"{trial_name(record['trial_id'])} epoch {record['epoch']}/{total}  train loss {train['loss']:.4f} "
            f"accuracy {train['accuracy']:.4f}  val loss {val['loss']:.4f} accuracy {val['accuracy']:.4f}  "
            f"{record['seconds']:.1f} s, {record['images_per_second']:.1f} images/s"
        )
    if kind == "trial_event" and record["status"] in ("FAILED", "STOPPED"):
        return f"{trial_name(record['trial_id'])} {record['status']}: {record['error'] or 'after a whole epoch'}"
    if kind == "cycle":
        chosen = trial_name(record["chosen_trial_id"]) if record["chosen_trial_id"] else "nothing"
        word = "a new best" if record["improved"] else "no new best"
        return f"cycle {record['cycle']}: {chosen} chosen, {word}, DE_COUNT {record['de_count']}"
    if kind == "search_event" and record["status"] != "RUNNING":
        return f"search {record['status']}: {record['message'] or record['stop_reason'] or ''}"
    return None
