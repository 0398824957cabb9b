"""Small made data sets with and without a planted shortcut, for the tests of the audit."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 36
Tint = Callable[[str, str], tuple[int, int, int]]  # class, source -> background


def grey(_class: str, _source: str) -> tuple[int, int, int]:
    return (120, 120, 120)


def cell(side: str, background: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """A bright spot left or right of the middle (what the classes are), on a noisy background."""
    pixels = np.array(background) + rng.normal(0, 12, (SIDE, SIDE, 3))
    down, across = rng.integers(14, 20), (10 if side == "left" else 22) + rng.integers(-1, 2)
    pixels[down : down + 6, across : across + 6] += 90
    return pixels.clip(0, 255).astype(np.uint8)


def make_set(
    root: Path, *, tint: Tint = grey, each: int = 20, sources: tuple[str, ...] = ("north", "south"),
    manifest: bool = True, quality: Callable[[str], int] | None = None, seed: int = 0, prefix: str = "{source}",
) -> Path:  # fmt: skip
    """Two classes, each with `each` images from each source; PNGs, or JPEGs of a quality by source."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in ("left", "right"):
        (root / name).mkdir(parents=True)
        for source in sources:
            for index in range(each):
                path = f"{name}/{prefix.format(source=source)}_{index:03d}.{'jpg' if quality else 'png'}"
                options = {"quality": quality(source)} if quality else {}
                Image.fromarray(cell(name, tint(name, source), rng)).save(root / path, **options)
                rows.append((path, source))
    if manifest:
        with (root / "manifest.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("file", "source"), *rows])
    return root
