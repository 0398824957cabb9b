"""The saved operating points of a model, from the journals."""

from __future__ import annotations

from pathlib import Path

from core.evaluation.decision import DecisionError, from_record
from core.prediction.models import ModelEntry
from core.prediction.reader import Point
from core.search.followed import latest, stated


def points(home: Path, entry: ModelEntry) -> list[Point]:
    """Those that were not taken back and can decide on the model's classes, newest first."""
    found = []
    for record in latest(stated(home).records(), "operating_point"):
        usable = record["model_id"] == entry.model_id
        if usable and tuple(record["classes"]) == entry.classes:
            try:
                rule = from_record(record["rule"], len(entry.classes))
            except DecisionError:
                continue  # of another version; the pages say so where it is chosen
            found.append(Point(str(record["name"]), rule, str(record["operating_point_id"])))
    return found
