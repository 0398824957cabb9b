"""What one trial is trained with. No torch here: the pages and the controller read these too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any

TRAINING_VERSION = "2"  # raise it when a change gives other bits: checkpoints of another version are not continued

OPTIMISERS = ("adamw", "adam", "sgd")
STANDARDISE = ("backbone", "image", "white")
BACKGROUND = ("kept", "masked")


class SettingsError(ValueError):
    """A setting is not usable; the message names it, its value and what is allowed."""


class ModelError(ValueError):
    """A backbone or a weights file is not usable; the message says which, why and what to do."""


@dataclass(frozen=True)
class InitialWeights:
    """Where a search's trials start from. `path` None: random. `origin` says it in words for a person."""

    path: str | None
    sha256: str | None
    origin: str


@dataclass(frozen=True)
class AugmentSettings:
    """Strength of each augmentation; 0 switches it off.

    Rates are probabilities in [0, 1]; `rotation` is in degrees; `scale` is the least side length kept, as a share of
    the image's; the jitters are the largest relative change; `noise` is a standard deviation on a 0..1 scale.
    `magnification` is the largest relative change of the cell's size, both ways. With probability `detail` an image
    loses resolution, with `jpeg` it is encoded again, with `transfer` it takes the colours of another training image,
    with `surround` its cell, restained, moves into the surroundings of another training image.
    """

    flip: float = 0.5
    rotation: float = 180.0
    scale: float = 0.9
    brightness: float = 0.1
    contrast: float = 0.1
    saturation: float = 0.1
    stain: float = 0.03
    blur: float = 0.0
    noise: float = 0.0
    magnification: float = 0.0
    detail: float = 0.0
    jpeg: float = 0.0
    transfer: float = 0.0
    surround: float = 0.0

    def check(self) -> None:
        """Raise SettingsError naming the first setting out of range."""
        ranges = {"rotation": (0.0, 180.0), "scale": (0.8, 1.0)}
        for spec in fields(self):
            low, high = ranges.get(spec.name, (0.0, 1.0))
            value = getattr(self, spec.name)
            if not low <= value <= high:  # NaN too
                raise SettingsError(f"augment.{spec.name} is {value}; it must lie between {low} and {high}.")


NO_AUGMENTATION = AugmentSettings(0, 0, 1, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class InputSettings:
    """How an image becomes the network's input, alike in training and in use.

    `standardise`: by the mean and deviation that the backbone expects ("backbone"), the same after each channel is
    divided by the empty glass's ("white": transmittance), or by each image's own mean and deviation, a channel
    ("image"). `background`: "masked" gives all that lies around the cell the colour of empty glass. `detail` (px) is
    the side to which every image is reduced first, `quality` (1 to 100) that of the JPEG that it then becomes; 0
    leaves it.
    """

    standardise: str = "backbone"
    background: str = "kept"
    detail: int = 0
    quality: int = 0

    def check(self) -> None:
        """Raise SettingsError naming the first setting that is not allowed."""
        for name, allowed in (("standardise", STANDARDISE), ("background", BACKGROUND)):
            if getattr(self, name) not in allowed:
                raise SettingsError(f"input.{name} is {getattr(self, name)!r}; allowed are {', '.join(allowed)}.")
        if self.detail and self.detail < 16:
            raise SettingsError(f"input.detail is {self.detail}; it must be 0 or at least 16 px.")
        if not 0 <= self.quality <= 100:
            raise SettingsError(f"input.quality is {self.quality}; it must lie between 0 and 100.")


@dataclass(frozen=True)
class TrialSettings:
    """All that decides a trial's numbers, together with the data and the initial weights."""

    backbone: str = "inception_v3"
    image_size: int = 299
    learning_rate: float = 1e-2
    batch_size: int = 10
    epochs: int = 20
    seed: int = 0
    optimiser: str = "adamw"
    weight_decay: float = 0.01
    average: float = 0.0  # decay of the running average of the weights, a step; 0: the weights as they are
    norm_images: int = 0  # images on which batch norm's statistics are estimated after an epoch; 0: the running ones
    device: str = "cpu"
    threads: int = 2
    smoothing: float = 0.0  # of the labels, in [0, 1): the share of the target spread over all classes
    frozen: float = 0.0  # share of the backbone's layers, from the image on, that keep their initial weights
    recipe: str = "plain"  # the named preset (core.learning.recipes) that some of these come from
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    input: InputSettings = field(default_factory=InputSettings)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> TrialSettings:
        nested = {"augment": AugmentSettings(**data["augment"]), "input": InputSettings(**data.get("input", {}))}
        return TrialSettings(**{**data, **nested})


_LATER_AUGMENT = ("magnification", "detail", "jpeg", "transfer", "surround")
_LATER: dict[str, Any] = {"smoothing": 0.0, "frozen": 0.0, "input": asdict(InputSettings())}


def run_key(settings: TrialSettings, dataset_id: str, weights_sha256: str | None) -> dict[str, Any]:
    """What must be equal for one trial to continue another's checkpoint: everything but the number of epochs.

    The thread count and the torch version are in it, since other values of them give other bits. Settings that later
    versions brought are in it where they are used, so that what an earlier version began can be continued.
    """
    key = settings.to_json()
    del key["epochs"], key["recipe"]  # a name; what it stands for counts
    key["augment"] = {name: value for name, value in key["augment"].items() if value or name not in _LATER_AUGMENT}
    key = {name: value for name, value in key.items() if name not in _LATER or value != _LATER[name]}
    if settings.frozen:
        key["frozen_norms"] = "kept"  # the first version of frozen layers estimated them anew: other bits
    return key | {
        "dataset_id": dataset_id,
        "weights_sha256": weights_sha256,
        "training_version": TRAINING_VERSION,
        "torch": version("torch"),
    }
