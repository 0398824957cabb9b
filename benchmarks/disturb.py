"""Runs a search while its processes are killed at random moments, each started again a little later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.house import KINDS, House, wait_for
from benchmarks.verify import state_of

LEAST_EACH = 8  # kills of each kind
TICK_SECONDS = 0.2
LOOK_SECONDS = 1.0  # between two questions to the app how it is
APP_SECONDS = 120.0  # in which an app must answer after its start
LONGEST_PAUSE = {"controller": 3.0, "app": 6.0}  # seconds until a killed one is started again


@dataclass
class Kills:
    """Which kind is next, and how many there were. Each kind gets at least `least` of the `target` kills."""

    target: int
    rng: random.Random
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    @property
    def least(self) -> int:
        return min(LEAST_EACH, self.target // len(KINDS))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def reached(self) -> bool:
        return self.total >= self.target

    def next_kind(self) -> str:
        """A random kind; where only enough kills are left for those that lack some, one of these."""
        lacking = {kind: self.least - count for kind, count in self.counts.items() if count < self.least}
        must = sum(lacking.values()) >= self.target - self.total
        return self.rng.choice([kind for kind in KINDS if kind in lacking] if must and lacking else list(KINDS))


class Disturber:
    """Kills and restarts in one house, search after search, until the kills are done.

    Args:
        spacing: seconds between two kills, on average.
        say: is told each kill.
    """

    def __init__(self, house: House, kills: Kills, spacing: float, say: Callable[[str], None]) -> None:
        self._house, self._kills, self._spacing, self._say = house, kills, spacing, say
        self._rng = kills.rng
        self._restart_at = {"controller": 0.0, "app": 0.0}
        self._killed = {"controller": False, "app": False}
        self._app_started = self._looked = 0.0
        self._answered = True
        self.apps_answered = 0

    def run(self, search_id: str, arguments: Sequence[str], deadline: float) -> list[str]:
        """Take one search to its end; what went wrong beyond the kills. `deadline` is a time.monotonic()."""
        if self._house.app is None:
            self._start_app()
        self._house.start_controller(arguments)
        self._killed["controller"] = False
        due, kind = self._next_moment(), self._kills.next_kind()
        while time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
            if (problem := self._see_to_app()) is not None:
                return [problem]
            if (ended := self._see_to_controller(search_id, arguments)) is not None:
                return ended
            if not self._kills.reached and time.monotonic() >= due and self._kill(kind):
                due, kind = self._next_moment(), self._kills.next_kind()
        return [f"search {search_id} did not end in time"]

    def settle(self) -> list[str]:
        """After the last search: have a healthy app that owns the store and has read everything."""
        self._restart_at["app"] = 0.0
        self._see_to_app()
        if not wait_for(lambda: (self._house.health() or {}).get("store") == "owner", APP_SECONDS):
            return ["the app did not take the store over after the last search"]
        before: list[object] = []

        def quiet() -> bool:
            before.append((self._house.health() or {}).get("store_version"))
            return len(before) > 15 and before[-1] is not None and len(set(before[-15:])) == 1

        return [] if wait_for(quiet, APP_SECONDS) else ["the app still found new records long after the last search"]

    def _next_moment(self) -> float:
        return time.monotonic() + self._spacing * self._rng.uniform(0.3, 1.7)

    def _kill(self, kind: str) -> bool:
        word = self._house.kill(kind, self._rng)
        if word is None:  # none lives now: wait for one
            return False
        self._kills.counts[kind] += 1
        if kind in self._killed:
            self._killed[kind] = True
            self._restart_at[kind] = time.monotonic() + self._rng.uniform(0, LONGEST_PAUSE[kind])
        self._say(f"kill {self._kills.total} of {self._kills.target}: {kind} {word}")
        return True

    def _see_to_controller(self, search_id: str, arguments: Sequence[str]) -> list[str] | None:
        """Start it again after a kill. None while the search goes on, else what is wrong with its end."""
        process = self._house.controller
        assert process is not None
        code = process.poll()
        if code is None:
            return None
        state = state_of(self._house.home, search_id)
        if self._killed["controller"]:
            if time.monotonic() >= self._restart_at["controller"]:
                self._killed["controller"] = False
                known = state.fact is not None  # else it died before it could say what search it runs
                self._house.start_controller(["--resume", search_id] if known else arguments)
            return None
        status = state.event["status"] if state.event else "unknown"
        if code == 0 and status == "COMPLETE":
            left = [] if wait_for(lambda: not self._house.workers(), 30) else ["a worker lives on after the search"]
            failed = [
                f"{trial.fact['trial_id']} FAILED: {trial.error}"
                for trial in state.ordered()
                if trial.status == "FAILED"
            ]
            return left + failed
        message = state.event["message"] if state.event else None
        return [f"the controller of {search_id} ended with exit code {code}, the search is {status}: {message}"]

    def _start_app(self) -> None:
        self._house.start_app()
        self._killed["app"], self._answered = False, False
        self._app_started = time.monotonic()

    def _see_to_app(self) -> str | None:
        """Start it again after a kill; a sentence where it ended by itself or does not answer."""
        process, now = self._house.app, time.monotonic()
        assert process is not None
        code = process.poll()
        if code is not None:
            if not self._killed["app"]:
                return f"the app ended by itself, with exit code {code}"
            if now >= self._restart_at["app"]:
                self._start_app()
            return None
        if not self._answered and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._answered = self._house.health() is not None
            self.apps_answered += self._answered
            if not self._answered and now - self._app_started > APP_SECONDS:
                return f"the app did not answer within {APP_SECONDS:.0f} s of its start"
        return None


def undisturbed(house: House, search_id: str, arguments: Sequence[str], deadline: float) -> tuple[float, list[str]]:
    """Run the same search in peace: its seconds, and what went wrong."""
    started = time.monotonic()
    house.start_controller(arguments)
    assert house.controller is not None
    controller = house.controller
    if not wait_for(lambda: controller.poll() is not None, deadline - started):
        return time.monotonic() - started, [f"the undisturbed search {search_id} did not end in time"]
    seconds = time.monotonic() - started
    house.stop_ingest()
    if controller.returncode != 0:
        log = _tail(house.home / "house.log")
        return seconds, [f"the undisturbed search {search_id} ended with exit code {controller.returncode}: {log}"]
    return seconds, []


def _tail(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "its log is empty"
