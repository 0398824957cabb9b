"""A launcher whose trials end at once with scores from a table: the controller's logic without any training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.learning.reuse import KEY, STATE, TROUBLE, continuable
from core.learning.settings import TrialSettings, run_key
from core.paths import trial_folder, trial_name
from store.journal import JournalWriter, journal_folder, next_attempt

Score = Callable[[TrialSettings], float | str | int]


class FakeWorker:
    def __init__(self, code: int | None) -> None:
        self.code = code
        self.told: list[str] = []

    def poll(self) -> int | None:
        return self.code

    def stop(self) -> None:
        self.told.append("stop")
        self.code = 0

    def kill(self) -> None:
        self.told.append("kill")
        self.code = -9


class FakeLauncher:
    """`score` gives a trial's validation accuracy, a word (it FAILED, this is why), or an exit code (it just died)."""

    def __init__(self, score: Score) -> None:
        self.score = score
        self.started: list[str] = []
        self.trained_epochs = 0
        self.workers: list[FakeWorker] = []
        self.hang = False

    def start(self, spec_file: Path, log: Path, _slot: int, _threads: int) -> FakeWorker:
        spec = json.loads(spec_file.read_text())
        self.started.append(trial_name(spec["trial_id"]))
        worker = FakeWorker(None if self.hang else self._train(spec, log))
        self.workers.append(worker)
        return worker

    def _train(self, spec: dict[str, Any], log: Path) -> int:
        settings = TrialSettings.from_json(spec["settings"])
        score = self.score(settings)
        home = Path(spec["home"])
        ids = {"trial_id": spec["trial_id"], "search_id": spec["search_id"]}
        folder = journal_folder(home, spec["search_id"])
        name = trial_name(spec["trial_id"])
        journal = JournalWriter(folder, name, next_attempt(folder, name))
        event = {**ids, "attempt": journal.attempt, "pid": 1, "host": "here", "error": None}
        journal.append("trial_event", **event, status="RUNNING")
        if isinstance(score, int):
            if score == TROUBLE:
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text("No space left on device. Free some disk space, then resume.\n")
            return score
        if isinstance(score, str):
            journal.append("trial_event", **{**event, "error": score}, status="FAILED")
            return 0
        dataset_id = Path(spec["dataset"]).stem
        key = run_key(settings, dataset_id, spec["weights"]["sha256"])
        done = continuable(trial_folder(home, spec["parent"]), key) if spec["parent"] else 0
        split = {"loss": 1 - score, "accuracy": score}
        for epoch in range(1, settings.epochs + 1):
            self.trained_epochs += epoch > done
            splits = {"train": split, "val": split}
            journal.append(
                "epoch", **ids, epoch=epoch, reused=epoch <= done, seconds=1.0, images_per_second=9.0, splits=splits
            )
        journal.append("evaluation", **ids, epoch=settings.epochs, splits={"test": split}, predictions={})
        own = trial_folder(home, spec["trial_id"])
        (own / STATE).write_bytes(b"state")
        (own / KEY).write_text(json.dumps({"key": key, "epochs": settings.epochs}))
        journal.append("trial_event", **event, status="COMPLETE")
        return 0
