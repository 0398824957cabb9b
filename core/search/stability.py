"""How far a search's path rests on the luck of its validation images: replays over redrawn scores, counted.

Pure: standard library only. What a replay cannot decide, because it asks for a point that nobody has trained, is
counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.search.replay import (
    PointKey,
    Replay,
    Scores,
    parting,
    point_key,
    remembered,
    replay,
    same_choice,
    same_points,
)
from core.search.space import SearchSpace


@dataclass
class Count:
    """Redraws in which something was the same as in the reference, another, or could not be decided."""

    same: int = 0
    another: int = 0
    undecided: int = 0

    def add(self, same: bool | None) -> None:
        """Count one redraw; None: it is undecided."""
        if same is None:
            self.undecided += 1
        elif same:
            self.same += 1
        else:
            self.another += 1


@dataclass
class Stability:
    """Over all redraws: the path, the points it trains, the choice and DE_COUNT at the end, against the reference.

    `chosen` counts the point that the finished replays chose (None: every trial failed); `undecided` counts the others,
    whose choice is not known; `missing` counts how often each untrained point was asked for.
    """

    redraws: int = 0
    undecided: int = 0
    path: Count = field(default_factory=Count)
    points: Count = field(default_factory=Count)
    choice: Count = field(default_factory=Count)
    de_count: Count = field(default_factory=Count)
    chosen: Counter[PointKey | None] = field(default_factory=Counter)
    missing: Counter[PointKey] = field(default_factory=Counter)


def stability(
    space: SearchSpace, references: Sequence[Replay], keys: Sequence[PointKey], redrawn: Iterable[Sequence[float]],
    fixed: Scores, *, patience: int, max_trials: int | None = None,
) -> list[Stability]:  # fmt: skip
    """Replay the rules once for each redraw and compare with each reference.

    Args:
        references: the paths to compare with, such as the recorded one. One that is not finished is compared as far as
            it goes; choice and DE_COUNT then stay undecided.
        keys: the points that were scored, one for each score of a redraw.
        redrawn: for each redraw the score of each of those points.
        fixed: scores that no redraw changes, those of failed points.
    """
    counted = [Stability() for _ in references]
    space = remembered(space)
    for scores in redrawn:
        table = {**fixed, **dict(zip(keys, scores, strict=True))}
        other = replay(space, table, patience=patience, max_trials=max_trials)
        for reference, count in zip(references, counted, strict=True):
            _compare(reference, other, count)
    return counted


def _compare(reference: Replay, other: Replay, count: Stability) -> None:
    count.redraws += 1
    parted = parting(reference, other) is not None
    count.path.add(False if parted else (True if other.finished or not reference.finished else None))
    count.points.add(same_points(reference, other))
    decided = other.finished and reference.finished
    count.choice.add(same_choice(reference, other) if decided else None)
    count.de_count.add(other.de_count == reference.de_count if decided else None)
    if other.finished:
        count.chosen[other.best_key] += 1
    else:
        count.undecided += 1
        count.missing.update(point_key(candidate.point) for candidate in other.unknown)
