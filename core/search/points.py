"""Points of a search space as text: for a command line, and for the name of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from core.search.gseca import Point
from core.search.space import SearchSpace, Value

_MOST_STEPS = 60  # 20 epochs have then grown to a million


class PointError(ValueError):
    """A text names no point of the search space; the message says why."""


def point_text(point: Point) -> str:
    """'batch_size=10,epochs=24,learning_rate=0.001'."""
    return ",".join(f"{name}={_plain(value)}" for name, value in point.items())


def read_point(text: str, space: SearchSpace) -> dict[str, Value]:
    """The point of such a text, in the order of the space.

    Raises PointError when a coordinate is missing, unknown or named twice, or when the space has no such value.
    """
    names = [coordinate.name for coordinate in space.coordinates]
    parts = [part.partition("=") for part in text.split(",")]
    given = {name.strip(): value.strip() for name, _, value in parts}
    if len(parts) != len(given) or set(given) != set(names):
        raise PointError(f"{text!r} is no point of this search; give {', '.join(f'{name}=...' for name in names)}.")
    return {coordinate.name: _value(given[coordinate.name], coordinate.name, _values(space, at))
            for at, coordinate in enumerate(space.coordinates)}  # fmt: skip


def point_name(point: Point) -> str:
    """'batch_size-10-epochs-24-learning_rate-0.001': fit for a trial's id and its files."""
    return "-".join(f"{name}-{_plain(value)}" for name, value in point.items())


def _values(space: SearchSpace, at: int) -> list[Value]:
    coordinate = space.coordinates[at]
    found: list[Value] = []
    while len(found) <= _MOST_STEPS and (value := coordinate.value(len(found))) is not None:
        found.append(value)
    return found


def _value(text: str, name: str, allowed: Sequence[Value]) -> Value:
    for value in allowed:
        if text == _plain(value) or _number(text) == value:
            return value
    some = ", ".join(_plain(value) for value in allowed[:6]) + (", ..." if len(allowed) > 6 else "")
    raise PointError(f"{name}={text} is no value that this search can take; it has {some}.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(value: Value) -> str:
    return repr(value) if isinstance(value, float) else str(value)
