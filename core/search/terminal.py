"""A search in the terminal: a line an epoch, a word on each event, the tables at the end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

from core.data.dataset import Dataset, describe
from core.locks import try_lock
from core.paths import dataset_file, search_lock, trial_name
from core.search.commands import CANCEL, STOP, controller_pid, repeat_command
from core.search.controller import Controller
from core.search.ingest import KeepIngesting
from core.search.pool import Stopped
from core.search.settings import SearchSettings
from core.search.state import SearchState
from core.search.tables import summary
from store.journal import Record


def run(home: Path, search_id: str, settings: SearchSettings | None) -> int:
    """Run or resume a search in this process, telling the terminal; the exit code (0: complete or stopped)."""
    lock = try_lock(search_lock(home, search_id))
    if lock is None:
        pid = controller_pid(home, search_id)
        print(f"Search {search_id} is already being run by process {pid}.", file=sys.stderr)
        return 1
    wish: list[str] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        wish.append(CANCEL if wish else STOP)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
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
    elif state.data is not None:
        print("\n" + summary(state, list(Dataset.load(dataset_file(home, state.data["dataset_id"])).classes)))
    return 1 if status == "FAILED" else 0


def _say(home: Path, state: SearchState, records: list[Record]) -> None:
    for record in records:
        line = _line(home, state, record)
        if line:
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
