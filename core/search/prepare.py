"""What must be settled once before a search's first trial: data, decoded images, initial weights, device."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.data.cache import cache_path, open_cache
from core.data.dataset import Dataset, DatasetError
from core.data.importing import keep_description
from core.data.sample import make_sample
from core.data.scan import scan
from core.learning.settings import InitialWeights, ModelError, SettingsError
from core.paths import dataset_file
from core.search.settings import SAMPLE, SearchSettings, thread_share

SAMPLE_PER_CLASS = 60
Progress = Callable[[str, int, int], None]  # stage, images done, images in all


@dataclass(frozen=True)
class Prepared:
    """Settled for the whole life of the search and recorded, so that a resumed one goes on with the same."""

    dataset_id: str
    weights: InitialWeights
    device: str
    parallel: int
    threads: int
    gpu: str | None = None  # name of the GPU that it began on
    others: dict[str, InitialWeights] = field(default_factory=dict)  # by backbone, beside the first one

    @property
    def files(self) -> str | None:
        """The files that trials start from, as the setting names them; None: all start from random weights."""
        every = (self.weights, *self.others.values())
        paths = [weights.path or "none" for weights in every]
        return ",".join(dict.fromkeys(paths)) if any(weights.path for weights in every) else None

    def weights_of(self, backbone: str) -> InitialWeights:
        """What trials with this backbone start from."""
        return self.others.get(backbone, self.weights)


def read_data(settings: SearchSettings, home: Path, tell: Progress, cancelled: Callable[[], bool]) -> Dataset:
    """Scan the data of a search (made first, for the sample) and keep its description in the home folder.

    Raises DatasetError with one sentence when it cannot be used, ScanCancelled when `cancelled` says so.
    """
    source = Path(settings.data)
    if settings.data == SAMPLE:
        per_class = settings.per_class or SAMPLE_PER_CLASS
        source = home / "sample" / f"{per_class}-a-class-seed-{settings.seed}"
        make_sample(
            source, per_class=per_class, seed=settings.seed, cancelled=cancelled,
            progress=lambda a, b: tell("make sample", a, b),
        )  # fmt: skip
    dataset = scan(
        source, work=home / "datasets" / "extracted", seed=settings.seed, fractions=settings.fractions(),
        per_class=settings.per_class or None, progress=lambda a, b: tell("read images", a, b),
        comparing=lambda a, b: tell("compare images", a, b), cancelled=cancelled,
    )  # fmt: skip
    keep_description(dataset, home)
    return dataset


def decode_images(dataset: Dataset, size: int, home: Path, tell: Progress, cancelled: Callable[[], bool]) -> Path:
    """Build the cache of decoded images at one size, if it is not there; the file's path."""
    folder = home / "cache"
    open_cache(dataset, size, folder, lambda a, b: tell(f"decode at {size} px", a, b), cancelled)
    return cache_path(dataset, size, folder)


def settle(settings: SearchSettings, dataset_id: str, home: Path) -> Prepared:
    """Settle weights, device and processes. Raises ModelError, or SettingsError when there is no GPU but one is set."""
    import torch  # here, since a resumed search does not need it

    from core.learning.model import prepare_weights

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if settings.device == "cuda" and not gpus:
        raise SettingsError("device is cuda, but torch finds no GPU here; use auto or cpu.")
    device = "cuda" if gpus and settings.device != "cpu" else "cpu"
    most = gpus if device == "cuda" else os.cpu_count() or 1
    parallel = min(settings.parallel or (gpus if device == "cuda" else 1), most)
    names = settings.backbones
    weights, *others = (
        prepare_weights(settings.weights, name, home / "weights", alone=len(names) == 1) for name in names
    )
    gpu = torch.cuda.get_device_name(0) if device == "cuda" else None
    by_name = dict(zip(names[1:], others, strict=True))
    return Prepared(dataset_id, weights, device, parallel, thread_share(settings, parallel), gpu, by_name)


def recorded_data(
    settings: SearchSettings, recorded: dict[str, Any], home: Path, tell: Progress, cancelled: Callable[[], bool]
) -> tuple[Dataset, Prepared]:
    """The data of a search that has begun, read again where its description is gone, and what it settled.

    Raises DatasetError when the data have changed since; otherwise as `read_data` and `settled_again` do.
    """
    file = dataset_file(home, recorded["dataset_id"])
    dataset = Dataset.load(file) if file.exists() else read_data(settings, home, tell, cancelled)
    if dataset.dataset_id != recorded["dataset_id"]:
        raise DatasetError(f"{settings.data} has changed since the search began; start a new search on it.")
    return dataset, settled_again(recorded["settled"], home)


def settled_again(recorded: dict[str, Any], home: Path) -> Prepared:
    """What a search settled when it began, for going on with it.

    Raises ModelError when its initial weights are gone, SettingsError when it used a GPU and there is none now.
    """
    others = {name: _weights_again(weights, home) for name, weights in recorded.get("others", {}).items()}
    prepared = Prepared(**{**recorded, "weights": _weights_again(recorded["weights"], home), "others": others})
    if prepared.device == "cuda":
        import torch  # a search on the CPU is resumed without waiting for it

        if not torch.cuda.is_available():
            raise SettingsError("The search trains on a GPU, and torch finds none now; resume it where there is one.")
    return prepared


def _weights_again(recorded: dict[str, Any], home: Path) -> InitialWeights:
    """Initial weights where they lie now. Raises ModelError when they are gone."""
    weights = InitialWeights(**recorded)
    if weights.path is None or Path(weights.path).exists():
        return weights
    moved = home / "weights" / Path(weights.path).name
    if not moved.exists():
        raise ModelError(f"The initial weights {weights.path} are gone; put the file back, then resume.")
    return replace(weights, path=str(moved))
