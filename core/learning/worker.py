"""One trial, one process: `python -m core.learning.worker SPEC.json`.

Trains what the spec file says, records every epoch in a journal of its own, and saves each epoch's state before its
record. SIGTERM stops it after the current epoch; killed in any other way, its next attempt goes on from the last
whole epoch. When its controller dies it ends after the current epoch, for the controller's successor to go on.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import platform
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.dataset import Dataset
from core.data.sources import known_sources
from core.heart import Heart
from core.learning import checkpoint, cost, model, reuse, training
from core.learning.learner import Learner
from core.learning.results import SplitResult
from core.learning.settings import TRAINING_VERSION, InitialWeights, TrialSettings, run_key
from core.learning.swaps import SWAP, lenders_for, swapped_images
from core.locks import wait_lock
from core.paths import trial_folder, trial_lock, trial_name
from store.journal import JournalError, JournalWriter, journal_files, journal_folder, next_attempt, read_records


@dataclass(frozen=True)
class Spec:
    """All that a worker is told. Paths are absolute; `parent` is a trial whose checkpoint may be
    continued, `controller` the process that starts the worker."""

    home: str
    search_id: str
    trial_id: str
    settings: TrialSettings
    dataset: str
    cache: str
    weights: InitialWeights
    parent: str | None
    controller: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Spec:
        settings = TrialSettings.from_json(data["settings"])
        return Spec(**{**data, "settings": settings, "weights": InitialWeights(**data["weights"])})


class Trouble(Exception):
    """The trial cannot go on now, by no fault of its settings: no verdict; the message says what to mend."""


def main(spec_file: str) -> int:
    """Train the trial of a spec file; the exit code: 0 when its records say how it ended (or others see to it)."""
    try:
        return _main(Spec.from_json(json.loads(Path(spec_file).read_text())))
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)
        advice = " Free some disk space, then resume." if full or isinstance(error, JournalError) else " Then resume."
        print(f"{type(error).__name__}: {str(error).rstrip('.')}.{advice}", file=sys.stderr)
    return reuse.TROUBLE


def _main(spec: Spec) -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def leave() -> bool:
        """The person wants it to stop, or its controller is gone and a successor will start another attempt."""
        return stop.is_set() or os.getppid() != spec.controller

    home = Path(spec.home)
    if wait_lock(trial_lock(home, spec.trial_id), give_up=leave) is None:  # else held until the process ends
        return 0
    recorded, status = _recorded(home, spec)
    if status in ("COMPLETE", "FAILED"):
        return 0
    folder, name = journal_folder(home, spec.search_id), trial_name(spec.trial_id)
    journal = JournalWriter(folder, name, next_attempt(folder, name))

    def say(status: str, error: str | None = None) -> None:
        journal.append(
            "trial_event", trial_id=spec.trial_id, search_id=spec.search_id, attempt=journal.attempt, status=status,
            error=error, pid=os.getpid(), host=platform.node(),
        )  # fmt: skip

    say("RUNNING")
    heart = Heart(journal, spec.search_id, spec.trial_id)
    try:
        with training.memory_named(spec.settings):
            finished = _run(spec, home, journal, heart, recorded, leave)
    except training.TrainingError as error:
        say("FAILED", str(error))
        return 0
    finally:
        heart.stop()
    if finished:
        say("COMPLETE")
    elif stop.is_set():
        say("STOPPED")
    return 0


def _run(
    spec: Spec, home: Path, journal: JournalWriter, heart: Heart, recorded: set[int], leave: Callable[[], bool]
) -> bool:
    """Train to the end, or until `leave` says to go; True when all epochs are done and everything is evaluated."""
    settings = spec.settings
    torch.set_num_threads(settings.threads)
    folder = trial_folder(home, spec.trial_id)
    dataset = Dataset.load(Path(spec.dataset))
    key = run_key(settings, dataset.dataset_id, spec.weights.sha256)
    learner, history, reused = _start(spec, home, key, len(dataset.classes), recorded)
    mean, std = model.input_statistics(learner.model)
    data = replace(load_data(dataset, Path(spec.cache), mean, std), input=settings.input)

    for entry in history:
        _record(journal, spec, entry, recorded, reused=entry["epoch"] <= reused)
    heart.epoch = len(history) + 1
    for result in training.train(learner, data, settings, len(history), heart.tell):
        entry = {
            "epoch": result.epoch,
            "seconds": result.seconds,
            "images_per_second": result.images_per_second,
            "splits": {name: split.metrics() for name, split in result.splits.items()},
            "predictions": {"val": result.splits["val"].predictions()},
        }
        history.append(entry)
        checkpoint.save(folder, learner, history, key)  # durable before the record says so
        _record(journal, spec, entry, recorded, reused=False)
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
    results = {name: training.evaluate(learner.judged, data, name, settings, heart.tell) for name in splits}
    results |= _in_other_looks(learner, dataset, data, settings, heart.tell)
    facts = model.ModelFacts(
        backbone=settings.backbone, classes=list(dataset.classes), image_size=settings.image_size, mean=mean, std=std,
        settings=settings.to_json(), training_version=TRAINING_VERSION, trial_id=spec.trial_id,
        dataset_id=dataset.dataset_id, synthetic=dataset.synthetic, initial_weights=spec.weights.origin,
    )  # fmt: skip
    model.save_weights(learner.judged, facts, folder)
    journal.append(
        "evaluation", trial_id=spec.trial_id, search_id=spec.search_id, epoch=settings.epochs,
        splits={name: result.metrics() for name, result in results.items()},
        predictions={name: result.predictions() for name, result in results.items()},
    )  # fmt: skip
    _record_files(journal, spec, folder)
    _record_cost(journal, spec, learner, data, heart)
    return True


def _record_cost(journal: JournalWriter, spec: Spec, learner: Learner, data: training.Data, heart: Heart) -> None:
    """What the network costs; a trial that has its results and weights does not fail for want of these figures."""
    try:
        took = cost.measured(learner.judged, data, spec.settings, heart.tell)
    except (RuntimeError, MemoryError) as error:  # no memory left
        print(f"What the trial costs could not be measured ({type(error).__name__}).", flush=True)
        return
    journal.append("cost", trial_id=spec.trial_id, search_id=spec.search_id, **took)


def _in_other_looks(
    learner: Learner, dataset: Dataset, data: training.Data, settings: TrialSettings, tell: training.Progress
) -> dict[str, SplitResult]:
    """What the model says of validation images in the looks of another source; {} where a manifest names no two."""
    # The manifest's word alone: a guess or an edit may come while a search runs, and its trials must stay comparable.
    lenders = lenders_for(data.splits["val"].tolist(), data.splits["train"].tolist(), known_sources(dataset))
    if not lenders:
        return {}
    rows, images = swapped_images(data.images, lenders, lambda row: dataset.root / dataset.usable[row].path)
    own = replace(data, images=images, labels=data.labels[rows], splits={SWAP: np.arange(len(rows))})
    return {SWAP: replace(training.evaluate(learner.judged, own, SWAP, settings, tell), rows=rows)}


def load_data(dataset: Dataset, cache: Path, mean: list[float], std: list[float]) -> training.Data:
    """The decoded images and each split's rows; row i is the image with id i."""
    index = {name: place for place, name in enumerate(dataset.classes)}
    usable = dataset.usable
    labels = np.array([index[str(image.class_)] for image in usable], dtype=np.int64)
    split = np.array([image.split for image in usable])
    rows = {name: np.flatnonzero(split == name) for name in ("train", "calibration", "val", "test")}
    return training.Data(np.load(cache, mmap_mode="r"), labels, rows, dataset.classes, mean, std)


def _start(
    spec: Spec, home: Path, key: dict[str, Any], n_classes: int, recorded: set[int]
) -> tuple[Learner, checkpoint.History, int]:
    """The learner, the records of the epochs that it has behind it, and how many of those are the parent's.

    From the trial's own checkpoint, else from its parent's, else from the initial weights. A checkpoint that cannot be
    read is passed over: training again gives the same. Raises Trouble when earlier epochs were trained by another
    version, which would not give the same.
    """
    own = trial_folder(home, spec.trial_id)
    parent = trial_folder(home, spec.parent) if spec.parent else None
    if recorded and reuse.of_another_run(own, key):
        raise Trouble(
            f"{spec.trial_id} has epochs that another version of torch or of the training code trained, so it cannot "
            "be continued exactly; go back to that version, or delete the search and start it again."
        )
    inherited = reuse.continuable(parent, key) if parent else 0
    for folder in (own, parent, None):
        if folder is not None and not reuse.continuable(folder, key):
            continue
        network = model.build(spec.settings.backbone, n_classes, spec.weights.path, spec.settings.seed)
        learner = Learner(network.to(spec.settings.device), spec.settings)
        if folder is None:
            return learner, [], 0
        try:
            return learner, checkpoint.load(folder, learner), inherited
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            print(f"The checkpoint in {folder} cannot be read ({type(error).__name__}); training starts before it.")
    raise AssertionError("unreachable")


def _record(journal: JournalWriter, spec: Spec, entry: dict[str, Any], recorded: set[int], *, reused: bool) -> None:
    """Record an epoch, once in all attempts of the trial."""
    if entry["epoch"] not in recorded:
        journal.append("epoch", trial_id=spec.trial_id, search_id=spec.search_id, reused=reused, **entry)
        recorded.add(entry["epoch"])


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
