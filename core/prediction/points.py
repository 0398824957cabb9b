"""The saved operating points of a model, from the journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.evaluation.decision import DecisionError, from_record
from core.prediction.models import ModelEntry
from core.prediction.reader import Point
from store.journal import HOME_JOURNAL, journal_files, read_records


def points(home: Path, entry: ModelEntry) -> list[Point]:
    """Those that were not taken back and can decide on the model's classes, newest first."""
    latest: dict[str, tuple[tuple[str, str, int], dict[str, Any]]] = {}
    for path in journal_files(home, HOME_JOURNAL):
        for record in read_records(path)[0]:
            if record["kind"] == "operating_point":
                rank = (str(record["at"]), path.name, int(record["seq"]))
                kept = latest.get(record["operating_point_id"])
                if kept is None or rank > kept[0]:
                    latest[str(record["operating_point_id"])] = (rank, record)
    found = []
    for _, record in sorted(latest.values(), key=lambda one: one[0], reverse=True):
        usable = not record["removed"] and record["model_id"] == entry.model_id
        if usable and tuple(record["classes"]) == entry.classes:
            try:
                rule = from_record(record["rule"], len(entry.classes))
            except DecisionError:
                continue  # of another version; the pages say so where it is chosen
            found.append(Point(str(record["name"]), rule, str(record["operating_point_id"])))
    return found
