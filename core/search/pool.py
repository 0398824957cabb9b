"""Trains a list of trials in background processes and sees each to its end: complete, failed, or stopped."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.data.dataset import Dataset
from core.heart import Heart
from core.learning.reuse import TROUBLE
from core.locks import holder
from core.paths import dataset_file, log_file, trial_folder, trial_lock, trial_name
from core.search.commands import CANCEL, STOP
from core.search.launcher import Launcher, Worker
from core.search.prepare import Prepared, decode_images
from core.search.state import SearchState
from core.search.wanted import Wanted
from store.journal import CONTROLLER_VERDICT_SEQ, JournalWriter, Record, journal_folder, next_attempt, write_durably

DEATHS_WITHOUT_PROGRESS = 5  # a trial whose process dies so often without a new epoch has failed
POLL_SECONDS = 0.1

Say = Callable[[SearchState, list[Record]], None]


class Stopped(Exception):
    """The search ends before its own stop; the message says why."""


@dataclass
class TrialPool:
    """The processes of one search. `wish` says whether the person wants to stop or cancel."""

    home: Path
    search_id: str
    state: SearchState
    journal: JournalWriter
    heart: Heart
    wish: Callable[[], str | None]
    say: Say
    prepared: Prepared
    dataset: Dataset
    launcher: Launcher

    def __post_init__(self) -> None:
        self._running: dict[int, tuple[Wanted, Worker]] = {}
        self._deaths: dict[str, tuple[int, int]] = {}

    def train(self, wanted: list[Wanted]) -> None:
        """Train what is not finished, in order, as many at once as there are slots.

        Raises Stopped when the person wishes it or a trial cannot go on for now.
        """
        for item in wanted:
            if item.trial_id not in self.state.trials:
                self.journal.append("trial", **item.fact)
        self.tell_news()
        pending = [item for item in wanted if not self.state.trials[item.trial_id].finished]
        try:
            while pending or self._running:
                for slot in range(self.prepared.parallel):
                    if slot not in self._running and pending:
                        item = pending.pop(0)
                        self._running[slot] = (item, self._start(item, slot))
                self._wait()
                pending[:0] = self._collect()
        finally:  # empty, unless an exception leaves
            left = list(self._running.values())
            self._running.clear()
            for item, worker in left:
                worker.kill()
                self._kill_orphan(item)
            for item, _ in left:
                with contextlib.suppress(OSError):  # on a full disk the end of the search tells it too
                    self._verdict(item, "STOPPED", "ended at once; its last whole epoch is kept")

    def tell_news(self) -> None:
        """Read what the journals say since the last time and pass it on."""
        records = self.state.update()
        if records:
            self.say(self.state, records)

    def leave_if_wished(self) -> None:
        """Raise Stopped when the person wants the search to stop."""
        if self.wish() is not None:
            raise Stopped("cancelled by the person" if self.wish() == CANCEL else "stopped by the person")

    def _wished(self) -> bool:
        return self.wish() is not None

    def _start(self, item: Wanted, slot: int) -> Worker:
        settings = item.settings
        cache = decode_images(self.dataset, settings.image_size, self.home, self.heart.tell, self._wished)
        spec = {
            "home": str(self.home), "search_id": self.search_id, "trial_id": item.trial_id,
            "settings": settings.to_json(), "dataset": str(dataset_file(self.home, self.prepared.dataset_id)),
            "cache": str(cache), "weights": asdict(self.prepared.weights_of(settings.backbone)),
            "parent": item.fact["from_trial_id"], "controller": os.getpid(),
        }  # fmt: skip
        folder = trial_folder(self.home, item.trial_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / "spec.json", json.dumps(spec).encode())
        self.heart.tell("train", 0, 0)
        return self.launcher.start(folder / "spec.json", self._log(item), slot, settings.threads)

    def _wait(self) -> None:
        """Sleep a moment; on a wish to stop let the workers end their epoch, on one to cancel leave at once."""
        time.sleep(POLL_SECONDS)
        self.tell_news()
        if self.wish() == STOP:
            self.heart.tell("stopping after the current epoch", 0, 0)
            for _, worker in self._running.values():
                worker.stop()
            while self.wish() != CANCEL and any(worker.poll() is None for _, worker in self._running.values()):
                time.sleep(POLL_SECONDS)
                self.tell_news()
            if self.wish() != CANCEL:
                self._end_stopped()
        self.leave_if_wished()

    def _end_stopped(self) -> None:
        """All workers have ended on a wish to stop; one that could not say so itself gets a verdict."""
        ended = [(item, worker.poll()) for item, worker in self._running.values()]
        self._running.clear()
        self.tell_news()
        for item, code in ended:
            trial = self.state.trials[item.trial_id]
            if code == TROUBLE and not trial.finished:
                raise Stopped(_last_line(self._log(item)))
            if not trial.finished and trial.status != "STOPPED":
                self._verdict(item, "STOPPED", "ended before it had begun an epoch")

    def _kill_orphan(self, item: Wanted) -> None:
        """End a worker that an earlier controller left behind and that still holds the trial."""
        pid = holder(trial_lock(self.home, item.trial_id))
        if pid is not None and pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _collect(self) -> list[Wanted]:
        """Take the ended processes off the slots; the trials that must be started again."""
        again = []
        for slot, (item, worker) in list(self._running.items()):
            code = worker.poll()
            if code is not None:
                del self._running[slot]
                self.tell_news()
                if self._unfinished(item, code):
                    again.append(item)
        return again

    def _unfinished(self, item: Wanted, code: int) -> bool:
        """After its process ended: must the trial be started again? Records a verdict where it must not."""
        trial = self.state.trials[item.trial_id]
        if trial.finished:
            return False
        if code == TROUBLE:
            raise Stopped(_last_line(self._log(item)))
        epochs, deaths = self._deaths.get(item.trial_id, (-1, 0))
        deaths = deaths + 1 if len(trial.epochs) == epochs else 1
        self._deaths[item.trial_id] = (len(trial.epochs), deaths)
        if deaths < DEATHS_WITHOUT_PROGRESS:
            return True
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._verdict(
            item, "FAILED",
            f"The training process {how} {deaths} times without a new epoch, at batch size "
            f"{item.settings.batch_size} and {item.settings.image_size} px; signal 9 often means that memory ran out. "
            f"Its last line: {_last_line(self._log(item))}",
        )  # fmt: skip
        return False

    def _verdict(self, item: Wanted, status: str, error: str) -> None:
        """The controller's word on a trial whose process cannot speak any more."""
        # 0 where its process never came to speak: the next one speaks as the first, and has the last word.
        attempts = next_attempt(journal_folder(self.home, self.search_id), trial_name(item.trial_id)) - 1
        self.journal.append(
            "trial_event", seq=CONTROLLER_VERDICT_SEQ, trial_id=item.trial_id, search_id=self.search_id,
            attempt=attempts, status=status, error=error, pid=None, host=platform.node(),
        )  # fmt: skip
        self.tell_news()

    def _log(self, item: Wanted) -> Path:
        return log_file(self.home, self.search_id, trial_name(item.trial_id))


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1] if lines else "The log is empty."
