"""A trial to train: what is recorded of it, its settings, and the finished trial that it continues."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.learning import reuse
from core.learning.settings import TrialSettings, run_key
from core.paths import trial_folder
from core.search.gseca import Point
from core.search.prepare import Prepared
from core.search.settings import SearchSettings
from core.search.state import SearchState
from store.journal import Record


@dataclass(frozen=True)
class Wanted:
    """A trial to train: its `trial` record's payload and its settings."""

    fact: Record
    settings: TrialSettings

    @property
    def trial_id(self) -> str:
        return str(self.fact["trial_id"])


def new_trial(
    trial_id: str, search_id: str, settings: SearchSettings, point: Point, prepared: Prepared, *, position: int,
    cycle: int | None, coordinate: str, seed: int, image_size: int, de_count: int | None,
) -> Wanted:  # fmt: skip
    """A trial of the search at a point, from the initial weights."""
    trial = settings.trial(
        dict(point), seed=seed, image_size=image_size, device=prepared.device, threads=prepared.threads
    )
    fact = {
        "trial_id": trial_id, "search_id": search_id, "position": position, "cycle": cycle, "coordinate": coordinate,
        "learning_rate": trial.learning_rate, "batch_size": trial.batch_size, "epochs": trial.epochs, "seed": seed,
        "de_count": de_count, "from_trial_id": None, "reused_epochs": 0, "settings": trial.to_json(),
    }  # fmt: skip
    return Wanted(fact, trial)


def continued(home: Path, state: SearchState, item: Wanted, prepared: Prepared) -> dict[str, Any]:
    """What to record of the finished trial with the most epochs that differs only in having fewer; {} without one."""
    key = run_key(item.settings, prepared.dataset_id, prepared.weights_of(item.settings.backbone).sha256)
    fitting = [
        trial.fact
        for trial in state.trials.values()
        if trial.status == "COMPLETE"
        and trial.fact["epochs"] < item.settings.epochs
        and reuse.continuable(trial_folder(home, trial.fact["trial_id"]), key) == trial.fact["epochs"]
    ]
    parent = max(fitting, key=lambda fact: int(fact["epochs"]), default=None)
    return {"from_trial_id": parent["trial_id"], "reused_epochs": parent["epochs"]} if parent else {}
