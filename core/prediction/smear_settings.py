"""How white cells are looked for in a field: every number of the search, in units of the field's own red cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HALVES: Final = ("tune", "report")  # of fields with drawn cells: settings are chosen on one, judged on the other

LEAST_RED, MOST_RED = 4, 2000  # px: diameters of a red cell that can be searched with


class SmearError(ValueError):
    """A field or a setting that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Settings:
    """How white cells are looked for. Lengths in diameters and areas in areas of a typical red cell of the field.

    Attributes:
        sensitivity: 1 is usual; at 2 half the nuclear stain and half the nucleus are enough, at 0.5 twice as much is
            needed.
        red_cell: diameter of a typical red cell (px of the field); None: measured there.
        look: diameter (px) that red cells have where the field is looked at; larger fields are made smaller first.
        most_pixels: the field is never looked at with more pixels than that, so memory is bounded.
        smoothing: standard deviation of the Gaussian before the threshold (diameters).
        nuclear: limits of the threshold of nuclear stain (densities of a red cell in green light).
        lobe: least area of a lobe that is joined to a nucleus (areas).
        nucleus: least area of a whole nucleus (areas); platelets and specks lie below.
        gap: widest gap between two lobes of one nucleus (diameters).
        widest: longest extent of one nucleus with all its lobes (diameters).
        covered: share of the hull around two lobes of one nucleus that its cell's stained body covers, at least.
        waist: how much narrower than its two ends a nucleus must be between them to be parted (diameters).
        white: threshold of the stain of a white cell's body (densities of a red cell in green light).
        reach: how far a cell reaches beyond its nucleus, at most (diameters).
        thin: what is thinner is the rim of a red cell, not the body of a white one (diameters).
        margin: added to each side of the box (diameters).
    """

    sensitivity: float = 1.0
    red_cell: float | None = None
    look: float = 32.0
    most_pixels: int = 6_000_000
    smoothing: float = 0.03
    nuclear: tuple[float, float] = (0.5, 0.7)
    lobe: float = 0.03
    nucleus: float = 0.3
    gap: float = 0.25
    widest: float = 2.7
    covered: float = 0.93
    waist: float = 0.12
    white: float = 0.5
    reach: float = 0.5
    thin: float = 0.12
    margin: float = 0.08

    def check(self) -> None:
        """Raises SmearError for what cannot be searched with."""
        if not 0.1 <= self.sensitivity <= 10:
            raise SmearError(f"The sensitivity is {self.sensitivity:g}; give between 0.1 and 10 (1 is usual).")
        if self.red_cell is not None and not LEAST_RED <= self.red_cell <= MOST_RED:
            raise SmearError(
                f"White cells cannot be looked for by a red cell of {self.red_cell:g} px; give between {LEAST_RED} and "
                f"{MOST_RED:,}."
            )
