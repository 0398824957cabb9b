"""What one trial is trained with. No torch here: the pages and the controller read these too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any

TRAINING_VERSION = "2"  # raise it when a change gives other bits: checkpoints of another version are not continued

OPTIMISERS = ("adamw", "adam", "sgd")


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
    augment: AugmentSettings = field(default_factory=AugmentSettings)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> TrialSettings:
        return TrialSettings(**{**data, "augment": AugmentSettings(**data["augment"])})


def run_key(settings: TrialSettings, dataset_id: str, weights_sha256: str | None) -> dict[str, Any]:
    """What must be equal for one trial to continue another's checkpoint: everything but the number of epochs.

    The thread count and the torch version are in it, since other values of them give other bits.
    """
    key = settings.to_json()
    del key["epochs"]
    return key | {
        "dataset_id": dataset_id,
        "weights_sha256": weights_sha256,
        "training_version": TRAINING_VERSION,
        "torch": version("torch"),
    }
