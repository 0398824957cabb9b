"""A search in the terminal: a line an epoch, a word on each event, the tables at the end."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from core.data.dataset import Dataset, describe
from core.locks import wait_lock
from core.paths import dataset_file, search_lock, trial_name
from core.search.commands import CANCEL, STOP, clear_commands, controller_pid, deleted, repeat_command
from core.search.controller import Controller
from core.search.ingest import KeepIngesting
from core.search.pool import Stopped
from core.search.settings import SearchSettings
from core.search.state import SearchState
from core.search.tables import summary
from store.journal import Record


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
    began = time.time()
    # A page that asks who runs the search holds the lock for an instant, so one refusal is not the last word.
    lock = wait_lock(search_lock(home, search_id), give_up=lambda: time.time() > began + 1)
    if lock is None:
        pid = controller_pid(home, search_id)
        print(f"Search {search_id} is already being run by process {pid}.", file=sys.stderr)
        return 1
    wish: list[str] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        wish.append(CANCEL if wish else STOP)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    clear_commands(home, search_id, before=began)
    try:
        command = repeat_command(settings) if settings else ""
        controller = Controller(
            home, search_id, settings, command=command, say=lambda state, records: _say(home, state, records),
            interrupted=lambda: wish[-1] if wish else None,
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
    return 1 if status == "FAILED" else 0


def _print_summary(home: Path, state: SearchState) -> None:
    if state.data is not None:
        classes = list(Dataset.load(dataset_file(home, state.data["dataset_id"])).classes)
        print("\n" + summary(state, classes))


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
        return (
            f"trial {trial_name(record['trial_id'])}: learning rate {record['learning_rate']:g}, batch size "
            f"{record['batch_size']}, {record['epochs']} epochs, DE_COUNT {record['de_count']}{reused}"
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
