"""Made-up fields of a smear: red cells with a pale middle, and white cells with a nucleus of one or more lobes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

GLASS = np.array([212, 214, 208])
RED, NUCLEUS, CYTOPLASM, PLATELET = (  # optical densities in R, G and B
    np.array(one) for one in ((0.05, 0.13, 0.11), (0.20, 0.33, 0.02), (0.05, 0.10, 0.01), (0.12, 0.14, 0.02))
)


@dataclass(frozen=True)
class White:
    """A white cell: its middle, and the lobes (dx, dy, radius) of its nucleus, all in red cells' diameters."""

    x: float
    y: float
    radius: float = 0.95
    lobes: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.62),)

    def corners(self, unit: float) -> tuple[float, float, float, float]:
        """Left, top, right, bottom (px) where a red cell measures `unit` px."""
        x, y, reach = self.x * unit, self.y * unit, self.radius * unit
        return x - reach, y - reach, x + reach, y + reach


NEUTROPHIL = ((-0.42, -0.2, 0.3), (0.1, -0.42, 0.28), (0.4, 0.25, 0.3))


def draw(
    whites: Sequence[White] = (), *, unit: float = 60, columns: int = 11, rows: int = 8, seed: int = 0, red: bool = True
) -> Picture:
    """A field of `columns` x `rows` red cells' diameters, each of `unit` px; platelets are there too."""
    rng = np.random.default_rng(seed)
    height, width = round(rows * unit), round(columns * unit)
    y, x = (axis / unit for axis in np.mgrid[:height, :width].astype(np.float32))
    density = np.zeros((height, width, 3), np.float32)

    def put(colour: NDArray[np.float64], cx: float, cy: float, radius: float, pale: float = 0) -> None:
        top, left = (max(0, int((middle - radius) * unit) - 3) for middle in (cy, cx))
        down, right = (max(0, int((middle + radius) * unit) + 4) for middle in (cy, cx))
        place = np.s_[top:down, left:right]
        away = np.hypot(x[place] - cx, y[place] - cy)
        inside = np.clip((radius - away) * unit / 2, 0, 1) - 0.6 * np.clip((pale - away) * unit / 2, 0, 1)
        density[place] = np.maximum(density[place], colour * inside[..., None])

    clear = [(one.x, one.y, one.radius + 0.55) for one in whites]
    for row in range(rows if red else 0):
        for column in range(columns):
            cx, cy = column + 0.5 + rng.uniform(-0.12, 0.12), row + 0.5 + rng.uniform(-0.12, 0.12)
            if (row + column) % 3 == 0 or any(np.hypot(cx - a, cy - b) < far for a, b, far in clear):
                continue
            put(RED, cx, cy, 0.5, pale=0.18)
    for number in range(3 if red else 0):
        put(PLATELET, rng.uniform(0, columns), rng.uniform(0, rows), 0.12 + number / 50)
    for one in whites:
        put(CYTOPLASM, one.x, one.y, one.radius)
        for dx, dy, radius in one.lobes:
            put(NUCLEUS, one.x + dx, one.y + dy, radius)
    light = GLASS * 10**-density + rng.normal(0, 1.5, density.shape)
    return np.asarray(light.round().clip(0, 255), np.uint8)
