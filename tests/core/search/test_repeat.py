"""The recorded command repeats the search: every setting, what was settled in its place, and the numbers themselves."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from core.__main__ import main
from core.data.sample import make_sample
from core.learning.settings import AugmentSettings
from core.search.commands import exact_command
from core.search.launcher import REPOSITORY
from core.search.settings import PRESETS, SearchSettings, preset
from core.search.state import SearchState
from store import queries
from store.ingest import Ingestor
from tests.store.tools import empty_store


def started_with(command: str, monkeypatch: pytest.MonkeyPatch) -> SearchSettings:
    """The settings that `python -m core ...` starts a search with."""
    seen: list[SearchSettings] = []
    monkeypatch.setattr("core.search.terminal.run", lambda _home, _id, settings: seen.append(settings) or 0)
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "core"]
    assert main(words[3:]) == 0
    return seen[0]


@pytest.mark.parametrize("name", PRESETS)
def test_the_command_holds_every_setting_and_what_was_settled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = dataclasses.replace(
        preset(name), data="/data/my cells", name="-odd; name", image_size=96, seed=7, learning_rate=3e-3,
        weight_decay=1e-05, average=0.98, reuse="no", parallel=2, augment=AugmentSettings(rotation=12.5),
    )  # fmt: skip
    weights = "/home/weights/inception_v3-01.safetensors"
    command = exact_command(asked, weights, "cpu", 3)
    settled = dataclasses.replace(asked, weights=weights, device="cpu", threads=3)
    assert started_with(command, monkeypatch) == settled
    for spec in dataclasses.fields(SearchSettings):
        if spec.name != "augment":
            assert f"--{spec.name.replace('_', '-')}" in command  # whatever a later preset says
    assert started_with(exact_command(asked, None, "cuda", 1), monkeypatch).weights == "none"


def run(home: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command[1:], "--home", str(home)], cwd=REPOSITORY, text=True, timeout=400,
        capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def state_of(home: Path) -> SearchState:
    [folder] = [path for path in (home / "journals").iterdir() if path.name.startswith("s-")]
    state = SearchState(home, folder.name)
    state.update()
    return state


def trial_table(state: SearchState) -> list[dict[str, Any]]:
    """Each trial with all that Table 3 tells, and the losses and accuracies of each of its epochs, to the last bit."""
    kept = (
        "position", "cycle", "coordinate", "learning_rate", "batch_size", "epochs", "seed", "de_count", "reused_epochs",
    )  # fmt: skip
    table = []
    for trial in state.ordered():
        assert trial.evaluation is not None
        scores = [record["splits"] for _, record in sorted(trial.epochs.items())]
        table.append(
            {name: trial.fact[name] for name in kept}
            | {"name": trial.fact["trial_id"].partition(".")[2], "status": trial.status, "scores": scores}
            | {"test": trial.evaluation["splits"], "predictions": trial.evaluation["predictions"]}
        )
    return table


@pytest.mark.timeout(900)  # on a machine that is busy with other trainings, which these give way to
def test_the_recorded_command_gives_the_same_trial_table_to_the_last_bit(tmp_path: Path) -> None:
    """Two searches, in two homes, the second from the command that the first recorded. They train: half a minute."""
    data = make_sample(tmp_path / "cells", per_class=8, size=48, seed=0)
    weights = tmp_path / "start.pt"
    torch.save(timm.create_model("resnet10t", pretrained=False, num_classes=0).state_dict(), weights)
    asked = ["python", "-m", "core", "search", "--data", str(data), "--preset", "quick", "--backbone", "resnet10t",
             "--weights", str(weights), "--image-size", "32", "--epochs", "1", "--max-trials", "2", "--per-class", "7",
             "--final-seeds", "0", "--threads", "1", "--seed", "5"]  # fmt: skip
    run(tmp_path / "first", asked)
    weights.unlink()  # what the trials started from is kept in the home folder

    store = empty_store()
    Ingestor(store, tmp_path / "first").poll()
    first = state_of(tmp_path / "first")
    assert first.fact is not None
    assert first.data is not None
    kept = queries.search(store, first.fact["search_id"]).iloc[0]
    run(tmp_path / "second", shlex.split(kept["command"]))
    second = state_of(tmp_path / "second")

    table = trial_table(first)
    assert [row["coordinate"] for row in table] == ["initial", "batch_size"]
    assert len({row["scores"][-1]["val"]["loss"] for row in table}) == 2
    assert trial_table(second) == table
    assert second.data is not None
    assert second.data["dataset_id"] == first.data["dataset_id"]
    settled = json.loads(kept["settled"])
    assert (settled["device"], settled["threads"], settled["parallel"]) == ("cpu", 1, 1)
    assert second.data["settled"]["weights"]["sha256"] == settled["weights"]["sha256"]
