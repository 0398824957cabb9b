"""What a search would have done under other rules: GSECA driven by scores that are known already.

Pure: standard library only. A replay asks for the score of one point after another. It ends as the search would, or at
the first cycle of which a point has no score: then it names those points, and nothing after them is known.

    scores = {point_key(trial.point): trial.score for trial in trials}
    replayed = replay(space, scores, patience=1)
    print(replayed.best, [candidate.point for candidate in replayed.unknown])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.search.gseca import FAILED, Candidate, Decision, Gseca, Point
from core.search.space import Coordinate, SearchSpace, Value

PointKey = frozenset[tuple[str, Value]]  # a point without the order of its coordinates
Scores = Mapping[PointKey, float]


def point_key(point: Point) -> PointKey:
    """The point as a key: equal whatever the order of the coordinates."""
    return frozenset(point.items())


@dataclass(frozen=True)
class Replay:
    """How far a search went. `stop_reason` is None where it could not be followed to its end.

    `open` holds the candidates of the cycle after the last decision, `unknown` those of them that have no score.
    """

    decisions: tuple[Decision, ...]
    open: tuple[Candidate, ...]
    unknown: tuple[Candidate, ...]
    best: Candidate | None
    best_score: float
    de_count: int
    stop_reason: str | None

    @property
    def finished(self) -> bool:
        return self.stop_reason is not None

    @property
    def candidates(self) -> list[Candidate]:
        """Every point that was asked for, in order."""
        return [candidate for decision in self.decisions for candidate in decision.candidates] + list(self.open)

    @cached_property
    def rounds(self) -> list[frozenset[PointKey]]:
        """The points of each cycle; the open one comes last."""
        rounds = [_points(decision.candidates) for decision in self.decisions]
        return [*rounds, _points(self.open)] if self.open else rounds

    @cached_property
    def way(self) -> list[PointKey | None]:
        """The point that each judged cycle chose; None where every candidate failed."""
        return [None if decision.chosen is None else point_key(decision.chosen.point) for decision in self.decisions]

    @cached_property
    def best_key(self) -> PointKey | None:
        return None if self.best is None else point_key(self.best.point)


@dataclass(frozen=True)
class Parting:
    """The first cycle in which two paths differ, and how.

    `kind`: "choice" (another candidate is chosen), "candidates" (others are asked for), "stops" (the second path ends
    before this cycle), "goes on" (the first one does).
    """

    cycle: int
    kind: str


def replay(space: SearchSpace, scores: Scores, *, patience: int, max_trials: int | None = None) -> Replay:
    """Drive GSECA with a table of scores (`FAILED` for a point that failed), as far as they reach.

    Raises ValueError for a score that is NaN and for rules that `Gseca` refuses.
    """
    search = Gseca(space, patience=patience, max_trials=max_trials)
    open_cycle: list[Candidate] = []
    unknown: list[Candidate] = []
    while (candidates := search.ask()) and not unknown:
        open_cycle = candidates
        for candidate in candidates:
            score = scores.get(point_key(candidate.point))
            if score is None:
                unknown.append(candidate)
            else:
                search.tell(candidate, score)
    return Replay(
        tuple(search.decisions), tuple(open_cycle) if unknown else (), tuple(unknown), search.best, search.best_score,
        search.de_count, search.stop_reason,
    )  # fmt: skip


def recorded_path(
    trials: Iterable[Mapping[str, Any]], cycles: Iterable[Mapping[str, Any]], names: Sequence[str],
    stop_reason: str | None, score: str = "val_accuracy",
) -> Replay:  # fmt: skip
    """The path that a search took, from its records instead of from rules.

    Args:
        trials: of the path, with trial_id, cycle, coordinate, status, the score and the coordinates `names`.
        cycles: the finished ones, in order, with cycle, trial_ids, chosen_trial_id, improved and de_count.
        names: the coordinates, in the order of the space.
        stop_reason: why the search ended; None while it has not.
    """
    rows = {str(row["trial_id"]): row for row in trials}
    made = {
        trial_id: Candidate(int(row["cycle"]), str(row["coordinate"]), (), {name: row[name] for name in names})
        for trial_id, row in rows.items()
    }
    decisions: list[Decision] = []
    best: Candidate | None = None
    best_score = FAILED
    for cycle in cycles:
        ids = [str(trial_id) for trial_id in cycle["trial_ids"]]
        told = tuple(_score(rows[i], score) for i in ids)
        chosen = made.get(str(cycle["chosen_trial_id"]))
        improved = bool(cycle["improved"])
        if improved and chosen is not None:
            best, best_score = chosen, told[ids.index(str(cycle["chosen_trial_id"]))]
        candidates = tuple(made[i] for i in ids)
        decisions.append(Decision(int(cycle["cycle"]), candidates, told, chosen, improved, int(cycle["de_count"])))
    last = decisions[-1].cycle if decisions else -1
    left = tuple(candidate for candidate in made.values() if candidate.cycle > last)
    de_count = decisions[-1].de_count if decisions else 0
    return Replay(tuple(decisions), left, (), best, best_score, de_count, stop_reason)


def parting(first: Replay, second: Replay) -> Parting | None:
    """Where the second path leaves the first; None where they are the same as far as both are known."""
    for at in range(min(len(first.decisions), len(second.decisions))):
        if first.rounds[at] != second.rounds[at]:
            return Parting(at, "candidates")
        if first.way[at] != second.way[at]:
            return Parting(at, "choice")
    common = min(len(first.decisions), len(second.decisions))
    if first.finished and len(first.decisions) == common:
        goes_on = not second.finished or len(second.decisions) > common
        return Parting(common, "goes on") if goes_on else None
    if second.finished and len(second.decisions) == common:
        return Parting(common, "stops")
    # Of a running search the cycle that is open may not have been recorded whole.
    one_next, other_next = _round_at(first, common), _round_at(second, common)
    return None if one_next <= other_next or other_next <= one_next else Parting(common, "candidates")


def same_points(first: Replay, second: Replay) -> bool | None:
    """Whether both train the same points in the same cycles; None where a missing score leaves that open.

    Less than the same path: what the last cycle chooses has no consequence when the search ends there. A first path
    that is not finished is compared as far as it goes.
    """
    one, other = first.rounds, second.rounds
    common = min(len(one), len(other))
    for at in range(common):
        # Of a running search the cycle that is open may not have been recorded whole.
        open_cycle = not first.finished and at == len(first.decisions)
        if not (one[at] <= other[at] if open_cycle else one[at] == other[at]):
            return False
    if not first.finished:
        return None if len(one) > common and not second.finished else len(one) == common
    if len(one) != len(other):
        return None if len(other) == common and not second.finished else False
    return True if second.finished else None


def same_choice(first: Replay, second: Replay) -> bool:
    """Whether both name the same point as the best."""
    return first.best_key == second.best_key


def ties(path: Replay) -> dict[int, int]:
    """Cycles in which the highest score was not one candidate's alone: cycle -> how many had it."""
    shared = {}
    for decision in path.decisions:
        alike = decision.scores.count(max(decision.scores))
        if decision.chosen is not None and alike > 1:
            shared[decision.cycle] = alike
    return shared


def epochs_to_train(path: Replay, *, reuse: bool, grows: str = "epochs") -> dict[PointKey, int]:
    """Epochs that the search trains for each point of the path.

    With `reuse` a candidate continues the point of an earlier cycle with the most epochs that differs from it only in
    having fewer of them and did not fail; it then trains the difference.
    """
    trained: dict[PointKey, int] = {}
    earlier: dict[PointKey, list[int]] = {}  # all but the epochs -> epochs of what can be continued
    rounds = [(decision.candidates, decision.scores) for decision in path.decisions]
    if path.open:
        rounds.append((path.open, (FAILED,) * len(path.open)))
    for candidates, scores in rounds:
        for candidate in candidates:
            epochs = int(candidate.point[grows])
            fitting = [done for done in earlier.get(_without(candidate, grows), []) if reuse and done < epochs]
            trained[point_key(candidate.point)] = epochs - max(fitting, default=0)
        for candidate, score in zip(candidates, scores, strict=True):
            if score != FAILED:
                earlier.setdefault(_without(candidate, grows), []).append(int(candidate.point[grows]))
    return trained


def remembered(space: SearchSpace) -> SearchSpace:
    """The same space, which computes each value once: a thousand replays ask for the same few."""
    return SearchSpace(tuple(_Remembered(coordinate) for coordinate in space.coordinates))


class _Remembered:
    def __init__(self, coordinate: Coordinate) -> None:
        self.name = coordinate.name
        self._coordinate = coordinate
        self._values: dict[int, Value | None] = {}

    def value(self, step: int) -> Value | None:
        if step not in self._values:
            self._values[step] = self._coordinate.value(step)
        return self._values[step]


def _score(trial: Mapping[str, Any], name: str) -> float:
    score = trial[name]
    unknown = trial["status"] != "COMPLETE" or score is None or score != score  # NaN differs from itself
    return FAILED if unknown else float(score)


def _points(candidates: Sequence[Candidate]) -> frozenset[PointKey]:
    return frozenset(point_key(candidate.point) for candidate in candidates)


def _round_at(path: Replay, index: int) -> frozenset[PointKey]:
    return path.rounds[index] if index < len(path.rounds) else frozenset()


def _without(candidate: Candidate, name: str) -> PointKey:
    return frozenset((key, value) for key, value in candidate.point.items() if key != name)
