"""The shortcut audit of one data set as a job: what is missing is audited and recorded, one baseline after the other.

It also starts by itself, in the background, with every data set that is read (see `start_in_background`).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from core import jobs
from core.data.dataset import ROWS_A_RECORD, Dataset, ImageRecord
from core.data.sources import FEWEST, GUESS, Signs, Told, guess_sources, known_sources, told_sources
from core.data.split import cap
from core.evaluation.audit import CLASS, METHOD_VERSION, SOURCE, Audit, AuditError, Plan, cross_validate, plan
from core.evaluation.audit_features import Features, read_features
from core.evaluation.audit_words import FEATURES, SHORTCUTS, alone
from store.journal import HOME_JOURNAL, replay

KIND: Final = "audit"  # of the job
SWITCH: Final = "CELLASCENT_AUDIT"  # environment variable; "off": no audit starts by itself
MAX_IMAGES: Final = 20_000  # more are not needed for an interval below a percent

Kept = dict[tuple[str, str], tuple[Audit, str]]  # (feature, target) -> the audit and its basis


@dataclass(frozen=True)
class Outcome:
    """Where an audit has led.

    Attributes:
        audits: all that count now, those recorded before too.
        made: how many of them were made now.
        images: that were looked at.
        told: where each of them comes from, and who says so.
        notes: what was left out and why, a sentence each.
    """

    audits: tuple[Audit, ...]
    made: int
    images: tuple[ImageRecord, ...]
    told: dict[int, Told]
    notes: tuple[str, ...]


def run_audit(
    home: Path, dataset: Dataset, job: jobs.Job, *, seed: int = 0, again: bool = False,
    tell: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Outcome:  # fmt: skip
    """Audit every feature on class and, where there are two or more, on source; record each as soon as it is done.

    What is recorded already by this version, with this seed, on the same images, labels and groups, is not done again.

    Args:
        job: that this is; its journal takes the records.
        again: do it all anew.
        tell: told stage, units done and units in all, beside the job.

    Raises AuditError when neither class nor source can be audited, DatasetError when an image is gone, JobCancelled.
    """

    def progress(stage: str, done: int, total: int) -> None:
        job.tell(stage, done, total)
        tell(stage, done, total)

    def read() -> Features:
        return read_features(
            dataset.root, images, lambda done, total: progress("read images", done, total), job.leave_if_cancelled
        )

    images = _taken(dataset, seed)
    groups = [image.group_id or f"image {image.image_id}" for image in images]
    features: Features | None = None
    told = told_sources(home, dataset)
    if not known_sources(dataset) and (again or any(image.image_id not in told for image in images)):
        features = read()
        told = _guess(home, dataset, images, features, job, again)
    sources = [told[image.image_id].source if image.image_id in told else None for image in images]
    plans, notes = _plans([image.class_ for image in images], sources, groups)
    if len(images) < len(dataset.usable):
        notes.append(f"{len(images):,} of {len(dataset.usable):,} images were audited, the classes in proportion.")
    kept = recorded(home, dataset.dataset_id)
    todo = [(of, one) for of in plans for one in FEATURES if again or not _holds(kept.get((one, of.target)), of, seed)]
    for done, (of, feature) in enumerate(todo):
        features = features or read()
        progress(f"predict the {of.target}", done, len(todo))
        audit = cross_validate(feature, features.rows[feature], of, seed, job.leave_if_cancelled)
        job.journal.append("audit", **audit.payload(dataset.dataset_id, of.basis()))
        kept[feature, of.target] = (audit, of.basis())
        progress(f"predict the {of.target}", done + 1, len(todo))
    audits = tuple(kept[feature, of.target][0] for of in plans for feature in FEATURES)
    job.outcome = _outcome(audits)
    return Outcome(
        audits, len(todo), images, {i.image_id: told[i.image_id] for i in images if i.image_id in told}, tuple(notes)
    )


def recorded(home: Path, dataset_id: str) -> Kept:
    """The audits of a data set that count, by (feature, target): the latest of each."""
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for record in replay(home, HOME_JOURNAL):
        if record["kind"] == "audit" and record["dataset_id"] == dataset_id:
            key = (str(record["feature"]), str(record["target"]))
            if key not in latest or str(latest[key]["at"]) < str(record["at"]):
                latest[key] = record
    return {key: (_audit(record), str(record.get("basis"))) for key, record in latest.items()}


def is_audited(home: Path, dataset_id: str) -> bool:
    """Whether every feature's audit of the class is recorded, by this version of the method."""
    kept = recorded(home, dataset_id)
    return all((one, CLASS) in kept and kept[one, CLASS][0].version == METHOD_VERSION for one in FEATURES)


def start_in_background(home: Path, dataset_id: str) -> None:
    """See that a data set which has been read is audited: a process of its own, of low priority. Never raises or waits.

    Nothing starts where it is audited or being audited already, or where CELLASCENT_AUDIT is "off".
    """
    if os.environ.get(SWITCH, "").lower() == "off":
        return

    def begin() -> None:
        # Whatever hinders it (a full disk, no process to be had) must not hinder what the data were read for.
        with contextlib.suppress(jobs.JobError, OSError, ValueError, KeyError):
            if not is_audited(home, dataset_id):
                jobs.start(home, KIND, dataset_id, ["audit", "--dataset", dataset_id])

    threading.Thread(target=begin, name="start audit").start()


def _taken(dataset: Dataset, seed: int) -> tuple[ImageRecord, ...]:
    """The images to audit: all, or as many as are enough, chosen by seed and content."""
    images = dataset.usable
    places = cap([image.class_ for image in images], [image.sha256 or image.path for image in images], MAX_IMAGES, seed)
    return tuple(images[place] for place in places)


def _guess(
    home: Path, dataset: Dataset, images: tuple[ImageRecord, ...], features: Features, job: jobs.Job, again: bool
) -> dict[int, Told]:
    """Guess sources, record the guess where nobody has told one, and return what is told now."""
    signs = [
        Signs(image.path, image.class_ or "", facts.width, facts.height, facts.quality)
        for image, facts in zip(images, features.facts, strict=True)
    ]
    guessed = guess_sources(signs)
    told = told_sources(home, dataset)  # once more: a person may have said something while the images were read
    open_to_guess = [
        (image.image_id, source)
        for image, source in zip(images, guessed, strict=True)
        if image.image_id not in told or (again and told[image.image_id].by == GUESS)
    ]
    for start in range(0, len(open_to_guess), ROWS_A_RECORD):
        image_ids, names = zip(*open_to_guess[start : start + ROWS_A_RECORD], strict=True)
        job.journal.append(
            "image_sources", dataset_id=dataset.dataset_id, told_by=GUESS,
            columns={"image_id": list(image_ids), "source": list(names)},
        )  # fmt: skip
    return told | {image_id: Told(source, GUESS) for image_id, source in open_to_guess}


def _plans(classes: list[str | None], sources: list[str | None], groups: list[str]) -> tuple[list[Plan], list[str]]:
    """What can be audited, and notes on what cannot. Raises AuditError where nothing can."""
    plans: list[Plan] = []
    notes: list[str] = []
    for target, labels, fewest in ((CLASS, classes, 1), (SOURCE, sources, FEWEST)):
        try:
            plans.append(plan(target, labels, groups, fewest=fewest))
            notes += plans[-1].left_out
        except AuditError as error:
            notes.append(str(error))
    if not plans:
        raise AuditError(" ".join(notes))
    return plans, notes


def _holds(kept: tuple[Audit, str] | None, of: Plan, seed: int) -> bool:
    """Whether a recorded audit is what would come out again."""
    return kept is not None and (kept[0].version, kept[0].seed, kept[1]) == (METHOD_VERSION, seed, of.basis())


def _audit(record: dict[str, Any]) -> Audit:
    facts = {field.name: record[field.name] for field in fields(Audit)}
    return Audit(**facts | {"labels": tuple(facts["labels"]), "confusion": tuple(facts["confusion"])})


def _outcome(audits: tuple[Audit, ...]) -> str:
    """One sentence for the job: what the best shortcut says of the class, or else of the source."""
    own = {audit.feature: audit for audit in audits if audit.target == audits[0].target}
    best = max(SHORTCUTS, key=lambda feature: own[feature].accuracy)
    return alone(best, own[best].target, own[best].accuracy, own[best].chance)
