"""How many epochs the published search would train with reuse: Table 3 replayed through the real controller.

The controller decides, records, and looks for checkpoints to continue as always; only its launcher is another: a
trial ends at once with the table's validation accuracy and an empty checkpoint under the right key.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import store
from core.data.sample import make_sample
from core.learning import reuse
from core.learning.settings import InitialWeights, TrialSettings, run_key
from core.paths import new_search_id, trial_folder, trial_name
from core.search.controller import Controller
from core.search.settings import SearchSettings
from core.search.state import SearchState
from store.journal import JournalWriter, journal_folder

TABLE_3 = Path(store.__file__).parent / "published" / "table3_search.csv"
Point = tuple[float, int, int]  # learning rate, batch size, epochs


def published_accuracies() -> dict[Point, float]:
    """Validation accuracy of each published trial."""
    with TABLE_3.open(newline="") as file:
        return {
            (float(row["learning_rate"]), int(row["batch_size"]), int(row["epochs"])): float(row["val_acc"])
            for row in csv.DictReader(file)
        }


def replay(home: Path) -> SearchState:
    """Run the published search from the table's accuracies; what its journals say then."""
    cells = make_sample(home / "cells", per_class=8, size=32)
    settings = SearchSettings(data=str(cells), backbone="resnet10t", weights="none", image_size=32, final_seeds=0)
    controller = Controller(home, new_search_id(), settings, launcher=lambda _device: TableLauncher())
    status = controller.run()
    if status != "COMPLETE":
        raise RuntimeError(f"The replay of the published search ended {status}: {controller.state.event}")
    return controller.state


class TableLauncher:
    """A launcher whose trials are over when they start."""

    def __init__(self) -> None:
        self._accuracies = published_accuracies()

    def start(self, spec_file: Path, log: Path, slot: int, threads: int) -> EndedWorker:
        spec = json.loads(spec_file.read_text())
        settings = TrialSettings.from_json(spec["settings"])
        accuracy = self._accuracies[settings.learning_rate, settings.batch_size, settings.epochs]
        _leave_checkpoint(spec, settings)
        ids = {"trial_id": spec["trial_id"], "search_id": spec["search_id"]}
        scores = {"loss": 0.0, "accuracy": accuracy}
        journal = JournalWriter(journal_folder(Path(spec["home"]), spec["search_id"]), trial_name(spec["trial_id"]))
        journal.append(
            "epoch", **ids, epoch=settings.epochs, reused=False, seconds=0.0, images_per_second=0.0,
            splits={"train": scores, "val": scores}, predictions={},
        )  # fmt: skip
        journal.append("trial_event", **ids, attempt=1, status="COMPLETE", error=None, pid=None, host=None)
        journal.close()
        return EndedWorker()


class EndedWorker:
    """A process that has ended well."""

    def poll(self) -> int:
        return 0

    def stop(self) -> None:
        """It has ended."""

    def kill(self) -> None:
        """It has ended."""


def _leave_checkpoint(spec: dict[str, Any], settings: TrialSettings) -> None:
    folder = trial_folder(Path(spec["home"]), spec["trial_id"])
    key = run_key(settings, Path(spec["dataset"]).stem, InitialWeights(**spec["weights"]).sha256)
    (folder / reuse.STATE).touch()
    (folder / reuse.KEY).write_text(json.dumps({"key": key, "epochs": settings.epochs}))
