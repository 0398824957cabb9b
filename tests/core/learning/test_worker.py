"""A real training process: killed with -9 inside an epoch and started again, it ends with the same bits."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from core.data.cache import open_cache
from core.data.dataset import Dataset
from core.data.sample import make_sample
from core.data.scan import scan
from core.learning.reuse import KEY, STATE, TROUBLE
from core.learning.settings import InitialWeights, TrialSettings
from core.learning.worker import Spec
from core.locks import try_lock
from core.paths import dataset_file, trial_folder, trial_lock
from store.journal import journal_folder, replay
from tests.preloaded import Preloaded, Started

# A worker by itself imports torch and timm for longer than it trains here.
WORKERS = Preloaded("core.learning.checkpoint", "core.learning.reuse", "core.learning.training", "core.heart")
SEARCH = "s-test"
SETTINGS = TrialSettings(
    backbone="inception_v3", image_size=75, learning_rate=1e-3, batch_size=5, epochs=3, seed=0, threads=1
)
SMALL = dataclasses.replace(SETTINGS, backbone="resnet10t", image_size=32)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("worker")
    make_sample(root / "cells", per_class=8, size=75, seed=0)
    return scan(root / "cells", work=root / "work", seed=0)


@pytest.fixture(scope="module", autouse=True)
def workers() -> Iterator[None]:
    yield
    WORKERS.close()


def write_spec(home: Path, dataset: Dataset, name: str, settings: TrialSettings, parent: str | None = None) -> Path:
    file = dataset_file(home, dataset.dataset_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.save(file)
    open_cache(dataset, settings.image_size, home / "cache")
    spec = Spec(
        home=str(home), search_id=SEARCH, trial_id=f"{SEARCH}.{name}", settings=settings, dataset=str(file),
        cache=str(home / "cache" / f"{dataset.dataset_id}-{settings.image_size}.npy"),
        weights=InitialWeights(None, None, "none"), parent=f"{SEARCH}.{parent}" if parent else None,
        controller=WORKERS.pid,
    )  # fmt: skip
    folder = trial_folder(home, spec.trial_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(json.dumps(spec.to_json()))
    return folder / "spec.json"


def start(spec: Path, file_bytes: int | None = None) -> Started:
    return WORKERS.start("core.learning.worker", str(spec), file_bytes=file_bytes)


def train(
    home: Path, dataset: Dataset, name: str, settings: TrialSettings = SETTINGS, parent: str | None = None
) -> None:
    assert start(write_spec(home, dataset, name, settings, parent)).wait(timeout=240) == 0
    assert status(home, name) == "COMPLETE"


def records(home: Path, name: str, kind: str) -> list[dict[str, Any]]:
    found = [r for r in replay(home, SEARCH) if r["kind"] == kind and r["trial_id"] == f"{SEARCH}.{name}"]
    return sorted(found, key=lambda record: (record.get("attempt", 0), record["seq"]))


def status(home: Path, name: str) -> str:
    return str(records(home, name, "trial_event")[-1]["status"])


def wait_for_epoch(home: Path, name: str, epoch: int) -> None:
    deadline = time.monotonic() + 120
    while not any(record["epoch"] == epoch for record in records(home, name, "epoch")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def numbers(home: Path, name: str) -> list[Any]:
    """All that was measured, epoch by epoch, without times; fails on a missing or doubled epoch."""
    epochs = sorted(records(home, name, "epoch"), key=lambda record: int(record["epoch"]))
    assert [record["epoch"] for record in epochs] == list(range(1, len(epochs) + 1))
    evaluation = records(home, name, "evaluation")[-1]
    return [(r["splits"], r["predictions"]) for r in [*epochs, evaluation]]


def assert_same_trial(home: Path, one: str, other: str) -> None:
    assert numbers(home, one) == numbers(home, other)
    a, b = (trial_folder(home, f"{SEARCH}.{name}") for name in (one, other))
    assert (a / "weights.safetensors").read_bytes() == (b / "weights.safetensors").read_bytes()
    states = [torch.load(folder / STATE, weights_only=True)["optimiser"]["state"] for folder in (a, b)]
    for x, y in zip(states[0].values(), states[1].values(), strict=True):
        assert all(torch.equal(x[name], y[name]) for name in x)


def test_killed_inside_epoch_3_and_started_again_it_equals_an_undisturbed_trial(
    tmp_path: Path, dataset: Dataset
) -> None:
    train(tmp_path, dataset, "whole")
    spec = write_spec(tmp_path, dataset, "killed", SETTINGS)
    process = start(spec)
    wait_for_epoch(tmp_path, "killed", 2)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert status(tmp_path, "killed") == "RUNNING"  # it could not say anything more
    assert len(records(tmp_path, "killed", "epoch")) == 2
    assert start(spec).wait(timeout=240) == 0
    assert [record["attempt"] for record in records(tmp_path, "killed", "trial_event")] == [1, 2, 2]
    for name in ("whole", "killed"):
        [cost] = records(tmp_path, name, "cost")
        assert cost["parameters"] == 21_795_813  # 5 classes
        assert cost["predict_images_per_second"] > 0
        assert cost["peak_rss_bytes"] > 100 * 2**20  # torch alone
    assert_same_trial(tmp_path, "whole", "killed")


def test_two_epochs_continued_by_one_are_a_trial_of_three_and_marked_as_reused(
    tmp_path: Path, dataset: Dataset
) -> None:
    train(tmp_path, dataset, "whole", SMALL)
    train(tmp_path, dataset, "two", dataclasses.replace(SMALL, epochs=2))
    train(tmp_path, dataset, "continued", SMALL, parent="two")
    assert [record["reused"] for record in records(tmp_path, "continued", "epoch")] == [True, True, False]
    assert_same_trial(tmp_path, "whole", "continued")


def test_an_epoch_that_was_saved_but_not_recorded_is_recorded_by_the_next_attempt(
    tmp_path: Path, dataset: Dataset
) -> None:
    settings = dataclasses.replace(SMALL, epochs=2)
    train(tmp_path, dataset, "whole", settings)
    spec = write_spec(tmp_path, dataset, "torn", settings)
    assert start(spec).wait(timeout=240) == 0
    # As if the process had died between saving epoch 2 and recording it.
    [journal] = journal_folder(tmp_path, SEARCH).glob("torn-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines) if b'"kind":"epoch"' in line and b'"epoch":2' in line)
    journal.write_bytes(b"".join(lines[:end]))
    assert start(spec).wait(timeout=240) == 0
    assert_same_trial(tmp_path, "whole", "torn")


def test_sigterm_stops_after_the_epoch_and_a_parent_of_another_kind_is_not_continued(
    tmp_path: Path, dataset: Dataset
) -> None:
    settings = dataclasses.replace(SMALL, epochs=400)
    spec = write_spec(tmp_path, dataset, "stopped", settings)
    process = start(spec)
    wait_for_epoch(tmp_path, "stopped", 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert status(tmp_path, "stopped") == "STOPPED"
    described = json.loads((trial_folder(tmp_path, f"{SEARCH}.stopped") / KEY).read_text())
    assert described["epochs"] == len(records(tmp_path, "stopped", "epoch"))
    other = dataclasses.replace(settings, learning_rate=1e-4, epochs=2)
    train(tmp_path, dataset, "other", other, parent="stopped")
    assert [record["reused"] for record in records(tmp_path, "other", "epoch")] == [False, False]


def test_a_trial_that_fails_says_why_and_is_not_started_again(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, learning_rate=1e20)
    spec = write_spec(tmp_path, dataset, "failed", settings)
    assert start(spec).wait(timeout=120) == 0
    assert status(tmp_path, "failed") == "FAILED"
    assert "learning rate 1e+20 and batch size 5" in records(tmp_path, "failed", "trial_event")[-1]["error"]
    assert start(spec).wait(timeout=120) == 0
    assert len(records(tmp_path, "failed", "trial_event")) == 2


def test_a_successor_waits_for_the_orphan_that_still_trains(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, epochs=1)
    spec = write_spec(tmp_path, dataset, "held", settings)
    lock = try_lock(trial_lock(tmp_path, f"{SEARCH}.held"))
    assert lock is not None
    process = start(spec)
    time.sleep(3)  # long enough to come to the lock
    assert process.poll() is None
    assert not records(tmp_path, "held", "trial_event")
    lock.release()
    assert process.wait(timeout=120) == 0
    assert status(tmp_path, "held") == "COMPLETE"


def test_killed_after_its_evaluation_it_is_completed_without_training_again(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, epochs=2)
    train(tmp_path, dataset, "late", settings)
    before = numbers(tmp_path, "late")
    [journal] = journal_folder(tmp_path, SEARCH).glob("late-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"status":"COMPLETE"' not in line))
    assert status(tmp_path, "late") == "RUNNING"
    train(tmp_path, dataset, "late", settings)
    assert numbers(tmp_path, "late") == before  # which also finds no doubled epoch


def test_on_a_full_disk_there_is_no_verdict_and_with_room_again_it_goes_on(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, epochs=2)
    spec = write_spec(tmp_path, dataset, "full", settings)
    # No file may grow over 1 MB: the checkpoint does not fit.
    assert start(spec, file_bytes=1_000_000).wait(timeout=120) == TROUBLE
    assert not records(tmp_path, "full", "epoch")
    assert "FAILED" not in {record["status"] for record in records(tmp_path, "full", "trial_event")}
    train(tmp_path, dataset, "full", settings)
    assert len(numbers(tmp_path, "full")) == 3


def test_a_damaged_checkpoint_is_passed_over_and_training_again_gives_the_same(
    tmp_path: Path, dataset: Dataset
) -> None:
    settings = dataclasses.replace(SMALL, epochs=2)
    train(tmp_path, dataset, "whole", settings)
    train(tmp_path, dataset, "one", dataclasses.replace(settings, epochs=1))
    file = trial_folder(tmp_path, f"{SEARCH}.one") / STATE
    file.write_bytes(file.read_bytes()[:5000])
    train(tmp_path, dataset, "child", settings, parent="one")
    assert [record["reused"] for record in records(tmp_path, "child", "epoch")] == [False, False]
    assert_same_trial(tmp_path, "whole", "child")


def test_epochs_of_another_version_are_not_continued_and_not_mixed(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, epochs=400)
    spec = write_spec(tmp_path, dataset, "old", settings)
    process = start(spec)
    wait_for_epoch(tmp_path, "old", 1)
    process.kill()
    process.wait(60)
    recorded = len(records(tmp_path, "old", "epoch"))
    file = trial_folder(tmp_path, f"{SEARCH}.old") / KEY
    described = json.loads(file.read_text())
    described["key"]["training_version"] = "0"
    file.write_text(json.dumps(described))
    assert start(spec).wait(timeout=120) == TROUBLE
    assert len(records(tmp_path, "old", "epoch")) == recorded
    assert status(tmp_path, "old") == "RUNNING"  # no verdict


def test_a_worker_whose_controller_is_gone_ends_after_the_epoch(tmp_path: Path, dataset: Dataset) -> None:
    settings = dataclasses.replace(SMALL, epochs=400)
    spec = write_spec(tmp_path, dataset, "orphan", settings)
    described = json.loads(spec.read_text())
    spec.write_text(json.dumps(described | {"controller": 1 << 22}))  # not the process that starts it
    assert start(spec).wait(timeout=120) == 0
    assert len(records(tmp_path, "orphan", "epoch")) == 1
    assert status(tmp_path, "orphan") == "RUNNING"
