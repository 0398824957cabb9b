"""What the check of labels looks at: a backbone's pooled features, or, where no weights are at hand, simple ones."""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.evaluation.label_check import Tell
from core.learning.settings import InitialWeights

BOTH, BACKBONE, SIMPLE = "both", "backbone", "simple"
IMAGE_SIZE: Final = 128  # px: small, since this runs on a CPU; InceptionV3's last feature map is 2 x 2 there
SIMPLE_WORDS: Final = "simple features"  # begins the method of a check that rests on them
SIMPLE_DETAILS: Final = "16 x 16 thumbnail and 48-bin RGB histogram"
WEAK: Final = "It rests on simple features, without a network: the check is weak, however high its accuracy."
STAGE: Final = "compute features"  # for people


@dataclass(frozen=True)
class Features:
    """Features (n, d), one row a usable image, and where they come from, in words."""

    values: NDArray[Any]
    words: str


def image_features(
    dataset: Dataset, home: Path, kind: str, backbone: str, weights: str, size: int, tell: Tell,
    leave: Callable[[], None], cancelled: Callable[[], bool],
) -> Features:  # fmt: skip
    """Features of every usable image of a dataset.

    Args:
        kind: BACKBONE, SIMPLE (a 16 x 16 thumbnail and a 48-bin RGB histogram), or BOTH side by side. Where no initial
            weights are at hand, SIMPLE is used whatever was asked for, and the words say so.
        weights: "auto" (kept in the home folder by an earlier search, else the model hub's), "none", or a file.
        size: side at which the backbone reads the images, in pixels.

    Raises DatasetError for images that are gone or have changed, ModelError for weights that do not fit, and what
    `leave` raises.
    """
    if kind == SIMPLE:
        return _simple(dataset, tell, leave, "as asked for")
    tell("load weights", 0, 0)
    settled = initial_weights(weights, backbone, home)
    leave()
    if settled.path is None:
        why = settled.origin.removeprefix("none: ").replace(", so the network starts from random weights", "")
        return _simple(dataset, tell, leave, "random weights say nothing" if weights == "none" else why)
    from core.data.cache import open_cache
    from core.learning.pooled import pooled_features  # here, since simple features need no torch

    squares = open_cache(dataset, size, home / "cache", lambda a, b: tell("decode images", a, b), cancelled)
    values = pooled_features(backbone, settled.path, squares, lambda a, b: tell(STAGE, a, b), leave)
    words = f"{backbone} at {size} px (averaged last feature map; weights: {settled.origin})"
    if kind == BACKBONE:
        return Features(values, words)
    added = _simple(dataset, lambda stage, a, b: tell("add simple features", a, b), leave, "")
    return Features(np.hstack([values, added.values]), f"{words}, {SIMPLE_DETAILS}")


def initial_weights(setting: str, backbone: str, home: Path) -> InitialWeights:
    """As `core.learning.model.prepare_weights`, but "auto" first takes what an earlier search kept here."""
    kept = sorted((home / "weights").glob(f"{glob.escape(backbone)}-{'?' * 16}.safetensors"), key=_time)
    if setting == "auto" and kept:
        return InitialWeights(str(kept[-1]), None, f"kept by an earlier search as {kept[-1].name}")
    from core.learning.model import prepare_weights

    return prepare_weights(setting, backbone, home / "weights")


def is_weak(method: str) -> bool:
    """Whether a recorded check rests on simple features."""
    return method.startswith(SIMPLE_WORDS)


def _simple(dataset: Dataset, tell: Tell, leave: Callable[[], None], why: str) -> Features:
    """(n, 816): 16 x 16 mean colours and three histograms of 16 bins."""
    from core.evaluation.audit_features import read_features

    rows = read_features(dataset.root, dataset.usable, lambda a, b: tell(STAGE, a, b), leave).rows
    return Features(np.hstack([rows["thumbnail"], rows["histogram"]]), f"{SIMPLE_WORDS} ({SIMPLE_DETAILS}; {why})")


def _time(path: Path) -> float:
    return path.stat().st_mtime
