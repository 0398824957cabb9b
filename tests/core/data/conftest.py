"""Small data sets made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


def picture(number: int, side: int = 12) -> Image.Image:
    """An image that no other number gives."""
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """make({"train/a": 3, ...}, name) -> a folder with that many different PNGs in each sub-folder."""

    def make(counts: Mapping[str, int], name: str = "data", first: int = 0) -> Path:
        root = tmp_path / name
        number = first
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                picture(number).save(root / folder / f"{index:04d}.png")
                number += 1
        return root

    return make


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where archives are unpacked."""
    return tmp_path / "work"
