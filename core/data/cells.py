"""Draw one synthetic stained blood cell: shapes tell the five classes apart, stain and light do not.

The picture is built as light going through stained layers (Beer-Lambert): every layer adds optical density, in a
stain whose hue and strength are drawn per image from one distribution for all classes. The area of the nucleus is
drawn from one distribution too. What is left to learn is shape: lobes, roundness, texture, granules, and how far the
cell reaches around its nucleus.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.shapes import NUCLEI, Canvas, Field, cell_body, smooth_noise

Pixels = NDArray[np.uint8]

CLASSES: Final = ("basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil")
NUCLEUS_RADIUS: Final = (0.29, 0.44)  # of the disc that has the nucleus's area, in half sides; the same for all classes
_PIXEL_NOISE: Final = 2.2  # standard deviation, grey levels


def draw_cell(kind: str, size: int, rng: np.random.Generator) -> Pixels:
    """One cell of a class amid red cells.

    Args:
        kind: one of CLASSES.
        size: side of the picture, in pixels.
        rng: decides everything else.

    Returns:
        Array (size, size, 3) of uint8.
    """
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - np.float32(1)
    x, y = np.meshgrid(axis, axis)
    whole = Canvas(x, y, edge=rng.uniform(1.2, 2.6) / size)
    stain = _Stain(rng)
    centre = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    radius = rng.uniform(*NUCLEUS_RADIUS)
    # Bending the coordinates makes every outline of the cell irregular at once.
    bend_x, bend_y = (0.05 * smooth_noise(size, rng, 5) + 0.015 * smooth_noise(size, rng, 10) for _ in "xy")
    canvas = Canvas(x - centre[0] + bend_x, y - centre[1] + bend_y, whole.edge)
    nucleus = NUCLEI[kind](canvas, radius, rng)
    body = cell_body(kind, canvas, radius, nucleus, rng)

    inside, core = canvas.mask(body), canvas.mask(nucleus)
    red = _red_cells(whole, centre, rng) * (1 - inside)
    platelets = _platelets(whole, rng) * (1 - inside)
    rim = canvas.mask(np.abs(body + 0.02) - np.float32(0.02), 2)
    cytoplasm = inside * (1 + 0.18 * smooth_noise(size, rng, 12) + 0.35 * rim)
    granules = np.zeros_like(x)
    if kind == "seg_neutrophil":  # fine grain
        granules = 0.35 * _fine_grain(size, rng) * canvas.mask(body + np.float32(0.02))
    elif kind == "monocyte":
        cytoplasm *= 1 - 0.75 * _vacuoles(canvas, rng)
    # Chromatin hides what lies below it, a basophil's granules lie over it.
    hidden = 1 - 0.75 * core
    cytoplasm *= hidden
    granules *= hidden
    if kind == "basophil":
        granules = _coarse_granules(canvas, body + np.float32(0.04), rng, int(rng.integers(30, 60)))
    chromatin = core * _chromatin(kind, canvas, nucleus, radius, rng)

    layers = np.stack(
        [
            stain.nucleus_strength * chromatin,
            stain.cytoplasm_strength * cytoplasm,
            stain.nucleus_strength * (0.75 * granules + 0.5 * platelets),
            stain.red_strength * red,
        ],
        axis=-1,
    )
    return _develop(whole, layers.astype(np.float32) @ stain.colours, stain.light, rng)


class _Stain:
    """Hue and strength of every layer of one picture; no class has a say in it."""

    def __init__(self, rng: np.random.Generator) -> None:
        violet = np.array([0.62, 0.95, 0.36]) + rng.normal(0, 0.09, 3)
        pink, blue = np.array([0.25, 0.62, 0.38]), np.array([0.62, 0.52, 0.18])
        share = rng.uniform(0, 1)
        cytoplasm = share * pink + (1 - share) * blue + rng.normal(0, 0.06, 3)
        granule = violet + rng.normal(0, 0.12, 3)
        red = np.array([0.16, 0.62, 0.50]) + rng.normal(0, 0.09, 3)
        stains = np.clip(np.stack([violet, cytoplasm, granule, red]), 0.02, None)
        #: Optical density in R, G and B of nucleus, cytoplasm, granules and red cells: (4, 3), rows of length 1
        self.colours = (stains / np.linalg.norm(stains, axis=1, keepdims=True)).astype(np.float32)
        self.nucleus_strength = np.float32(rng.uniform(0.85, 1.75))
        self.cytoplasm_strength = np.float32(rng.uniform(0.22, 0.60))
        self.red_strength = np.float32(rng.uniform(0.35, 0.75))
        peach, pale_blue = np.array([250, 228, 208]), np.array([222, 228, 246])
        share = rng.uniform(0, 1)
        self.light = ((share * peach + (1 - share) * pale_blue) * rng.uniform(0.82, 1.02)).astype(np.float32)


# --- what lies in and around the cell, as relative density (size, size) ---------------------------------------------


def _chromatin(kind: str, canvas: Canvas, nucleus: Field, radius: float, rng: np.random.Generator) -> Field:
    """Texture of the nucleus, mean about 1."""
    size = nucleus.shape[0]
    texture: Field = 1 + 0.16 * canvas.mask(np.abs(nucleus + 0.02) - np.float32(0.02), 2)
    if kind == "myeloblast":  # fine chromatin and pale nucleoli
        texture += 0.10 * smooth_noise(size, rng, 40)
        for _ in range(int(rng.integers(1, 5))):
            angle, away = rng.uniform(0, 2 * math.pi), radius * rng.uniform(0.1, 0.6)
            spot = canvas.disc(away * math.cos(angle), away * math.sin(angle), radius * rng.uniform(0.13, 0.24))
            texture *= 1 - 0.42 * canvas.mask(spot, 3)
    elif kind == "erythroblast":  # dense, in a few large clumps
        texture += 0.14 * smooth_noise(size, rng, 14)
    else:
        texture += 0.24 * smooth_noise(size, rng, 18) + 0.10 * smooth_noise(size, rng, 34)
    return texture


def _fine_grain(size: int, rng: np.random.Generator) -> Field:
    grain = rng.uniform(-1, 1, (size, size)).astype(np.float32)
    grain = grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)
    spots: Field = np.clip(grain - np.float32(0.6), 0, 1)
    return spots


def _vacuoles(canvas: Canvas, rng: np.random.Generator) -> Field:
    holes = np.zeros_like(canvas.x)
    for _ in range(int(rng.integers(0, 7))):
        px, py = rng.uniform(-0.6, 0.6, 2)
        holes = np.maximum(holes, canvas.mask(canvas.disc(px, py, rng.uniform(0.025, 0.055)), 1.5))
    return holes


def _coarse_granules(canvas: Canvas, region: Field, rng: np.random.Generator, number: int) -> Field:
    """Dark round granules at random places of a region (where it is negative)."""
    size = region.shape[0]
    nearest = np.full_like(region, np.inf)
    rows, columns = np.nonzero(region < 0)
    reach = math.ceil(0.06 * size) + 2  # no granule reaches farther, in pixels
    for place in rng.integers(0, max(1, rows.size), number if rows.size else 0):
        row, column = int(rows[place]), int(columns[place])
        window = np.s_[max(0, row - reach) : row + reach, max(0, column - reach) : column + reach]
        patch = Canvas(canvas.x[window], canvas.y[window], canvas.edge)
        granule = patch.disc(canvas.x[row, column], canvas.y[row, column], rng.uniform(0.022, 0.05))
        nearest[window] = np.minimum(nearest[window], granule)
    return canvas.mask(nearest, 1.3)


def _red_cells(canvas: Canvas, centre: Field, rng: np.random.Generator) -> Field:
    """Red cells with a pale middle, around the white cell."""
    density = np.zeros_like(canvas.x)
    radius, clear = rng.uniform(0.30, 0.40), rng.uniform(0.8, 1.0)
    for _ in range(int(rng.integers(3, 10))):
        angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(clear, 1.45)
        px, py = centre[0] + away * math.cos(angle), centre[1] + away * math.sin(angle)
        stretch = rng.uniform(1.0, 1.18)
        distance = canvas.ellipse(px, py, radius * stretch, radius / stretch, rng.uniform(0, math.pi))
        depth = (distance + np.float32(radius)) * np.float32(1 / (0.55 * radius))  # 0 in the middle
        pale = np.exp(-np.square(depth))
        body = canvas.mask(distance, 1.5) * (1 - np.float32(0.65) * pale) * np.float32(rng.uniform(0.85, 1.15))
        density = np.maximum(density, body) + np.float32(0.35) * np.minimum(density, body)  # overlaps are darker
    return density


def _platelets(canvas: Canvas, rng: np.random.Generator) -> Field:
    density = np.zeros_like(canvas.x)
    for _ in range(int(rng.poisson(0.7))):
        angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(0.85, 1.25)
        spot = canvas.ellipse(
            away * math.cos(angle), away * math.sin(angle), rng.uniform(0.05, 0.09), 0.05, rng.uniform(0, math.pi)
        )
        density = np.maximum(density, canvas.mask(spot, 3))
    return density


def _develop(
    canvas: Canvas, density: NDArray[np.float32], light: NDArray[np.float32], rng: np.random.Generator
) -> Pixels:
    """Density (size, size, 3) to light: background, uneven lamp, a camera's noise."""
    size = canvas.x.shape[0]
    slope = rng.uniform(-0.06, 0.06, 2).astype(np.float32)
    lamp = 1 + slope[0] * canvas.x + slope[1] * canvas.y + np.float32(0.02) * smooth_noise(size, rng, 4)
    picture = np.exp(-density) * light * lamp[..., None]
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(_PIXEL_NOISE)
    pixels: Pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return pixels
