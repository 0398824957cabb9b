"""Trains points of a finished search that nobody has trained: those that a replay under other rules asks for.

They are trials like the search's own, on the same data, split and initial weights, with the same settings and seed,
but outside of its path: coordinate "what-if", no cycle. The search's decisions, its best trial, its model and its
status stay what they are; the search's lock keeps a second process away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from core.environment import changed, environment
from core.heart import Heart
from core.learning import reuse
from core.paths import trial_folder
from core.search.commands import CANCEL, STOP, CommandError, clear_commands, commanded
from core.search.gseca import Point
from core.search.launcher import Launcher, LocalLauncher
from core.search.points import point_name, read_point
from core.search.pool import Say, TrialPool
from core.search.prepare import Prepared, recorded_data
from core.search.settings import SearchSettings
from core.search.state import CHANGED, FINAL, WHAT_IF, SearchState, TrialState
from core.search.wanted import Wanted, continued, new_trial
from store.journal import JournalWriter, journal_folder, next_attempt

JOURNAL = "what-if"  # name of its journal and its log


class ExtraPoints:
    """The untrained ones among some points of a finished search.

    Args:
        points: as `core.search.points` writes them.
        say: is given the state and every new record, for a terminal.
        launcher: makes the Launcher for a device ("cpu" or "cuda").
        interrupted: the wish of whoever sits at the terminal: "stop", "cancel" or None.

    Raises CommandError when the search is unknown or has not finished, PointError for what is no point of its space.
    """

    def __init__(
        self, home: Path, search_id: str, points: Sequence[str], *, say: Say = lambda _state, _records: None,
        launcher: Callable[[str], Launcher] = LocalLauncher, interrupted: Callable[[], str | None] = lambda: None,
    ) -> None:  # fmt: skip
        self.home, self.search_id = home, search_id
        self._say, self._make_launcher, self._interrupted = say, launcher, interrupted
        self.state = SearchState(home, search_id)
        self.state.update()
        if self.state.fact is None:
            raise CommandError(f"There is no search {search_id} in {home}.")
        if self.state.data is None or self.state.event is None or self.state.event["status"] != "COMPLETE":
            raise CommandError(f"Search {search_id} has not finished; resume it first, then train other points.")
        self.settings = SearchSettings.from_json(self.state.fact["settings"])
        asked = [read_point(text, self.settings.space()) for text in points]
        self.known = [trial for point in asked if (trial := self._trial_at(point)) is not None and trial.finished]
        there = [self._facts(trial.fact) for trial in self.known]
        self._position = max((trial.fact["position"] for trial in self.state.trials.values()), default=-1)
        self.points = [point for at, point in enumerate(asked) if point not in there and point not in asked[:at]]

    @cached_property
    def changed(self) -> str | None:
        """What may change the numbers and is not as it was when the search began; recorded with each trial."""
        return changed((self.state.fact or {}).get("environment") or {}, environment())

    def run(self) -> None:
        """Train them. Raises Stopped when the person wishes it, DatasetError, ModelError or SettingsError when what the
        search settled is not there any more, OSError when the disk refuses; run again, it goes on where it was."""
        assert self.state.data is not None
        folder = journal_folder(self.home, self.search_id)
        journal = JournalWriter(folder, JOURNAL, next_attempt(folder, JOURNAL))
        heart = Heart(journal, self.search_id)
        try:
            dataset, prepared = recorded_data(
                self.settings, self.state.data, self.home, heart.tell, lambda: self._wish() is not None
            )
            pool = TrialPool(
                self.home, self.search_id, self.state, journal, heart, self._wish, self._say, prepared, dataset,
                self._make_launcher(prepared.device),
            )  # fmt: skip
            for points in self._rounds():
                pool.train([self._wanted(point, prepared) for point in points])
            self._drop_older(journal)
        finally:
            heart.stop()
            journal.close()
            clear_commands(self.home, self.search_id)

    def _rounds(self) -> list[list[Point]]:
        """The shorter ones of points that differ only in epochs come first, so that the longer ones continue them."""
        rounds: list[list[Point]] = []
        waiting: list[Point] = sorted(self.points, key=lambda point: int(point["epochs"]))
        while waiting:
            first = [point for at, point in enumerate(waiting) if not any(_alike(point, p) for p in waiting[:at])]
            rounds.append(first)
            waiting = [point for point in waiting if point not in first]
        return rounds

    def _wanted(self, point: Point, prepared: Prepared) -> Wanted:
        trial_id = f"{self.search_id}.{WHAT_IF}-{point_name(point)}"
        begun = self.state.trials.get(trial_id)  # by an earlier call
        self._position += begun is None
        item = new_trial(
            trial_id, self.search_id, self.settings, point, prepared, position=self._position, cycle=None,
            coordinate=WHAT_IF, seed=self.settings.seed, image_size=self.settings.image_size, de_count=None,
        )  # fmt: skip
        if self.changed:
            item.fact["settings"] = item.fact["settings"] | {CHANGED: self.changed}
        if begun is not None:
            return Wanted(begun.fact, item.settings)
        if self.settings.reuse == "yes":
            item.fact.update(continued(self.home, self.state, item, prepared))
        return item

    def _drop_older(self, journal: JournalWriter) -> None:
        """Free the optimiser states of earlier calls. Those of this one stay: the points that follow continue them."""
        for trial_id, trial in self.state.trials.items():
            folder = trial_folder(self.home, trial_id)
            ours = trial.fact["coordinate"] == WHAT_IF and self._facts(trial.fact) not in self.points
            if ours and trial.finished and reuse.drop(folder):
                taken = reuse.bytes_taken(folder)
                journal.append("files", trial_id=trial_id, search_id=self.search_id, bytes=taken)

    def _trial_at(self, point: Point) -> TrialState | None:
        """The trial of a point; final trainings have other seeds and are none."""
        found = [trial for trial in self.state.ordered() if trial.fact["coordinate"] != FINAL]
        return next((trial for trial in found if self._facts(trial.fact) == point), None)

    def _facts(self, fact: Mapping[str, Any]) -> dict[str, Any]:
        names = [coordinate.name for coordinate in self.settings.space().coordinates]
        return {name: fact[name] if name in fact else fact["settings"][name] for name in names}

    def _wish(self) -> str | None:
        wishes = (self._interrupted(), commanded(self.home, self.search_id))
        return CANCEL if CANCEL in wishes else STOP if STOP in wishes else None


def _alike(one: Point, other: Point) -> bool:
    return all(one[name] == other[name] for name in one if name != "epochs")
