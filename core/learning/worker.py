"""One trial, one process: `python -m core.learning.worker SPEC.json`.

Trains what the spec file says, records every epoch in a journal of its own, and saves each epoch's state before its
record. SIGTERM stops it after the current epoch; killed in any other way, its next attempt goes on from the last
whole epoch. When its controller dies it ends after the current epoch, for the controller's successor to go on.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.dataset import Dataset
from core.heart import Heart
from core.learning import checkpoint, model, reuse, training
from core.learning.settings import TRAINING_VERSION, InitialWeights, TrialSettings, run_key
from core.locks import wait_lock
from core.paths import trial_folder, trial_lock, trial_name
from store.journal import JournalWriter, journal_files, journal_folder, next_attempt, read_records


@dataclass(frozen=True)
class Spec:
    """All that a worker is told. Paths are absolute; `parent` is a trial whose checkpoint may be continued."""

    home: str
    search_id: str
    trial_id: str
    settings: TrialSettings
    dataset: str
    cache: str
    weights: InitialWeights
    parent: str | None
    keep_checkpoint: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Spec:
        settings = TrialSettings.from_json(data["settings"])
        return Spec(**{**data, "settings": settings, "weights": InitialWeights(**data["weights"])})


def main(spec_file: str) -> int:
    spec = Spec.from_json(json.loads(Path(spec_file).read_text()))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent_process = os.getppid()
    home = Path(spec.home)
    lock = wait_lock(trial_lock(home, spec.trial_id), give_up=stop.is_set)
    if lock is None:
        return 0
    recorded, status = _recorded(home, spec)
    if status in ("COMPLETE", "FAILED"):
        return 0
    folder = journal_folder(home, spec.search_id)
    name = trial_name(spec.trial_id)
    journal = JournalWriter(folder, name, next_attempt(folder, name))
    event: dict[str, Any] = {"trial_id": spec.trial_id, "search_id": spec.search_id, "attempt": journal.attempt}
    event |= {"pid": os.getpid(), "host": platform.node()}
    journal.append("trial_event", **event, status="RUNNING", error=None)
    heart = Heart(journal, spec.search_id, spec.trial_id)
    try:
        finished = _run(spec, home, journal, heart, recorded, lambda: stop.is_set() or os.getppid() != parent_process)
    except training.TrainingError as error:
        journal.append("trial_event", **event, status="FAILED", error=str(error))
        return 0
    except OSError as error:
        # The disk's trouble, not the trial's: no verdict, so that the trial can go on when there is room again.
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return reuse.DISK_TROUBLE
    except Exception as error:
        traceback.print_exc()
        journal.append("trial_event", **event, status="FAILED", error=f"{type(error).__name__}: {error}")
        return 1
    finally:
        heart.stop()
    if finished:
        journal.append("trial_event", **event, status="COMPLETE", error=None)
    elif stop.is_set():
        journal.append("trial_event", **event, status="STOPPED", error=None)
    return 0


def _run(spec: Spec, home: Path, journal: JournalWriter, heart: Heart, recorded: set[int], leave: Any) -> bool:
    """Train to the end, or until `leave` says to go; True when all epochs are done and everything is evaluated."""
    settings = spec.settings
    torch.set_num_threads(settings.threads)
    folder = trial_folder(home, spec.trial_id)
    dataset = Dataset.load(Path(spec.dataset))
    network = model.build(settings.backbone, len(dataset.classes), spec.weights.path, settings.seed)
    network = network.to(settings.device)
    mean, std = model.input_statistics(network)
    data = load_data(dataset, Path(spec.cache), mean, std)
    optimiser = training.make_optimiser(network, settings)
    key = run_key(settings, dataset.dataset_id, spec.weights.sha256)

    history, reused = _resume(spec, home, folder, key, network, optimiser)
    for entry in history:
        if entry["epoch"] not in recorded:
            _record(journal, spec, entry, reused=entry["epoch"] <= reused)
    heart.epoch = len(history) + 1
    for result in training.train(network, optimiser, data, settings, len(history), heart.tell):
        entry = {
            "epoch": result.epoch,
            "seconds": result.seconds,
            "images_per_second": result.images_per_second,
            "splits": {name: split.metrics() for name, split in result.splits.items()},
            "predictions": {"val": result.splits["val"].predictions()},
        }
        history.append(entry)
        checkpoint.save(folder, network, optimiser, history, key)  # durable before the record says so
        _record(journal, spec, entry, reused=False)
        _record_files(journal, spec, folder)
        heart.epoch = result.epoch + 1
        train, val = result.splits["train"], result.splits["val"]
        print(
            f"epoch {result.epoch}/{settings.epochs}  train loss {train.loss:.4f} accuracy {train.accuracy:.4f}  "
            f"val loss {val.loss:.4f} accuracy {val.accuracy:.4f}  {result.images_per_second:.1f} images/s",
            flush=True,
        )
        if leave() and result.epoch < settings.epochs:
            return False

    splits = [name for name in ("calibration", "test") if len(data.splits[name])]
    results = {name: training.evaluate(network, data, name, settings, heart.tell) for name in splits}
    facts = model.ModelFacts(
        backbone=settings.backbone, classes=list(dataset.classes), image_size=settings.image_size, mean=mean, std=std,
        settings=settings.to_json(), training_version=TRAINING_VERSION, trial_id=spec.trial_id,
        dataset_id=dataset.dataset_id, synthetic=dataset.synthetic, initial_weights=spec.weights.origin,
    )  # fmt: skip
    model.save_weights(network, facts, folder)
    journal.append(
        "evaluation", trial_id=spec.trial_id, search_id=spec.search_id, epoch=settings.epochs,
        splits={name: result.metrics() for name, result in results.items()},
        predictions={name: result.predictions() for name, result in results.items()},
    )  # fmt: skip
    if not spec.keep_checkpoint:
        reuse.drop(folder)
    _record_files(journal, spec, folder)
    return True


def load_data(dataset: Dataset, cache: Path, mean: list[float], std: list[float]) -> training.Data:
    """The decoded images and each split's rows; row i is the image with id i."""
    index = {name: place for place, name in enumerate(dataset.classes)}
    usable = dataset.usable
    labels = np.array([index[str(image.class_)] for image in usable], dtype=np.int64)
    split = np.array([image.split for image in usable])
    rows = {name: np.flatnonzero(split == name) for name in ("train", "calibration", "val", "test")}
    return training.Data(np.load(cache, mmap_mode="r"), labels, rows, dataset.classes, mean, std)


def _resume(
    spec: Spec,
    home: Path,
    folder: Path,
    key: dict[str, Any],
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
) -> tuple[checkpoint.History, int]:
    """State from the trial's own checkpoint, else from its parent's: (history, epochs of it that are the parent's)."""
    parent = trial_folder(home, spec.parent) if spec.parent else None
    inherited = reuse.continuable(parent, key) if parent else 0
    if reuse.continuable(folder, key):
        return checkpoint.load(folder, network, optimiser), inherited
    if parent and inherited:
        return checkpoint.load(parent, network, optimiser), inherited
    return [], 0


def _record(journal: JournalWriter, spec: Spec, entry: dict[str, Any], *, reused: bool) -> None:
    journal.append("epoch", trial_id=spec.trial_id, search_id=spec.search_id, reused=reused, **entry)


def _record_files(journal: JournalWriter, spec: Spec, folder: Path) -> None:
    taken = reuse.bytes_taken(folder)
    journal.append("files", trial_id=spec.trial_id, search_id=spec.search_id, bytes=taken)


def _recorded(home: Path, spec: Spec) -> tuple[set[int], str | None]:
    """Epochs of this trial that earlier attempts recorded, and the status that they left."""
    epochs: set[int] = set()
    last: tuple[tuple[int, int], str | None] = ((0, 0), None)
    for path in journal_files(home, spec.search_id):
        for record in read_records(path)[0]:
            if record.get("trial_id") != spec.trial_id:
                continue
            if record["kind"] == "epoch":
                epochs.add(record["epoch"])
            elif record["kind"] == "trial_event":
                last = max(last, ((record["attempt"], record["seq"]), record["status"]))
    return epochs, last[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
