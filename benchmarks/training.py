"""Training throughput, against the arithmetic's ceiling and against the plain loop that a user would write.

Three loops train the same timm model at the same image and batch size on the same images, in interleaved rounds:
the ceiling (forward, backward and optimiser step over batches that are ready in memory), ours (a real epoch of
core.learning.training on its train split, augmentation included) and the plain loop (benchmarks.plain). What is
compared are images per second of training; evaluation is in none of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import plain
from benchmarks.measure import Spread, cores, heading, ratios
from core.data.cache import cache_path, open_cache
from core.data.dataset import Dataset
from core.data.sample import make_sample
from core.data.scan import scan
from core.learning import model
from core.learning.learner import Learner, make_optimiser
from core.learning.settings import TrialSettings
from core.learning.training import Data, batches, train
from core.learning.worker import load_data

WORKERS_TRIED = (0, 1, 2)
SAMPLE_SIZE = 360  # side of a sample cell in pixels: about that of the study's images


@dataclass(frozen=True)
class Options:
    """What to measure. `data` None: sample cells; `images` is how many an epoch trains on."""

    data: Path | None = None
    backbone: str = "inception_v3"
    image_size: int = 96
    batch_size: int = 10
    images: int = 300
    rounds: int = 3
    threads: int = field(default_factory=cores)
    seed: int = 0

    def check(self) -> None:
        """Raise ValueError when they cannot be measured."""
        if self.images % self.batch_size or self.images < self.batch_size:
            raise ValueError(f"images is {self.images}; it must be a multiple of the batch size {self.batch_size}.")
        if min(self.batch_size, self.rounds, self.threads) < 1 or self.batch_size < 2:
            raise ValueError("rounds and threads must be at least 1, batch_size at least 2.")


@dataclass(frozen=True)
class Result:
    """Images per second of each loop, a value a round, and the plain loop's rate by number of workers."""

    ceiling: list[float]
    ours: list[float]
    plain: list[float]
    by_workers: dict[int, float]

    @property
    def workers(self) -> int:
        return max(self.by_workers, key=lambda count: self.by_workers[count])


def measure(options: Options) -> Result:
    """Run all three loops. Raises ValueError when the data hold too few training images."""
    options.check()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory(prefix="cellascent-bench-") as folder:
        return _measure(options, Path(folder))


def report(options: Options, result: Result) -> str:
    """The result in words."""
    tried = ", ".join(f"{count}: {rate:.1f}" for count, rate in result.by_workers.items())
    source = f"images of {options.data}" if options.data else f"synthetic sample cells of {SAMPLE_SIZE} px"
    return "\n".join(
        [
            f"training throughput: {options.backbone}, {options.image_size} px, batch size {options.batch_size}, "
            f"{options.images} images an epoch, rounds: {options.rounds}, threads: {options.threads}, {source}",
            f"  ceiling (steps on batches in memory)        {Spread.of(result.ceiling)} images/s",
            f"  ours (an epoch with augmentation)           {Spread.of(result.ours)} images/s",
            f"  plain (ImageFolder, DataLoader, workers: {result.workers}) {Spread.of(result.plain)} images/s",
            f"  plain by number of workers                  {tried} images/s",
            f"  ours / ceiling                              {ratios(result.ours, result.ceiling)}  (target: 0.9)",
            f"  ours / plain                                {ratios(result.ours, result.plain)}",
        ]
    )


def _measure(options: Options, folder: Path) -> Result:
    source = options.data
    if source is None:
        per_class = -(-options.images // 3) + 8  # three fifths of five classes are training images
        source = make_sample(folder / "sample", per_class=per_class, size=SAMPLE_SIZE, seed=options.seed)
    dataset = scan(source, work=folder / "extracted", seed=options.seed)
    data = _data(dataset, options, folder)
    files = link_files(dataset, data.splits["train"], folder / "files")
    by_user = _Plain(options, data, files)
    result = Result([], [], [], by_user.try_workers())
    ceiling, ours = _Ceiling(options, data), _Ours(options, data)
    for number in range(options.rounds + 1):
        rates = ceiling.epoch(), ours.epoch(), by_user.epoch()
        if number:  # the first round only warms up
            for kept, rate in zip((result.ceiling, result.ours, result.plain), rates, strict=True):
                kept.append(rate)
    return result


def _data(dataset: Dataset, options: Options, folder: Path) -> Data:
    """The cached images, with `options.images` of the train split and a validation split as small as can be."""
    open_cache(dataset, options.image_size, folder / "cache")
    mean, std = model.input_statistics(_network(options, len(dataset.classes)))
    whole = load_data(dataset, cache_path(dataset, options.image_size, folder / "cache"), mean, std)
    rows = whole.splits["train"]
    if len(rows) < options.images:
        raise ValueError(f"The data have {len(rows)} training images; give --images {len(rows)} or fewer.")
    chosen = np.sort(np.random.default_rng(options.seed).permutation(rows)[: options.images])
    splits = {"train": chosen, "val": whole.splits["val"][:1]}
    return Data(whole.images, whole.labels, splits, whole.classes, mean, std)


def link_files(dataset: Dataset, rows: np.ndarray, folder: Path) -> Path:
    """A folder with one sub-folder a class that links to the original files of these images."""
    for row in rows:
        image = dataset.usable[int(row)]
        path = folder / str(image.class_) / f"{image.image_id}{Path(image.path).suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(dataset.root / image.path)
    return folder


def _settings(options: Options) -> TrialSettings:
    return TrialSettings(
        backbone=options.backbone, image_size=options.image_size, learning_rate=1e-4, batch_size=options.batch_size,
        epochs=1, seed=options.seed, threads=options.threads,
    )  # fmt: skip


def _network(options: Options, n_classes: int) -> torch.nn.Module:
    return model.build(options.backbone, n_classes, None, options.seed)


class _Ceiling:
    """Forward, backward and optimiser step over prepared batches: what the arithmetic alone takes."""

    def __init__(self, options: Options, data: Data) -> None:
        self._model = _network(options, len(data.classes))
        self._optimiser = make_optimiser(self._model, _settings(options))
        self._batches: list[tuple[Tensor, Tensor]] = [
            (data.standardised(data.batch(rows, torch.device("cpu"))), torch.from_numpy(data.labels[rows]))
            for rows in batches(data.splits["train"], options.batch_size)
        ]

    def epoch(self) -> float:
        started, seen = time.perf_counter(), 0
        self._model.train()
        for images, target in self._batches:
            self._optimiser.zero_grad(set_to_none=True)
            functional.cross_entropy(self._model(images), target).backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            seen += len(target)
        return seen / (time.perf_counter() - started)


class _Ours:
    """Epoch after epoch of the real training."""

    def __init__(self, options: Options, data: Data) -> None:
        network = _network(options, len(data.classes))
        settings = TrialSettings(**{**vars(_settings(options)), "epochs": options.rounds + 1})
        self._results = train(Learner(network, settings), data, settings, 0, lambda _stage, _done, _total: None)

    def epoch(self) -> float:
        return next(self._results).images_per_second


class _Plain:
    """The plain loop, with the number of loader processes that serves it best."""

    def __init__(self, options: Options, data: Data, files: Path) -> None:
        self._loop = plain.PlainLoop(options.backbone, len(data.classes))
        self._images = plain.dataset(files, options.image_size, data.mean, data.std)
        self._batch_size, self._n = options.batch_size, options.images
        self._loader: object = None

    def try_workers(self) -> dict[int, float]:
        """Images per second by number of workers, each in its second epoch; the best one is used from then on."""
        rates, loaders = {}, {}
        for count in WORKERS_TRIED:
            self._loader = loaders[count] = plain.loader(self._images, self._batch_size, count)
            self.epoch()
            rates[count] = self.epoch()
        self._loader = loaders[max(rates, key=lambda count: rates[count])]
        return rates  # the other loaders end here, with their processes

    def epoch(self) -> float:
        return self._n / self._loop.epoch(self._loader)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    default = Options()
    parser.add_argument("--data", type=Path, help="folder, zip or .npz (default: sample cells made on the fly)")
    parser.add_argument("--backbone", default=default.backbone)
    for name in ("image_size", "batch_size", "images", "rounds", "threads", "seed"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    options = Options(**vars(parser.parse_args(argv)))
    try:
        result = measure(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(heading("Training throughput", options.seed) + "\n\n" + report(options, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
