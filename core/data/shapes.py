"""The outlines of synthetic cells: signed distance fields of nuclei and cell bodies, and smooth noise.

A field gives each pixel its distance to an outline, negative inside. Lengths are in units of half the image's side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]  # (size, size), one value a pixel


@dataclass(frozen=True)
class Canvas:
    """Coordinates of every pixel, and the width of a soft edge."""

    x: Field
    y: Field
    edge: float

    def disc(self, x: float, y: float, radius: float) -> Field:
        field: Field = _length(self.x - np.float32(x), self.y - np.float32(y)) - np.float32(radius)
        return field

    def ellipse(self, x: float, y: float, long: float, short: float, angle: float) -> Field:
        """About the distance to an ellipse with these half axes."""
        right, down = self.x - np.float32(x), self.y - np.float32(y)
        cos, sin = math.cos(angle), math.sin(angle)
        along = right * np.float32(cos / long) + down * np.float32(sin / long)
        across = down * np.float32(cos / short) - right * np.float32(sin / short)
        field: Field = (_length(along, across) - np.float32(1)) * np.float32(min(long, short))
        return field

    def stroke(self, points: NDArray[np.float64], radius: float) -> Field:
        """Distance to a line through points (n, 2), thickened to a radius."""
        best: Field = np.full_like(self.x, np.inf)
        for (ax, ay), (bx, by) in itertools.pairwise(points.tolist()):
            dx, dy = bx - ax, by - ay
            right, down = self.x - np.float32(ax), self.y - np.float32(ay)
            scale = 1 / (dx * dx + dy * dy + 1e-9)
            along: Field = np.clip(right * np.float32(dx * scale) + down * np.float32(dy * scale), 0, 1)
            best = np.minimum(best, _length(right - along * np.float32(dx), down - along * np.float32(dy)))
        return best - np.float32(radius)

    def mask(self, field: Field, softness: float = 1.0) -> Field:
        """1 inside, 0 outside, soft over about a pixel."""
        inside: Field = np.clip(np.float32(0.5) - field * np.float32(0.5 / (self.edge * softness)), 0, 1)
        return inside


def smooth_noise(size: int, rng: np.random.Generator, bumps: int) -> Field:
    """Noise of about so many bumps a side, between -1 and 1."""
    grid = rng.uniform(-1, 1, (bumps + 2, bumps + 2)).astype(np.float32)
    between = _interpolation(size, bumps)
    return (between @ grid @ between.T).astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def _interpolation(size: int, bumps: int) -> Field:
    """Weights (size, bumps + 2) of a coarse grid's values at each pixel along one side."""
    place = np.linspace(0, bumps, size)
    low = place.astype(np.intp)
    part = place - low
    part = part * part * (3 - 2 * part)
    weights: Field = np.zeros((size, bumps + 2), np.float32)
    weights[np.arange(size), low], weights[np.arange(size), low + 1] = 1 - part, part
    return weights


def _length(x: Field, y: Field) -> Field:
    length: Field = np.sqrt(x * x + y * y)  # faster than np.hypot, whose care for overflow is not needed here
    return length


# --- nuclei around (0, 0), each of about the area of a disc of the given radius -------------------------------------


def _round(canvas: Canvas, radius: float, rng: np.random.Generator) -> Field:
    stretch = rng.uniform(1.0, 1.10)
    return canvas.ellipse(0, 0, radius * stretch, radius / stretch, rng.uniform(0, math.pi))


def _blast(canvas: Canvas, radius: float, rng: np.random.Generator) -> Field:
    stretch = rng.uniform(1.02, 1.16)
    return canvas.ellipse(0, 0, radius * stretch, radius / stretch, rng.uniform(0, math.pi))


def _kidney(canvas: Canvas, radius: float, rng: np.random.Generator) -> Field:
    """A thick arc: from a kidney to a horseshoe."""
    bend, turn = rng.uniform(1.0, 2.2), rng.uniform(0, 2 * math.pi)
    reach = radius * rng.uniform(0.78, 0.95)
    thick = math.pi * radius**2 / (4 * bend * reach) * rng.uniform(0.80, 0.90)
    angles = turn + np.linspace(-bend, bend, 7)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach * rng.uniform(0.92, 1.08, (7, 1))
    points -= np.array([math.cos(turn), math.sin(turn)]) * reach * 0.45
    return canvas.stroke(points, thick)


def _lobes(canvas: Canvas, radius: float, rng: np.random.Generator, number: int, bridge: float, spread: float) -> Field:
    """Lobes along a bent line, joined by bridges."""
    lobe = radius / math.sqrt(number) * 0.98
    bend = rng.uniform(0.75, 1.25) * rng.choice([-1, 1])
    bends = np.full(number, bend) + rng.normal(0, 0.18, number)
    if number > 3 and rng.random() < 0.3:
        bends[number // 2 :] *= -1  # an S instead of a C
    headings = rng.uniform(0, 2 * math.pi) + np.cumsum(bends)
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * lobe * spread * rng.uniform(0.9, 1.1, (number, 1))
    points = np.cumsum(steps, axis=0)
    points -= (points.min(axis=0) + points.max(axis=0)) / 2
    points *= min(1.0, 1.15 * radius / float(np.linalg.norm(points, axis=1).max()))  # stays well inside a round body
    field = canvas.stroke(points, bridge)
    for (px, py), heading in zip(points.tolist(), headings.tolist(), strict=True):
        size = lobe * rng.uniform(0.85, 1.12)
        stretch = rng.uniform(1.0, 1.28)
        turned = heading + rng.normal(math.pi / 2, 0.6)
        field = np.minimum(field, canvas.ellipse(px, py, size * stretch, size / stretch, turned))
    return field


def _segmented(canvas: Canvas, radius: float, rng: np.random.Generator) -> Field:
    return _lobes(canvas, radius, rng, int(rng.integers(3, 6)), bridge=rng.uniform(0.018, 0.035), spread=2.0)


def _bilobed(canvas: Canvas, radius: float, rng: np.random.Generator) -> Field:
    return _lobes(canvas, radius, rng, 2, bridge=radius * 0.36, spread=1.45)


NUCLEI: Final[Mapping[str, Callable[[Canvas, float, np.random.Generator], Field]]] = {
    "basophil": _bilobed,
    "erythroblast": _round,
    "monocyte": _kidney,
    "myeloblast": _blast,
    "seg_neutrophil": _segmented,
}

# Radius of the cell over that of the nucleus's disc (from, to), least width of the rim, most stretch.
_BODIES: Final = {
    "basophil": (1.60, 1.90, 0.06, 1.12),
    "erythroblast": (1.50, 1.85, 0.05, 1.10),
    "monocyte": (1.75, 2.00, 0.07, 1.18),
    "myeloblast": (1.13, 1.23, 0.02, 1.06),
    "seg_neutrophil": (1.60, 1.90, 0.06, 1.12),
}


def cell_body(kind: str, canvas: Canvas, radius: float, nucleus: Field, rng: np.random.Generator) -> Field:
    """The cell's outline: it covers the nucleus with a rim, which is thin in a blast."""
    low, high, rim, most = _BODIES[kind]
    grown, stretch = radius * rng.uniform(low, high), rng.uniform(1.0, most)
    shift = rng.uniform(-1, 1, 2) * radius * (0.04 if kind == "myeloblast" else 0.10)
    outline = canvas.ellipse(shift[0], shift[1], grown * stretch, grown / stretch, rng.uniform(0, math.pi))
    body: Field = np.minimum(outline, nucleus - np.float32(rim))
    return body
