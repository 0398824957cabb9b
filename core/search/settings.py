"""What a search is run with: every setting of the command line and of the launch form, with label, unit and help.

No torch and no Streamlit here. `SearchSettings` is what the journal keeps of a search, as JSON.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.learning.recipes import PLAIN, RECIPES, RECOMMENDED, applied
from core.learning.settings import OPTIMISERS, AugmentSettings, SettingsError, TrialSettings
from core.search.space import Add, Choose, Coordinate, Divide, Grow, SearchSpace

SAMPLE = "sample"  # the data setting that means: make synthetic sample cells
GSECA, EVERY = "gseca", "every"
LEAST_SIDES = {"inception": 75, "alexnet": 63}  # px, by how a backbone's name begins; the others of README read 32


def _setting(
    default: Any, label: str, help_text: str, choices: tuple[str, ...] = (), several: tuple[str, ...] = ()
) -> Any:
    """`choices`: one of these; `several`: one or more of these, separated by commas."""
    metadata = {"label": label, "help": help_text, "choices": choices, "several": several}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class SearchSettings:
    """Settings of one search. `label` and `help` of each field are in its metadata, for the form and `--help`."""

    data: str = _setting(
        SAMPLE, "Data", "Folder with one sub-folder a class (or train, val, test above them), a zip, a MedMNIST .npz, "
        "or 'sample' for synthetic cells."
    )  # fmt: skip
    name: str = _setting("", "Name", "Shown in lists; empty for one made from the data.")
    preset: str = _setting("published", "Preset", "Which set of defaults this search started from.")
    method: str = _setting(
        GSECA, "Method", "gseca climbs one coordinate at a time; every trains each combination of the listed backbones "
        "and recipes once, to compare them.", (GSECA, EVERY),
    )  # fmt: skip
    backbone: str = _setting(
        "inception_v3",
        "Backbone",
        "Any timm model name, googlenet or alexnet; several, separated by commas, are a coordinate of the search.",
    )
    recipe: str = _setting(
        PLAIN, "Recipe", f"How to train against shortcuts: {', '.join(RECIPES)}. Recommended where each class comes "
        f"from one hospital: {RECOMMENDED}. Several, separated by commas, are a coordinate of the search.",
        several=tuple(RECIPES),
    )  # fmt: skip
    weights: str = _setting(
        "auto", "Initial weights", "auto: timm's pretrained weights where a model hub answers, else none; "
        "a .safetensors or .pth file of the backbone (of several backbones: files, separated by commas; one that no "
        "file fits starts as with auto); none: random."
    )  # fmt: skip
    image_size: int = _setting(299, "Image size (px)", "Side to which the images are scaled for the search.")
    final_image_size: int = _setting(0, "Final image size (px)", "Side for the final training; 0: as in the search.")
    learning_rate: float = _setting(1e-2, "Learning rate, start", "First learning rate; each update divides it by 10.")
    learning_rate_bound: float = _setting(1e-6, "Learning rate, bound", "The search does not go below it.")
    batch_size: int = _setting(10, "Batch size, start", "First batch size, in images; each update adds 10.")
    batch_size_bound: int = _setting(60, "Batch size, bound", "The search does not go above it.")
    epochs: int = _setting(20, "Epochs, start", "First number of epochs; each update multiplies it by 1.2.")
    patience: int = _setting(2, "Patience (cycles)", "DE_COUNT at which the search stops.")
    max_trials: int = _setting(0, "Most trials", "An upper bound on the trials of the search; 0: none.")
    seed: int = _setting(0, "Seed", "Decides split, initial head, order and augmentation.")
    final_seeds: int = _setting(3, "Final trainings", "How often the best point is trained again, from other seeds.")
    optimiser: str = _setting("adamw", "Optimiser", "AdamW, Adam or SGD (momentum 0.9).", OPTIMISERS)
    weight_decay: float = _setting(0.01, "Weight decay", "Weight decay of the optimiser.")
    average: float = _setting(
        0.0, "Weight averaging", "Evaluate and keep a running average of the weights over the steps with this decay "
        "(0.98: about the last 50 steps), steadier than the last step's; 0: off, as in the study."
    )  # fmt: skip
    norm_images: int = _setting(
        0, "Batch norm images", "After each epoch batch norm's statistics are estimated on so many training images; "
        "0: the running ones, as in the study, which lag behind the weights."
    )  # fmt: skip
    per_class: int = _setting(0, "Images a class", "At most so many images of each class are used; 0: all.")
    calibration: int = _setting(10, "Calibration (%)", "Share kept for calibration; not used by training or search.")
    validation: int = _setting(15, "Validation (%)", "Share on which the search chooses.")
    test: int = _setting(15, "Test (%)", "Share reported at the end; never used to choose.")
    device: str = _setting("auto", "Device", "auto: a GPU where there is one.", ("auto", "cpu", "cuda"))
    parallel: int = _setting(0, "Trials at once", "0: one a GPU, or one on the CPU.")
    threads: int = _setting(0, "Threads a trial", "CPU threads of each training process; 0: all cores shared out.")
    reuse: str = _setting("yes", "Continue trials", "Continue a finished trial of fewer epochs.", ("yes", "no"))
    augment: AugmentSettings = field(default_factory=AugmentSettings, metadata={"label": "Augmentation"})

    def check(self) -> None:
        """Raise SettingsError with one sentence about the first unusable setting."""
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise SettingsError(f"{spec.name} is {value}; it must be a finite number.")
        if self.seed + self.final_seeds >= 2**32:
            raise SettingsError(f"seed is {self.seed}; it must be below {2**32}.")
        at_least = {
            "image_size": 32, "batch_size": 2, "epochs": 1, "patience": 1, "max_trials": 0, "final_seeds": 0,
            "final_image_size": 0, "per_class": 0, "parallel": 0, "threads": 0, "seed": 0, "weight_decay": 0,
            "norm_images": 0, "calibration": 0, "validation": 1, "test": 1,
        }  # fmt: skip
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least {least}.")
        for name in ("backbone", "recipe"):
            listed = _listed(getattr(self, name))
            if not listed or len(set(listed)) != len(listed):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; name at least one, and each only once.")
        for recipe in self.recipes:
            applied(recipe, TrialSettings())
        if self.method == EVERY and len(self.backbones) * len(self.recipes) < 2:
            raise SettingsError("method is every, but there is one point only; list several recipes or backbones.")
        for name in self.backbones:
            for size in ("image_size", "final_image_size"):
                side, least = getattr(self, size), _least_side(name)
                if 0 < side < least:
                    raise SettingsError(f"{size} is {side}; {name} needs at least {least} px.")
        if not 0 < self.learning_rate_bound <= self.learning_rate:
            raise SettingsError(
                f"learning_rate is {self.learning_rate}; it must be above 0 and not below its bound "
                f"{self.learning_rate_bound}."
            )
        if self.batch_size > self.batch_size_bound:
            raise SettingsError(f"batch_size {self.batch_size} lies above its bound {self.batch_size_bound}.")
        if self.calibration + self.validation + self.test >= 100:
            raise SettingsError("calibration, validation and test together leave no image to train on.")
        for spec in fields(self):
            choices = spec.metadata.get("choices") or ()
            if choices and getattr(self, spec.name) not in choices:
                raise SettingsError(f"{spec.name} is {getattr(self, spec.name)!r}; allowed are {', '.join(choices)}.")
        if self.norm_images == 1:
            raise SettingsError("norm_images is 1; it must be 0 or at least 2, since one image has no variance.")
        if not 0 <= self.average < 1:
            raise SettingsError(f"average is {self.average}; it must lie between 0 and below 1.")
        if not self.data.strip():
            raise SettingsError("data is empty; give a folder, a zip, a MedMNIST .npz or 'sample'.")
        self.augment.check()

    @property
    def backbones(self) -> tuple[str, ...]:
        return _listed(self.backbone)

    @property
    def recipes(self) -> tuple[str, ...]:
        return _listed(self.recipe)

    def space(self) -> SearchSpace:
        """The published space with this search's starts and bounds, in the published order; then what is listed."""
        coordinates: list[Coordinate] = [
            Add("batch_size", self.batch_size, 10, self.batch_size_bound),
            Grow("epochs", self.epochs, 1.2),
            Divide("learning_rate", self.learning_rate, 10, self.learning_rate_bound),
        ]
        for name, choices in (("backbone", self.backbones), ("recipe", self.recipes)):
            if len(choices) > 1:
                coordinates.append(Choose(name, choices))
        return SearchSpace(tuple(coordinates))

    def fractions(self) -> dict[str, float]:
        """Share of each split, in [0, 1]."""
        held = {"calibration": self.calibration, "val": self.validation, "test": self.test}
        return {"train": (100 - sum(held.values())) / 100} | {name: part / 100 for name, part in held.items()}

    def trial(self, point: dict[str, Any], *, seed: int, image_size: int, device: str, threads: int) -> TrialSettings:
        """The settings of one trial of this search at a point."""
        trial = TrialSettings(
            backbone=str(point.get("backbone", self.backbones[0])),
            image_size=image_size,
            learning_rate=float(point["learning_rate"]),
            batch_size=int(point["batch_size"]),
            epochs=int(point["epochs"]),
            seed=seed,
            optimiser=self.optimiser,
            weight_decay=self.weight_decay,
            average=self.average,
            norm_images=self.norm_images,
            device=device,
            threads=threads,
            augment=self.augment,
        )
        return applied(str(point.get("recipe", self.recipes[0])), trial)

    def absolute(self) -> SearchSettings:
        """The same with absolute paths, so that it means the same to a process that starts elsewhere."""
        data = self.data if self.data == SAMPLE else str(Path(self.data).expanduser().absolute())
        weights = ",".join(
            part if part in ("auto", "none") else str(Path(part).expanduser().absolute())
            for part in _listed(self.weights)
        )
        return replace(self, data=data, weights=weights)

    def title(self) -> str:
        """The name to show."""
        if self.name:
            return self.name
        return "sample cells (synthetic)" if self.data == SAMPLE else Path(self.data).name

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> SearchSettings:
        """Settings from a journal; fields that this version does not know are ignored."""
        known = {spec.name for spec in fields(SearchSettings)}
        kept = {name: value for name, value in data.items() if name in known}
        return SearchSettings(**{**kept, "augment": AugmentSettings(**data.get("augment", {}))})


def _least_side(backbone: str) -> int:
    """The smallest image, in px, from which the backbone makes anything."""
    return next((least for start, least in LEAST_SIDES.items() if backbone.startswith(start)), 0)


def _listed(text: str) -> tuple[str, ...]:
    """What a setting names, separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def preset(name: str) -> SearchSettings:
    """The defaults of a preset: 'published' (the study's space and split), 'quick' (minutes on a CPU), 'own'.

    The latter two average weights and estimate batch norm's statistics, as docs/decisions/0006 explains.

    Raises SettingsError for another name.
    """
    if name == "published":
        return SearchSettings(calibration=0)
    own = SearchSettings(preset="own", average=0.98, norm_images=256)
    if name == "own":
        return own
    if name == "quick":
        return replace(own, preset="quick", image_size=75, epochs=2, per_class=60, final_seeds=1)
    raise SettingsError(f"There is no preset {name!r}; allowed are published, own and quick.")


PRESETS = ("published", "own", "quick")


def thread_share(settings: SearchSettings, workers: int) -> int:
    """CPU threads for each of so many training processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.threads or max(1, cores // workers)
