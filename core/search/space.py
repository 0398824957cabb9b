"""The coordinates that a search climbs: start value, update rule, bound. Standard library only.

Values are computed from whole step counts in exact arithmetic, so equal points compare equal whatever the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

Value = float | int | str


class Coordinate(Protocol):
    """One hyper-parameter. `value(step)` is its value after `step` updates, None beyond its bound."""

    @property
    def name(self) -> str: ...

    def value(self, step: int) -> Value | None: ...


@dataclass(frozen=True)
class Divide:
    """next = x / by, not below `bound` (the published learning rate)."""

    name: str
    start: float
    by: float
    bound: float

    def value(self, step: int) -> float | None:
        exact = Fraction(str(self.start)) / Fraction(str(self.by)) ** step
        return float(exact) if exact >= Fraction(str(self.bound)) else None


@dataclass(frozen=True)
class Add:
    """next = x + step_size, not above `bound` (the published batch size)."""

    name: str
    start: int
    step_size: int
    bound: int

    def value(self, step: int) -> int | None:
        value = self.start + step * self.step_size
        return value if value <= self.bound else None


@dataclass(frozen=True)
class Grow:
    """next = floor(x * factor), at least x + 1, not above `bound` where there is one (the published epochs)."""

    name: str
    start: int
    factor: float
    bound: int | None = None

    def value(self, step: int) -> int | None:
        value = self.start
        for _ in range(step):
            value = max(value + 1, int(value * Fraction(str(self.factor))))
        return value if self.bound is None or value <= self.bound else None


@dataclass(frozen=True)
class Choose:
    """A categorical coordinate: its choices in their order."""

    name: str
    choices: tuple[Value, ...]

    def value(self, step: int) -> Value | None:
        return self.choices[step] if step < len(self.choices) else None


@dataclass(frozen=True)
class SearchSpace:
    """An ordered set of coordinates; the order decides ties and the order of training within a cycle.

    Raises ValueError when it is empty, a name stands twice, or a coordinate has no start value.
    """

    coordinates: Sequence[Coordinate]

    def __post_init__(self) -> None:
        names = [coordinate.name for coordinate in self.coordinates]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"A search space needs coordinates with different names; got {names}.")
        for coordinate in self.coordinates:
            if coordinate.value(0) is None:
                raise ValueError(f"The start of {coordinate.name} lies beyond its bound.")

    def point(self, steps: Sequence[int]) -> dict[str, Value]:
        """The values after `steps[i]` updates of coordinate i."""
        point: dict[str, Value] = {}
        for coordinate, step in zip(self.coordinates, steps, strict=True):
            value = coordinate.value(step)
            if value is None:
                raise ValueError(f"Step {step} of {coordinate.name} lies beyond its bound.")
            point[coordinate.name] = value
        return point


PUBLISHED_SPACE = SearchSpace(
    (
        Add("batch_size", 10, 10, 60),
        Grow("epochs", 20, 1.2),
        Divide("learning_rate", 1e-2, 10, 1e-6),
    )
)
