"""Named ways to train so that a hospital's colours, camera and files do not stand in for the cell. No torch here.

A recipe changes some settings of a trial: its augmentation, how images become the network's input, its loss, which
layers are trained. What each gave on real cells stands in docs/results.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from core.learning.settings import SettingsError, TrialSettings

PLAIN = "plain"
RECOMMENDED = "masked-transfer"  # where class and source go together; chosen as docs/decisions/0009-recipes.md says

# Another microscope and camera: magnification, sharpness, noise, files; of colour only a little.
_CAMERA = {
    "magnification": 0.3, "detail": 0.5, "blur": 0.2, "noise": 0.03, "jpeg": 0.3, "brightness": 0.1, "contrast": 0.1,
    "saturation": 0.1, "stain": 0.05,
}  # fmt: skip
_COLOURS = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.5, "stain": 0.3}
_SURROUND = {**_CAMERA, "saturation": 0.3, "stain": 0.15, "transfer": 0.5, "surround": 0.6}


@dataclass(frozen=True)
class Recipe:
    """`what` says in one sentence what it does; the others are the settings that it changes, by their names."""

    name: str
    what: str
    augment: Mapping[str, float] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    trial: Mapping[str, Any] = field(default_factory=dict)


_ALL = (
    Recipe(PLAIN, "The search's own settings, as they are."),
    Recipe(
        "standardised", "Each image is standardised by its own mean and deviation, a channel.",
        input={"standardise": "image"},
    ),
    Recipe(
        "white-balance", "Each channel is divided by that of the empty glass around the cells.",
        input={"standardise": "white"},
    ),
    Recipe(
        "levelled", "Every image first loses what a small, strongly compressed file would: 48 px, JPEG quality 60.",
        input={"detail": 48, "quality": 60},
    ),
    Recipe(
        "frozen", "The first 40 % of the layers keep their weights; labels are smoothed by 0.1.",
        trial={"frozen": 0.4, "smoothing": 0.1},
    ),
    Recipe(
        "jitter", "Strong random colours, with random magnification, sharpness, noise and JPEG quality.",
        augment={**_CAMERA, **_COLOURS},
    ),
    Recipe(
        "transfer", "Four of five images take the colours of another training image; magnification, sharpness, noise "
        "and JPEG quality are random.", augment={**_CAMERA, "transfer": 0.8},
    ),
    Recipe(
        "masked-transfer", "As transfer, and what lies around the cell becomes empty glass.",
        augment={**_CAMERA, "transfer": 0.8}, input={"background": "masked"},
    ),
    Recipe(
        "surround", "Three of five cells move, restained, into another image's surroundings; half of the others take "
        "another image's colours; magnification, sharpness, noise and JPEG quality are random.", augment=_SURROUND,
    ),
    Recipe(
        "surround-white-balance", "As surround, with white balance.", augment=_SURROUND,
        input={"standardise": "white"},
    ),
    Recipe(
        "surround-standardised", "As surround, with each image standardised by itself.", augment=_SURROUND,
        input={"standardise": "image"},
    ),
    Recipe(
        "masked-surround", "As surround, and what lies around the cell becomes empty glass.",
        augment=_SURROUND, input={"background": "masked"},
    ),
    Recipe(
        "surround-frozen", "As surround, and the first 40 % of the layers keep their weights.", augment=_SURROUND,
        trial={"frozen": 0.4},
    ),
)  # fmt: skip

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})


def applied(name: str, trial: TrialSettings) -> TrialSettings:
    """A trial's settings with a recipe. Raises SettingsError when there is none of this name."""
    if name not in RECIPES:
        raise SettingsError(f"There is no recipe {name!r}; there are {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    return replace(
        trial, recipe=name, augment=replace(trial.augment, **recipe.augment),
        input=replace(trial.input, **recipe.input), **recipe.trial,
    )  # fmt: skip
