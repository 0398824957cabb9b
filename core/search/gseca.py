"""GSECA, Grid Search Enhanced with Coordinate Ascent (He & Zhou, JCTAM v2n2a04, 2025).

Pure: standard library only, deterministic, no I/O. The state is a function of the told scores, so a restart is a
replay: make a new `Gseca`, tell it the recorded scores, and it asks for what is still open.

    search = Gseca()
    while candidates := search.ask():
        for candidate in candidates:
            search.tell(candidate, validation_accuracy_of(candidate.point))
    print(search.best)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.search.space import PUBLISHED_SPACE, SearchSpace, Value

FAILED = -math.inf  # the score of a trial that failed: worse than any other

Point = Mapping[str, Value]


@dataclass(frozen=True)
class Candidate:
    """A point to train. `steps` counts the updates of each coordinate since the start, in the order of the space."""

    cycle: int
    coordinate: str
    steps: tuple[int, ...]
    point: Point = field(hash=False)


@dataclass(frozen=True)
class Decision:
    """What one finished cycle led to. `chosen` is None when every candidate failed; `de_count` counts it in."""

    cycle: int
    candidates: tuple[Candidate, ...]
    scores: tuple[float, ...]
    chosen: Candidate | None
    improved: bool
    de_count: int

    @property
    def runner_up_score(self) -> float | None:
        """The best score among the candidates that were not chosen and did not fail; None when there is none."""
        others = [
            score
            for candidate, score in zip(self.candidates, self.scores, strict=True)
            if candidate is not self.chosen and score != FAILED
        ]
        return max(others, default=None)


class Gseca:
    """The search. `ask` for the open candidates of the current cycle, `tell` each one's score (higher is better).

    Rule numbers in the comments are those of the published algorithm as restated in docs/gseca.md.

    Args:
        space: the ordered coordinates with start, update rule and bound.
        patience: cycles in a row without a new best after which the search stops (published: 2).
        max_trials: the most candidates that are ever asked for; None for no limit.

    Raises ValueError when `patience` or `max_trials` is below 1.
    """

    def __init__(
        self, space: SearchSpace = PUBLISHED_SPACE, *, patience: int = 2, max_trials: int | None = None
    ) -> None:
        if patience < 1:
            raise ValueError(f"patience is {patience}; it must be at least 1.")
        if max_trials is not None and max_trials < 1:
            raise ValueError(f"max_trials is {max_trials}; it must be at least 1.")
        self.space = space
        self.patience = patience
        self.max_trials = max_trials
        self.de_count = 0
        self.best: Candidate | None = None
        self.best_score = FAILED
        self.current: Candidate | None = None
        self.stop_reason: str | None = None
        self.decisions: list[Decision] = []
        start = (0,) * len(space.coordinates)
        self._cycle = [Candidate(0, "initial", start, space.point(start))]  # rule 1
        self._asked = 1
        self._scores: dict[Candidate, float] = {}

    @property
    def finished(self) -> bool:
        return self.stop_reason is not None

    def ask(self) -> list[Candidate]:
        """The candidates of the current cycle whose score is still unknown; [] when the search is finished."""
        if self.finished:
            return []
        return [candidate for candidate in self._cycle if candidate not in self._scores]

    def tell(self, candidate: Candidate, score: float) -> None:
        """Record a candidate's score; `FAILED` for a trial that failed. Order inside a cycle does not matter.

        Raises ValueError for NaN, for a candidate that is not open, and for a second score that differs.
        """
        if math.isnan(score):
            raise ValueError(f"The score of {candidate.coordinate} in cycle {candidate.cycle} is NaN.")
        if self._scores.get(candidate, score) != score:
            raise ValueError(f"{candidate.coordinate} of cycle {candidate.cycle} already has another score.")
        if candidate in self._scores:
            return
        if candidate not in self._cycle:
            raise ValueError(f"{candidate.coordinate} of cycle {candidate.cycle} is not an open candidate.")
        self._scores[candidate] = score
        if not self.ask():
            self._judge()

    def _judge(self) -> None:
        """Choose the next current point, then open its cycle or stop (rules 2 to 5)."""
        scores = tuple(self._scores[candidate] for candidate in self._cycle)
        top = max(scores)
        # Rule 3; a tie goes to the first in coordinate order, since index() finds the first.
        chosen = self._cycle[scores.index(top)] if top != FAILED else None
        improved = chosen is not None and top > self.best_score
        if chosen is not None:
            self.current = chosen
        if improved:  # rule 4: only a score above the best ever resets the count
            self.best, self.best_score, self.de_count = chosen, top, 0
        else:
            self.de_count += 1
        number = self._cycle[0].cycle
        self.decisions.append(Decision(number, tuple(self._cycle), scores, chosen, improved, self.de_count))
        self.stop_reason = self._open_next_cycle(number + 1, chosen)

    def _open_next_cycle(self, number: int, current: Candidate | None) -> str | None:
        """Make the next cycle's candidates (rule 2); return why the search stops instead, or None (rule 5)."""
        if current is None:
            return "all candidates of a cycle failed"
        if self.de_count >= self.patience:
            cycles = "1 cycle" if self.patience == 1 else f"{self.patience} cycles in a row"
            return f"DE_COUNT reached {self.patience}: no new best in {cycles}"
        candidates = []
        for index, coordinate in enumerate(self.space.coordinates):
            steps = tuple(count + (place == index) for place, count in enumerate(current.steps))
            if coordinate.value(steps[index]) is not None:  # a coordinate at its bound makes none
                candidates.append(Candidate(number, coordinate.name, steps, self.space.point(steps)))
        if not candidates:
            return "every coordinate is at its bound"
        if self.max_trials is not None:
            candidates = candidates[: self.max_trials - self._asked]
            if not candidates:
                return f"the limit of {self.max_trials} trial{'s' * (self.max_trials != 1)} is reached"
        self._asked += len(candidates)
        self._cycle = candidates
        return None
