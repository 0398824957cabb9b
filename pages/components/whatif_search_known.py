"""What is known of a search for replays: its space and rules, its trials by point, the path that it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from core.search.replay import PointKey, Replay, point_key, recorded_path
from core.search.settings import SearchSettings
from core.search.space import SearchSpace
from core.search.state import CHANGED, FINAL, OFF_PATH
from pages.charts.wording import missing
from pages.components.unpacked import unpacked

Row = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """`trials` maps a point to its trial's row: of the path, else a what-if point. Final trainings are left out, since
    they have other seeds."""

    search: Row
    space: SearchSpace
    patience: int
    max_trials: int | None
    reuse: bool
    parallel: int
    trials: dict[PointKey, Row]
    recorded: Replay

    @property
    def names(self) -> tuple[str, ...]:
        """The coordinates in the recorded order."""
        return tuple(coordinate.name for coordinate in self.space.coordinates)

    @property
    def published(self) -> bool:
        return bool(self.search["origin"] == "published")

    @property
    def finished(self) -> dict[PointKey, Row]:
        """The points whose trial is complete."""
        return {key: row for key, row in self.trials.items() if row["status"] == "COMPLETE"}

    @property
    def changed(self) -> dict[PointKey, str]:
        """Of the points whose trial was trained later with other code or packages: what was another, in words."""
        told = {key: unpacked(row["settings"]).get(CHANGED) for key, row in self.finished.items()}
        return {key: str(words) for key, words in told.items() if words}

    @property
    def version(self) -> tuple[Any, ...]:
        """Another one when a replay may be: what is known grows with each trial that ends."""
        ended = sorted((row["trial_id"], row["status"]) for row in self.trials.values() if _ended(row))
        return (self.search["search_id"], self.recorded.stop_reason, len(self.recorded.decisions), tuple(ended))

    def ordered(self, order: tuple[str, ...]) -> SearchSpace:
        """The space with its coordinates in another order."""
        by_name = {coordinate.name: coordinate for coordinate in self.space.coordinates}
        return SearchSpace(tuple(by_name[name] for name in order))


def known(search: Row, trials: pd.DataFrame, cycles: pd.DataFrame) -> Known | None:
    """From the rows of the queries `search`, `trials` and `cycles`; None before the first trial was asked for."""
    rows = [{str(name): value for name, value in row.items()} for row in trials.to_dict("records")]
    rows = [_plain(row) for row in rows if row["coordinate"] != FINAL]
    first = next((row for row in rows if row["coordinate"] == "initial"), None)
    if first is None:
        return None
    given = unpacked(search["settings"])
    settings = replace(
        SearchSettings.from_json(given), batch_size=first["batch_size"], epochs=first["epochs"],
        learning_rate=first["learning_rate"],
    )  # fmt: skip
    space = settings.space()
    names = [coordinate.name for coordinate in space.coordinates]
    rows = [row | {name: unpacked(row["settings"])[name] for name in names if name not in row} for row in rows]
    path = [row for row in rows if row["coordinate"] not in OFF_PATH]
    by_point: dict[PointKey, Row] = {}
    for row in [*path, *(row for row in rows if row["coordinate"] in OFF_PATH)]:
        by_point.setdefault(point_key({name: row[name] for name in names}), row)
    reused = any(not missing(row["reused_epochs"]) and row["reused_epochs"] > 0 for row in path)
    stop = None if missing(search["stop_reason"]) else str(search["stop_reason"])
    recorded = recorded_path(path, _whole(cycles, path), names, stop)
    return Known(
        search, space, int(search["patience"]), settings.max_trials or None,
        settings.reuse == "yes" if "reuse" in given else reused, _parallel(search), by_point, recorded,
    )  # fmt: skip


def key_of(row: Mapping[str, Any], names: tuple[str, ...]) -> PointKey:
    """The point of a trial."""
    return point_key({name: row[name] for name in names})


def _plain(row: Row) -> Row:
    """Hyper-parameters as Python numbers, so that they compare with those of the space."""
    return row | {
        "batch_size": int(row["batch_size"]), "epochs": int(row["epochs"]),
        "learning_rate": float(row["learning_rate"]),
    }  # fmt: skip


def _whole(cycles: pd.DataFrame, path: list[Row]) -> list[Row]:
    """The cycles up to the first one of which a trial is not on record."""
    there = {row["trial_id"] for row in path}
    found = []
    for row in cycles.to_dict("records"):
        if not set(row["trial_ids"]) <= there:
            break
        found.append({str(name): value for name, value in row.items()})
    return found


def _ended(row: Row) -> bool:
    return row["status"] in ("COMPLETE", "FAILED")


def _parallel(search: Row) -> int:
    return int(unpacked(search.get("settled")).get("parallel") or 1)
