"""Every combination of the listed recipes and backbones, each once: to compare them, not to climb.

The same way to be asked and told as GSECA, in one cycle, so that the rest of a search need not know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Protocol

from core.search.gseca import FAILED, Candidate, Decision
from core.search.space import Choose, SearchSpace


class Method(Protocol):
    """What chooses the points of a search: asked for candidates until it has none, told the score of each."""

    space: SearchSpace
    de_count: int
    best: Candidate | None
    stop_reason: str | None
    decisions: list[Decision]

    @property
    def finished(self) -> bool: ...

    def ask(self) -> list[Candidate]: ...

    def tell(self, candidate: Candidate, score: float) -> None: ...


class Every:
    """All combinations of the space's categorical coordinates, the others at their start.

    Args:
        space: with at least one `Choose` of two choices or more.
        max_trials: the most candidates; None for no limit.

    Raises ValueError when there is nothing to choose.
    """

    def __init__(self, space: SearchSpace, *, max_trials: int | None = None) -> None:
        ranges = [
            range(len(coordinate.choices)) if isinstance(coordinate, Choose) else range(1)
            for coordinate in space.coordinates
        ]
        if math.prod(map(len, ranges)) < 2:
            raise ValueError("There is only one point; give at least two recipes or backbones to compare.")
        self.space = space
        self.de_count = 0
        self.best: Candidate | None = None
        self.stop_reason: str | None = None
        self.decisions: list[Decision] = []
        listed = list(product(*ranges))
        points = listed[:max_trials]
        self._left_out = len(listed) - len(points)
        self._candidates = [Candidate(0, self._name(steps), steps, space.point(steps)) for steps in points]
        self._scores: dict[Candidate, float] = {}

    @property
    def finished(self) -> bool:
        return self.stop_reason is not None

    def ask(self) -> list[Candidate]:
        """The candidates whose score is still unknown."""
        return [candidate for candidate in self._candidates if candidate not in self._scores]

    def tell(self, candidate: Candidate, score: float) -> None:
        """Record a candidate's score (higher is better); `FAILED` for a trial that failed."""
        self._scores[candidate] = score
        if self.ask():
            return
        scores = tuple(self._scores[each] for each in self._candidates)
        top = max(scores)
        self.best = self._candidates[scores.index(top)] if top != FAILED else None  # a tie: the first in the list
        self.decisions.append(Decision(0, tuple(self._candidates), scores, self.best, self.best is not None, 0))
        self.stop_reason = f"all {len(scores)} points are trained"
        if self._left_out:
            trials = f"{len(scores)} trial{'s' * (len(scores) != 1)}"
            left_out = "1 point is" if self._left_out == 1 else f"{self._left_out} points are"
            self.stop_reason = f"the limit of {trials} is reached, {left_out} left out"

    def _name(self, steps: Sequence[int]) -> str:
        """What sets a point apart, fit for a trial's id: 'jitter', 'resnet50', 'resnet50-jitter'."""
        several = [
            str(coordinate.choices[step])
            for coordinate, step in zip(self.space.coordinates, steps, strict=True)
            if isinstance(coordinate, Choose) and len(coordinate.choices) > 1
        ]
        return "-".join(several)
