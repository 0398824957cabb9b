"""What a person states through a page or a command: notes and tags, readings and reviews, fusions,
operating points, sources of images.

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

from core.prediction.reading import Reading
from store.journal import JournalWriter, journal_folder

ROWS_A_RECORD = 2000  # images
THROUGH = ("page", "batch", "field", "api", "command line")
VERDICTS = ("confirm", "correct", "refer")
LONGEST_NOTE = 10_000  # characters
LONGEST_CLASS = 80
LONGEST_NAME = 200


class StatementError(ValueError):
    """A statement makes no sense; the message says why."""


def annotate(home: Path, search_id: str, note: str, tags: Sequence[str], *, trial_id: str | None = None) -> None:
    """Set note and tags of a search, or of one of its trials. Raises JournalError when the disk refuses."""
    unique = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    _journal(home).append("annotation", search_id=search_id, trial_id=trial_id, note=note.strip(), tags=unique)


def save_reading(
    home: Path, reading: Reading, *, file_name: str, through: str, batch_id: str | None = None,
    box: Sequence[int] | None = None, kept: bool = False, asked_by: str | None = None,
    operating_point_id: str | None = None,
) -> str:  # fmt: skip
    """Record a reading and return its id.

    Args:
        through: one of THROUGH: how the image came.
        batch_id: shared by the readings of one batch or of one field.
        box: x, y, width, height (px) of the cell in the field's image, of which `reading.image_sha256` is the hash.
        kept: whether the image file was kept (`core.prediction.kept`).
        asked_by: the person, where known.

    Raises StatementError for a way or a box that makes no sense, JournalError when the disk refuses.
    """
    if through not in THROUGH:
        raise StatementError(f"A reading comes through one of {', '.join(THROUGH)}, not {through!r}.")
    if box is not None and (len(box) != 4 or min(box[:2]) < 0 or min(box[2:]) < 1):
        raise StatementError(f"A box is x, y, width, height in pixels within its image, not {list(box)}.")
    reading_id = _new_id("r")
    said = reading.to_json()
    calibrated = reading.calibrated
    _journal(home).append(
        "reading", reading_id=reading_id, model_id=reading.model_id,
        model_trial_id=None if reading.model_id.startswith("f-") else reading.model_id,
        file_name=_printable(file_name), image_sha256=reading.image_sha256, width=reading.width, height=reading.height,
        kept=kept, box=None if box is None else [int(one) for one in box], runtime=reading.runtime,
        weights_sha256=reading.weights_sha256 or None, classes=list(reading.classes),
        probabilities=reading.probabilities.tolist(), raw=reading.raw.tolist(), calibrated=calibrated,
        temperature=float(reading.temperature), p_values=reading.p_values.tolist() if calibrated else None,
        prediction_set=list(reading.prediction_set) if calibrated else None,
        coverage=said["coverage"] if calibrated else None, flags=said["flags"], blast=said["blast"],
        decision=reading.decision.kind, decided_classes=list(reading.decision.classes),
        decided_by=reading.decision.decided_by, reasons=list(reading.decision.reasons),
        operating_point_id=operating_point_id, through=through, batch_id=batch_id, asked_by=_name(asked_by),
    )  # fmt: skip
    return reading_id


def save_review(
    home: Path, reading_id: str, verdict: str, *, class_: str | None = None, note: str = "",
    reviewed_by: str | None = None, decided: Sequence[str] | None = None,
) -> str:  # fmt: skip
    """Record what an expert says of a reading and return the review's id. All are kept, the latest counts.

    Args:
        verdict: "confirm" what the reading decided on; "correct" it to `class_`, any name ("lymphocyte"); "refer" it.
        class_: what the cell is. To confirm one class it may be left out where `decided` is given.
        decided: the classes that the reading decided on: one, two of a set, none where it was referred. Where it is
            given, the verdict is held against it.

    Raises StatementError for a verdict that makes no sense, JournalError when the disk refuses.
    """
    class_ = _printable(class_ or "").strip() or None
    if verdict not in VERDICTS:
        raise StatementError(f"A review is one of {', '.join(VERDICTS)}, not {verdict!r}.")
    if verdict == "confirm" and class_ is None and decided is not None and len(decided) == 1:
        class_ = str(decided[0])
    _check_verdict(verdict, class_, decided)
    if len(note) > LONGEST_NOTE:
        raise StatementError(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}.")
    review_id = _new_id("v")
    said: dict[str, Any] = {
        "reading_id": reading_id, "review_id": review_id, "verdict": verdict, "class": class_,
        "note": note.encode("utf-8", "replace").decode().strip(), "reviewed_by": _name(reviewed_by),
    }  # fmt: skip
    _journal(home).append("review", **said)
    return review_id


def _check_verdict(verdict: str, class_: str | None, decided: Sequence[str] | None) -> None:
    if verdict == "refer" and class_ is not None:
        raise StatementError(f"To refer a cell names no class, but {class_!r} was given: correct it to that one.")
    if verdict == "correct" and class_ is None:
        raise StatementError("Name the class that the cell belongs to.")
    if verdict == "correct" and decided is not None and list(decided) == [class_]:
        raise StatementError(f"The reading says {class_!r} already: confirm it.")
    if verdict == "confirm" and decided is not None and not decided:
        raise StatementError("The reading decided on no class, so there is none to confirm: correct it, or refer it.")
    if verdict == "confirm" and class_ is None:
        raise StatementError("Name the class that you confirm.")
    if verdict == "confirm" and decided is not None and class_ not in decided:
        named = " or ".join(map(repr, decided))
        raise StatementError(f"The reading says {named}, not {class_!r}: correct it to that one.")
    if class_ is not None and len(class_) > LONGEST_CLASS:
        raise StatementError(f"The name of a class has at most {LONGEST_CLASS} characters.")


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


def _name(person: str | None) -> str | None:
    return _printable(person or "").strip() or None


def _printable(text: str) -> str:
    """Text of a person or a file name without control characters and halves of pairs, of bounded length."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:LONGEST_NAME]


def _new_id(letter: str) -> str:
    return f"{letter}-{uuid.uuid4().hex[:12]}"


@cache
def _journal(home: Path) -> JournalWriter:
    """One journal a process and home."""
    return JournalWriter(journal_folder(home), "person")
