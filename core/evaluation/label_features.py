"""What the check of labels looks at: a backbone's pooled features, or, where no weights are at hand, simple ones."""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.cache import open_cache
from core.data.dataset import Dataset
from core.evaluation.label_check import Tell
from core.learning.settings import InitialWeights

BACKBONE, SIMPLE = "backbone", "simple"
IMAGE_SIZE: Final = 128  # px: seconds per thousand images on a CPU; InceptionV3's last map is 2 x 2 there
SIMPLE_WORDS: Final = "simple features"  # begins the method of a check that rests on them
THUMBNAIL: Final = 16  # px
BINS: Final = 16  # a channel


@dataclass(frozen=True)
class Features:
    """Features (n, D), one row a usable image, and where they come from, in words."""

    values: NDArray[np.float32]
    words: str


def image_features(
    dataset: Dataset, home: Path, kind: str, backbone: str, weights: str, size: int, tell: Tell,
    leave: Callable[[], None], cancelled: Callable[[], bool],
) -> Features:  # fmt: skip
    """Features of every usable image of a dataset.

    Args:
        kind: BACKBONE, or SIMPLE for a 16 x 16 thumbnail and a 48-bin RGB histogram: also what is used where
            BACKBONE is asked for and no initial weights are at hand, and then the words say so.
        weights: "auto" (weights kept in the home folder, else the model hub's), "none", or a file.
        size: side at which the images are read, in pixels.

    Raises DatasetError for images that are gone, ModelError for weights that do not fit, and what `leave` raises.
    """
    why = "as asked for"
    settled = None
    if kind == BACKBONE:
        tell("weights", 0, 0)
        settled = initial_weights(weights, backbone, home)
        why = settled.origin
        leave()
    squares = open_cache(dataset, size, home / "cache", lambda a, b: tell("decode images", a, b), cancelled)
    if settled is None or settled.path is None:
        return Features(
            simple_features(squares, tell, leave), f"{SIMPLE_WORDS} (16 x 16 thumbnail, RGB histogram; {why})"
        )
    from core.learning.pooled import pooled_features  # here, since simple features need no torch

    values = pooled_features(backbone, settled.path, squares, lambda a, b: tell("features", a, b), leave)
    return Features(values, f"{backbone} at {size} px, averaged last feature map ({why})")


def initial_weights(setting: str, backbone: str, home: Path) -> InitialWeights:
    """As `core.learning.model.prepare_weights`, but "auto" first takes what an earlier search kept here."""
    kept = sorted((home / "weights").glob(f"{glob.escape(backbone)}-{'?' * 16}.safetensors"), key=_time)
    if setting == "auto" and kept:
        return InitialWeights(str(kept[-1]), None, f"the initial weights kept as {kept[-1].name}")
    from core.learning.model import prepare_weights

    return prepare_weights(setting, backbone, home / "weights")


def simple_features(
    squares: NDArray[np.uint8], tell: Tell, leave: Callable[[], None] = lambda: None
) -> NDArray[np.float32]:
    """(n, 816) of uint8 RGB images (n, S, S, 3): 16 x 16 x 3 mean colours, then 3 histograms of 16 bins, as shares."""
    found = np.empty((len(squares), THUMBNAIL**2 * 3 + BINS * 3), np.float32)
    for place, square in enumerate(squares):
        if place % 100 == 0:
            leave()
            tell("features", place, len(squares))
        small = Image.fromarray(square).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
        found[place, : THUMBNAIL**2 * 3] = np.asarray(small, np.float32).ravel() / 255
        counts = [np.bincount((square[..., channel] // (256 // BINS)).ravel(), minlength=BINS) for channel in range(3)]
        found[place, THUMBNAIL**2 * 3 :] = np.concatenate(counts) / square[..., 0].size
    tell("features", len(squares), len(squares))
    return found


def is_weak(method: str) -> bool:
    """Whether a recorded check rests on simple features."""
    return method.startswith(SIMPLE_WORDS)


def _time(path: Path) -> float:
    return path.stat().st_mtime
