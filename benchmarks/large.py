"""A large store of made-up searches, and the same curves as the peers keep them: for measuring pages, not for reading.

1,000 trials of 100 epochs are the default, written through the same interfaces that a training uses.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.store.factory import write_search

TRIALS_A_SEARCH = 14  # the published 13 and a final one
METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")


@dataclass(frozen=True)
class Size:
    """How large: `trials` is rounded up to whole searches; val is predicted at every epoch, test at the last one."""

    trials: int = 1000
    epochs: int = 100
    val_images: int = 100
    test_images: int = 650


def write_ours(home: Path, size: Size) -> int:
    """Journals of so many trials; the number of trials written. A finished home is left as it is."""
    searches = -(-size.trials // TRIALS_A_SEARCH)
    done = home / f"large-{size.trials}-{size.epochs}-{size.val_images}-{size.test_images}"
    if not done.exists():
        for seed in range(searches):
            write_search(home, seed=seed, epochs=size.epochs, n_val=size.val_images, n_test=size.test_images)
            print(f"\rsearch {seed + 1} of {searches}", end="", flush=True)
        print()
        done.touch()
    return searches * TRIALS_A_SEARCH


def write_optuna(folder: Path, size: Size) -> str:
    """The trials as one Optuna study on SQLite, an intermediate value an epoch; the storage's address.

    Raises ImportError when Optuna is not installed.
    """
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"sqlite:///{folder / 'optuna.db'}"
    if (folder / "done").exists():
        return address
    study = optuna.create_study(storage=address, study_name="large", direction="maximize", load_if_exists=True)
    distributions = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True),
        "batch_size": optuna.distributions.IntDistribution(10, 50),
    }
    trials = [
        optuna.trial.create_trial(
            params={"learning_rate": rate, "batch_size": batch},
            distributions=distributions,
            value=float(curve[-1]),
            intermediate_values={epoch + 1: float(value) for epoch, value in enumerate(curve)},
        )
        for rate, batch, curve in _curves(size)
    ]
    study.add_trials(trials)
    (folder / "done").touch()
    return address


def write_mlflow(folder: Path, size: Size) -> str:
    """The trials as runs of one MLflow experiment on SQLite, four metrics an epoch; the store's address.

    Raises ImportError when MLflow is not installed.
    """
    mlflow = importlib.import_module("mlflow")
    entities = importlib.import_module("mlflow.entities")
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table that it creates
    folder.mkdir(parents=True, exist_ok=True)
    address = f"sqlite:///{folder / 'mlflow.db'}"
    if (folder / "done").exists():
        return address
    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.create_experiment("large", artifact_location=str(folder / "artifacts"))
    for rate, batch, curve in _curves(size):
        run_id = client.create_run(experiment).info.run_id
        metrics = [
            entities.Metric(name, float(value), int(time.time() * 1000), epoch)
            for epoch, value in enumerate(curve, start=1)
            for name in METRICS
        ]
        params = [entities.Param("learning_rate", str(rate)), entities.Param("batch_size", str(batch))]
        client.log_batch(run_id, metrics[:1000], params)
        for start in range(1000, len(metrics), 1000):  # as many as one call takes
            client.log_batch(run_id, metrics[start : start + 1000])
        client.set_terminated(run_id)
    (folder / "done").touch()
    return address


def write_tensorboard(folder: Path, size: Size) -> Path:
    """The trials as event files, loss and accuracy of train and val an epoch; the log folder.

    Raises ImportError when tensorboardX is not installed.
    """
    writer = importlib.import_module("tensorboardX").SummaryWriter
    if (folder / "done").exists():
        return folder
    for number, (_, _, curve) in enumerate(_curves(size)):
        with writer(str(folder / f"trial-{number:04d}")) as out:
            for epoch, value in enumerate(curve, start=1):
                for name in METRICS:
                    out.add_scalar(name, float(value), epoch)
    (folder / "done").touch()
    return folder


def _curves(size: Size) -> Iterator[tuple[float, int, np.ndarray]]:
    rng = np.random.default_rng(0)
    for number in range(size.trials):
        rise = 1 - np.exp(-np.arange(1, size.epochs + 1) / 20)
        yield 10.0 ** -(1 + number % 5), 10 + 10 * (number % 5), rise + rng.normal(0, 0.01, size.epochs)
