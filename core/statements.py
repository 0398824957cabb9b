"""What a person states through a page or a command: notes and tags, fusions, operating points, sources of images.

Each is a record of the home's own journal, durable when the call returns. The latest statement about a thing counts.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from store.journal import JournalWriter, journal_folder

ROWS_A_RECORD = 2000  # images


class StatementError(ValueError):
    """A statement makes no sense; the message says why."""


def annotate(home: Path, search_id: str, note: str, tags: Sequence[str], *, trial_id: str | None = None) -> None:
    """Set note and tags of a search, or of one of its trials. Raises JournalError when the disk refuses."""
    unique = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    _journal(home).append("annotation", search_id=search_id, trial_id=trial_id, note=note.strip(), tags=unique)


def save_reading(
    home: Path, *, model_trial_id: str | None, file_name: str, image_sha256: str, classes: Sequence[str],
    probabilities: Sequence[float], flags: Mapping[str, Any],
) -> str:  # fmt: skip
    """Record a live prediction and return its id.

    Args:
        model_trial_id: the trial whose weights were used; None for a fusion, which `flags` then name.
        flags: warnings that were shown with it, as JSON can hold them.

    Raises JournalError when the disk refuses.
    """
    reading_id = _new_id("r")
    _journal(home).append(
        "reading", reading_id=reading_id, model_trial_id=model_trial_id, file_name=file_name,
        image_sha256=image_sha256, classes=list(classes), probabilities=[float(one) for one in probabilities],
        flags=dict(flags),
    )  # fmt: skip
    return reading_id


def save_fusion(
    home: Path, name: str, dataset_id: str, rule: str, weights: Mapping[str, float], *, chosen_by: str = "person"
) -> str:
    """Save a fusion of trials (trial_id -> weight, at least 0) and return its id.

    Args:
        rule: "average" of the probabilities, or "vote" of the predicted classes.
        chosen_by: "person", or "validation" for the best ensemble found on the val split.

    Raises StatementError without a name or without a positive weight, JournalError when the disk refuses.
    """
    total = sum(weights.values())
    if not name.strip():
        raise StatementError("A fusion needs a name.")
    if any(weight < 0 for weight in weights.values()) or not total > 0:
        raise StatementError("Give at least one trial a weight above 0, and none below.")
    members = {trial_id: weight / total for trial_id, weight in weights.items() if weight > 0}
    fusion_id = _new_id("f")
    _journal(home).append(
        "fusion", fusion_id=fusion_id, name=name.strip(), dataset_id=dataset_id, rule=rule, trial_ids=list(members),
        weights=list(members.values()), chosen_by=chosen_by, removed=False,
    )  # fmt: skip
    return fusion_id


def save_operating_point(
    home: Path, name: str, model_id: str, classes: Sequence[str], rule: Mapping[str, Any], *,
    search_id: str | None = None, prevalence: Mapping[str, float] | None = None,
) -> str:  # fmt: skip
    """Save an operating point of a trial or a fusion and return its id.

    Args:
        rule: how probabilities become a decision, as JSON: its kind and numbers.
        prevalence: share of each class that it was set for; None: that of the data.

    Raises StatementError without a name, JournalError when the disk refuses.
    """
    if not name.strip():
        raise StatementError("An operating point needs a name.")
    operating_point_id = _new_id("o")
    _journal(home).append(
        "operating_point", operating_point_id=operating_point_id, name=name.strip(), search_id=search_id,
        model_id=model_id, classes=list(classes), rule=dict(rule), prevalence=prevalence, removed=False,
    )  # fmt: skip
    return operating_point_id


def set_sources(home: Path, dataset_id: str, sources: Mapping[int, str | None]) -> None:
    """Say where images come from (image_id -> source, None or empty: not known), over manifest and guess.

    Raises StatementError without an image, JournalError when the disk refuses.
    """
    if not sources:
        raise StatementError("Name at least one image and its source.")
    items = [(int(image_id), (source or "").strip() or None) for image_id, source in sources.items()]
    for start in range(0, len(items), ROWS_A_RECORD):
        image_ids, names = zip(*items[start : start + ROWS_A_RECORD], strict=True)
        columns = {"image_id": list(image_ids), "source": list(names)}
        _journal(home).append("image_sources", dataset_id=dataset_id, told_by="person", columns=columns)


def remove(home: Path, kind: str, row: Mapping[str, Any]) -> None:
    """Take back a saved fusion or operating point (`kind`), given as the row that the store returns for it.

    Raises JournalError when the disk refuses.
    """
    record = {name: _plain(name, value) for name, value in row.items() if name != "at"}  # the time is now
    _journal(home).append(kind, **{**record, "removed": True})


def _plain(name: str, value: Any) -> Any:
    """A value as the record has it: lists, not arrays; JSON columns as what they hold."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if name in ("rule", "prevalence") and isinstance(value, str) and value[:1] in ("{", "n"):
        return json.loads(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _new_id(letter: str) -> str:
    return f"{letter}-{uuid.uuid4().hex[:12]}"


@cache
def _journal(home: Path) -> JournalWriter:
    """One journal a process and home."""
    return JournalWriter(journal_folder(home), "person")
