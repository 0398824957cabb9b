"""How a trained trial bears shifted images: every shift and severity on its test images, recorded one by one.

Each condition (a shift at a severity) is a record in the search's own journals as soon as it is measured, so a
cancelled or killed run goes on where it was. Reported, never used to choose: nothing reads it back into training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import jobs
from core.data.cache import open_cache
from core.data.dataset import Dataset, DatasetError, ImageRecord
from core.evaluation.metrics import confusion_matrix
from core.evaluation.robustness_summary import BASE, Matrices, headline, under_shift
from core.evaluation.shifts import SEVERITIES, SHIFTS, VERSION, find, image_seed, label, shifted
from core.paths import dataset_file, trial_name
from core.search.commands import CommandError, deleted
from core.search.state import SearchState
from store.journal import JournalWriter, journal_folder, next_attempt, read_records

KIND = "robustness"  # of the job and of its records
BATCH = 64  # images at once: as many as at the trial's own evaluation, so that the unchanged ones give the same bits

Ints = NDArray[np.int64]
Key = tuple[str, int]  # shift, severity


@dataclass(frozen=True)
class Progress:
    """Where a run is: what it measures, images done and in all, and the seconds left as far as they can be told."""

    stage: str
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True)
class Measured:
    """All that is known of a trial now, and how much of it this run measured itself."""

    trial_id: str
    split: str
    classes: tuple[str, ...]
    matrices: Matrices
    images: int  # in the whole split
    recorded_accuracy: float | None  # of the split, as the trial's own evaluation said it
    new: int  # conditions
    seconds: float


def trial_of(home: Path, target: str) -> str:
    """The trial that a person means: a trial id, or a search id for the search's model (its best trial without one).

    Raises CommandError when there is none.
    """
    return trial_in(_state(home, target.partition(".")[0]), target)


def trial_in(state: SearchState, target: str) -> str:
    """As `trial_of`, where the search's state is known. Raises CommandError when it has no such trial."""
    search_id = target.partition(".")[0]
    if "." in target:
        if target not in state.trials:
            raise CommandError(f"Search {search_id} has no trial {trial_name(target)}.")
        return target
    event = state.event or {}
    chosen = event.get("model_trial_id") or event.get("best_trial_id")
    if not chosen:
        raise CommandError(f"Search {search_id} has no finished model yet; name one of its trials.")
    return str(chosen)


def measure(
    home: Path, trial_id: str, *, per_class: int | None = None, shifts: Sequence[str] = (),
    say: Callable[[Progress], None] = lambda _progress: None,
) -> Measured:  # fmt: skip
    """Measure what is not known yet, as a job; what was recorded with these shifts' version is not measured again.

    Args:
        per_class: at most so many images a class, always the same; None for all. A condition that is known for more
            images than that is kept.
        shifts: names in `SHIFTS`; none: all of them. The unchanged images are always judged.
        say: is told the progress, once a batch.

    Raises:
        CommandError, ShiftError, ModelError, DatasetError: it cannot be done, in one sentence.
        JobError: another process does it.
        JobCancelled: a person cancelled it; what was measured is kept.
    """
    wanted = [find(name).name for name in shifts] or list(SHIFTS)
    if per_class is not None and per_class < 1:
        raise CommandError(f"per-class is {per_class}; it must be at least 1.")
    state = _state(home, trial_id.partition(".")[0])
    if trial_id not in state.trials:
        raise CommandError(f"There is no trial {trial_id} in {home}.")
    with jobs.running(home, KIND, trial_id) as job:
        run = _Run(home, trial_id, job, say)
        measured = run.measure(state, wanted, per_class)
        job.outcome = _outcome(measured)
    return measured


def known(home: Path, trial_id: str) -> dict[Key, Ints]:
    """What the journals say of a trial, measured with the present version of the shifts: the latest word counts."""
    found: dict[Key, tuple[str, Ints]] = {}
    folder = journal_folder(home, trial_id.partition(".")[0])
    for path in sorted(folder.glob(f"{_journal_name(trial_id)}-*.jsonl")):
        for record in read_records(path)[0]:
            if record["kind"] == KIND and record["trial_id"] == trial_id and record["version"] == VERSION:
                key, flat = (str(record["shift"]), int(record["severity"])), np.array(record["confusion"], np.int64)
                side = round(len(flat) ** 0.5)
                if key not in found or found[key][0] < str(record["at"]):
                    found[key] = str(record["at"]), flat.reshape(side, side)
    return {key: matrix for key, (_, matrix) in found.items()}


def sample(images: Sequence[ImageRecord], per_class: int | None) -> list[ImageRecord]:
    """At most so many images of each class, by the hash of their files: a larger sample holds every smaller one."""
    if per_class is None:
        return list(images)
    chosen: list[ImageRecord] = []
    for name in sorted({image.class_ or "" for image in images}):
        own = [image for image in images if image.class_ == name]
        chosen += sorted(own, key=lambda image: (image.sha256 or "", image.image_id))[:per_class]
    return sorted(chosen, key=lambda image: image.image_id)


def judged_split(dataset: Dataset) -> tuple[str, list[ImageRecord]]:
    """The split that is judged, with its images: test, or val where there is no test image.

    Raises DatasetError when there is neither.
    """
    for split in ("test", "val"):
        if images := [image for image in dataset.usable if image.split == split]:
            return split, images
    raise DatasetError(f"{dataset.name} has no test and no validation image, so there is nothing to judge on.")


class _Run:
    """One run over the conditions that are missing."""

    def __init__(self, home: Path, trial_id: str, job: jobs.Job, say: Callable[[Progress], None]) -> None:
        self._home, self._trial_id, self._job, self._say = home, trial_id, job, say
        self._done, self._total, self._began = 0, 0, 0.0

    def measure(self, state: SearchState, shifts: Sequence[str], per_class: int | None) -> Measured:
        self._tell("load the model", 0, 0)
        from core.prediction.predictor import load  # torch takes seconds, which the pages do not need to wait for

        model = load(self._home, self._trial_id)
        self._job.leave_if_cancelled()
        dataset = Dataset.load(dataset_file(self._home, model.facts.dataset_id))
        classes = tuple(model.facts.classes)
        split, everything = judged_split(dataset)
        images = sample(everything, per_class)
        true = np.array([classes.index(image.class_ or "") for image in images], dtype=np.int64)
        support = np.bincount(true, minlength=len(classes))
        found = known(self._home, self._trial_id)
        missing = [key for key in _conditions(shifts) if key not in found or _fewer(found[key], support)]
        pixels = open_cache(
            dataset, model.facts.image_size, self._home / "cache",
            lambda done, total: self._tell("decode the images", done, total), self._job.cancelled,
        )  # fmt: skip
        self._done, self._total, self._began = 0, len(missing) * len(images), time.monotonic()
        folder, name = journal_folder(self._home, self._trial_id.partition(".")[0]), _journal_name(self._trial_id)
        journal = JournalWriter(folder, name, next_attempt(folder, name))
        try:
            for shift, severity in missing:
                started = time.monotonic()
                called = self._called(model.predict_squares, pixels, images, shift, severity)
                matrix = confusion_matrix(true, called, len(classes))
                journal.append(
                    KIND, trial_id=self._trial_id, shift=shift, severity=severity,
                    search_id=self._trial_id.partition(".")[0], split=split, confusion=matrix.ravel().tolist(),
                    version=VERSION, seconds=time.monotonic() - started,
                )  # fmt: skip
                found[shift, severity] = matrix
        finally:
            journal.close()
        accuracy = state.trials[self._trial_id].metric(split, "accuracy")
        seconds = time.monotonic() - self._began
        return Measured(
            self._trial_id, split, classes, found, len(everything), accuracy, len(missing), seconds
        )  # fmt: skip

    def _called(
        self, predict: Callable[[NDArray[np.uint8]], np.ndarray], pixels: NDArray[np.uint8],
        images: Sequence[ImageRecord], shift: str, severity: int,
    ) -> Ints:  # fmt: skip
        """What each image (n,) is called under a shift, as class indices."""
        words = label(shift) if not severity else f"{label(shift)}, severity {severity} of {len(SEVERITIES)}"
        called: list[Ints] = []
        for start in range(0, len(images), BATCH):
            self._job.leave_if_cancelled()
            self._tell(words, self._done, self._total)
            batch = images[start : start + BATCH]
            squares = pixels[[image.image_id for image in batch]]
            seeds = [image_seed(image.sha256, image.image_id) for image in batch]
            called.append(predict(shifted(squares, shift, severity, seeds)).argmax(axis=1))
            self._done += len(batch)
        self._tell(words, self._done, self._total)
        return np.concatenate(called)

    def _tell(self, stage: str, done: int, total: int) -> None:
        passed = time.monotonic() - self._began
        left = (total - done) * passed / done if self._began and done else None
        told = stage if left is None else f"{stage} (about {minutes(left)} left)"
        self._job.tell(told, done, total)
        self._say(Progress(stage, done, total, left))


def minutes(seconds: float) -> str:
    """'40 s', '12 min' or '1 h 5 min'."""
    whole = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"


def _state(home: Path, search_id: str) -> SearchState:
    state = SearchState(home, search_id)
    state.update()
    if state.fact is None or search_id in deleted(home):
        raise CommandError(f"There is no search {search_id} in {home}.")
    return state


def _conditions(shifts: Sequence[str]) -> list[Key]:
    return [BASE, *((shift, severity) for shift in dict.fromkeys(shifts) for severity in SEVERITIES)]


def _fewer(matrix: Ints, support: Ints) -> bool:
    """Whether a matrix rests on fewer images of some class than are wanted."""
    return matrix.shape != (len(support), len(support)) or bool((matrix.sum(axis=1) < support).any())


def _journal_name(trial_id: str) -> str:
    return f"{KIND}-{trial_name(trial_id)}"


def _outcome(measured: Measured) -> str:
    found = under_shift(measured.matrices)
    if not measured.new:
        return "Everything asked for was measured before."
    number = f"{measured.new} {'condition' if measured.new == 1 else 'conditions'} measured."
    return number if found is None else f"{number} {headline(found)}"
