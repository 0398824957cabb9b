"""What is said of the cells of a field, in words and as tables. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.prediction.batch import Item, urgency
from core.prediction.field import CellReading
from core.prediction.reading_words import raised_words, share_of, unknown_words
from core.prediction.report_facts import Review
from core.prediction.wording import percent
from pages.components.batch_tables import Reviews


def cell_words(cell: CellReading | None) -> str:
    """'Monocyte (93.1%)', 'Refer to an expert', 'not read yet'."""
    if cell is None:
        return "not read yet"
    share = "" if cell.reading.decision.kind != "class" else f" ({percent(share_of(cell.reading))})"
    return f"{cell.reading.decision.words}{share}"


def in_order(cells: Sequence[CellReading]) -> list[CellReading]:
    """What needs eyes first, by the rules of a batch; then by number."""
    return sorted(cells, key=lambda cell: (urgency(cell.reading), cell.number))


def why(cell: CellReading) -> list[str]:
    """Why a cell needs eyes: raised checks, the watch on blasts, what was not checked, the edge of the field."""
    return raised_words(cell.reading) + unknown_words(cell.reading) + (["At the edge"] if cell.at_edge else [])


def items_of(cells: Sequence[CellReading]) -> list[Item]:
    """The cells as the files of a batch, whose count and report are theirs too."""
    return [
        Item(cell.number, f"Cell {cell.number}{', at the edge' * cell.at_edge}", cell.reading, cell.reading_id,
             cell.picture, at_time=cell.at)
        for cell in cells
    ]  # fmt: skip


def export_table(name: str, cells: Sequence[CellReading], reviews: Reviews) -> pd.DataFrame:
    """Every box, its reading and what an expert said of it, a row a cell, for a CSV."""
    return pd.DataFrame([
        _row(name, cell) | _review(reviews.get(cell.reading_id))
        for cell in sorted(cells, key=lambda cell: cell.number)
    ])  # fmt: skip


def _review(review: Review | None) -> dict[str, Any]:
    return {} if review is None else {
        "verdict": review.verdict, "expert_class": review.class_, "note": review.note,
        "reviewed_by": review.reviewed_by, "reviewed_at": review.at,
    }  # fmt: skip


def _row(name: str, cell: CellReading) -> dict[str, Any]:
    reading, box = cell.reading, cell.box
    said = reading.to_json()
    return {
        "file": name, "number": cell.number, "x": box.x, "y": box.y, "width": box.width, "height": box.height,
        "stain": box.score, "at_edge": cell.at_edge, "reading_id": cell.reading_id,
        "decision": reading.decision.kind, "classes": " or ".join(reading.decision.classes),
        "decided_by": reading.decision.decided_by, "reasons": " ".join(reading.decision.reasons),
        "calibrated": reading.calibrated,
    } | {f"p_{one}": share for one, share in said["probabilities"].items()} | {
        "prediction_set": " ".join(reading.prediction_set), "flags": " ".join(flag.name for flag in reading.raised),
        "blast_watch": None if reading.blast is None else reading.blast.raised,
        "image_sha256": reading.image_sha256, "model_id": reading.model_id, "runtime": reading.runtime,
        "weights_sha256": reading.weights_sha256,
    }  # fmt: skip
