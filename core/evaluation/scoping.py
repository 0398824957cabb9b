"""Fits the out-of-scope score of a trained trial and judges it by images that show none of its classes.

Class means and covariance come from the training images, p-values from the calibration images, false alarms from the
test images. Sets of images out of scope judge the score and are used for nothing else: nothing is fitted to them and no
threshold is chosen by them. What is recorded is skipped by the next call, and a call after a kill goes on where the
killed one was.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core import jobs
from core.data.cache import open_cache
from core.data.dataset import Dataset
from core.data.external import described
from core.data.outside import Outside, outside_of
from core.evaluation.scope import METHODS, VERSION, Floats, ScopeError, fit
from core.evaluation.scope_features import Outputs, outputs_of
from core.evaluation.scope_file import Scope, save_scope, scores, whole_scope
from core.jobs import Job
from core.paths import trial_folder, trial_name
from core.search.commands import deleted
from core.search.state import SearchState
from store.journal import JournalWriter, Record, journal_folder, next_attempt, read_records

KIND: Final = "scope"  # of the background job (its subject is a trial), and how its journals begin
READ: Final = {"train": "the training images", "calibration": "the calibration images", "test": "the test images"}
PARTS: Final = "scope-parts"  # folder of a trial for features that are not needed any more once a record is written

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Known:
    """What is recorded of a trial's present fit: the fit, and what it says of each set out of scope, by the set's id.

    `new` counts what the call that returns it has recorded itself.
    """

    trial_id: str
    scope: Scope
    fitted: Record
    results: dict[str, Record]
    new: int = 0


def measure(home: Path, trial_id: str, job: Job, outside_id: str | None = None, tell: Tell | None = None) -> Known:
    """Fit the score of a trial where that is not done yet, then judge it by a set where it is not judged yet.

    Args:
        trial_id: a finished trial whose weights are here.
        job: is asked whether to go on, and told how far it is unless `tell` is.
        outside_id: an imported data set of images that show none of the classes; None: only fit.
        tell: is given the stage, and how many of how many images are done.

    Raises:
        ScopeError, OutsideError, ExternalError, DatasetError, ModelError: it cannot be done, in one sentence.
        JobCancelled, ScanCancelled: a person wants it to end; what is recorded, and most features, stay.
    """
    dataset = checked(home, trial_id)
    outside = None
    if outside_id is not None:
        other = described(home, outside_id)
        outside = other, outside_of(dataset, other)
    found, new = known(home, trial_id), 0
    if found is None or (outside_id is not None and outside_id not in found.results):
        run = _Run(home, trial_id, dataset, job, tell or job.tell)
        if found is None:
            run.fit()
            found, new = known(home, trial_id), new + 1
        if outside is not None and (found is None or outside_id not in found.results):
            run.judge(*outside)
            found, new = known(home, trial_id), new + 1
        shutil.rmtree(trial_folder(home, trial_id) / PARTS, ignore_errors=True)
    if found is None:
        raise ScopeError(f"The fitted score of {trial_id} was removed while it was used; run it again.")
    return Known(trial_id, found.scope, found.fitted, found.results, new)


def checked(home: Path, trial_id: str) -> Dataset:
    """The data of a trial whose score can be fitted. Raises ScopeError when it cannot, ExternalError without data."""
    search_id = trial_id.partition(".")[0]
    state = SearchState(home, search_id)
    state.update()
    if state.fact is None or state.data is None or search_id in deleted(home):
        raise ScopeError(f"There is no search {search_id} in {home}.")
    if trial_id not in state.trials:
        raise ScopeError(f"Search {search_id} has no trial {trial_name(trial_id) or '?'}.")
    if state.trials[trial_id].status != "COMPLETE":
        raise ScopeError(f"Trial {trial_id} has not finished its training; its features are read once it has.")
    if not (trial_folder(home, trial_id) / "weights.json").is_file():
        raise ScopeError(f"The weights of trial {trial_id} are not here, so it cannot read images.")
    dataset = described(home, state.data["dataset_id"])
    splits = {image.split for image in dataset.usable}
    if "calibration" not in splits:
        raise ScopeError(
            f"The data of search {search_id} have no calibration images (the published preset makes none), so no "
            "p-value can be told; train with --preset own, which keeps a calibration split."
        )
    if "train" not in splits:
        raise ScopeError(f"The data of search {search_id} have no training images, so there is nothing to fit to.")
    return dataset


def known(home: Path, trial_id: str) -> Known | None:
    """The recorded fit of a trial that its files hold too, with its results; None: it is still to be fitted."""
    scope = whole_scope(trial_folder(home, trial_id))
    if scope is None:
        return None
    fitted: Record | None = None
    results: dict[str, Record] = {}
    records = [record for path in _journals(home, trial_id) for record in read_records(path)[0]]
    for record in sorted(records, key=lambda record: str(record["at"])):
        if record.get("trial_id") == trial_id and record.get("fit") == scope.fit_id:
            if record["kind"] == "scope_fit":
                fitted = record
            elif record["kind"] == "scope_result":
                results[record["outside_id"]] = record
    return None if fitted is None else Known(trial_id, scope, fitted, results)


def start(home: Path, trial_id: str, outside: str | None = None) -> None:
    """Do it in the background. Raises JobError when it is being done already."""
    jobs.start(home, KIND, trial_id, arguments(trial_id, outside))


def arguments(trial_id: str, outside: str | None = None) -> list[str]:
    """Of the command line that does it; `outside` is the id of a data set, or a folder."""
    return ["scope", "--trial", trial_id, *([] if outside is None else ["--out-of-scope", outside])]


class _Run:
    """The model, loaded once, and what it is asked."""

    def __init__(self, home: Path, trial_id: str, dataset: Dataset, job: Job, tell: Tell) -> None:
        self._home, self._trial_id, self._dataset, self._job, self._tell = home, trial_id, dataset, job, tell
        self._folder = trial_folder(home, trial_id)
        tell(f"load the model {trial_name(trial_id)}", 0, 0)
        from core.prediction.predictor import load  # torch: seconds, and nothing for a page that starts this

        self._model = load(home, trial_id)

    def fit(self) -> None:
        """Fit to the training images; score calibration and test images; save and record."""
        began, classes = time.monotonic(), list(self._model.facts.classes)
        pixels = self._pixels(self._dataset)
        ids = {
            split: np.array([image.image_id for image in self._dataset.usable if image.split == split], dtype=np.int64)
            for split in READ
        }
        outputs = {split: self._read(pixels, rows, split, READ[split]) for split, rows in ids.items() if len(rows)}
        self._tell("fit the covariance", 0, 0)
        labels = [classes.index(self._dataset.usable[image_id].class_ or "") for image_id in ids["train"].tolist()]
        gaussians = fit(outputs["train"][0], labels)
        found = {split: scores(gaussians, *outputs[split]) for split in outputs if split != "train"}
        self._job.leave_if_cancelled()
        scope = save_scope(self._folder, gaussians, found["calibration"])
        empty: dict[str, Floats] = {method: np.empty(0) for method in METHODS}
        self._record(
            "scope_fit", fit=scope.fit_id, n_train=len(labels), n_features=int(gaussians.whiten.shape[1]),
            shrinkage=gaussians.shrinkage, seconds=time.monotonic() - began,
            **{f"{split}_ids": ids[split].tolist() for split in ("calibration", "test")},
            **{
                f"{split}_{method}": found.get(split, empty)[method].tolist()
                for split in ("calibration", "test") for method in METHODS
            },
        )  # fmt: skip

    def judge(self, other: Dataset, outside: Outside) -> None:
        """Score the images of a set out of scope, and record them."""
        began = time.monotonic()
        scope = whole_scope(self._folder)
        if scope is None:
            raise ScopeError(f"The fitted score of {self._trial_id} was removed while it was used; run it again.")
        rows = np.array([image.image_id for image in outside.usable], dtype=np.int64)
        found = scope.scores(*self._read(self._pixels(other), rows, other.dataset_id, other.name))
        self._job.leave_if_cancelled()
        self._record(
            "scope_result", outside_id=other.dataset_id, fit=scope.fit_id, image_ids=rows.tolist(),
            classes=[image.class_ or "" for image in outside.usable], seconds=time.monotonic() - began,
            **{method: found[method].tolist() for method in METHODS},
        )  # fmt: skip

    def _pixels(self, dataset: Dataset) -> NDArray[np.uint8]:
        size = self._model.facts.image_size
        return open_cache(
            dataset, size, self._home / "cache", lambda done, total: self._tell(f"decode at {size} px", done, total),
            self._job.cancelled,
        )  # fmt: skip

    def _read(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str, words: str) -> Outputs:
        stage = f"{trial_name(self._trial_id)} reads {words}"
        return outputs_of(
            self._model, pixels, rows, self._folder / PARTS / name,
            lambda done, total: self._tell(stage, done, total), self._job.leave_if_cancelled,
        )  # fmt: skip

    def _record(self, kind: str, **payload: Any) -> None:
        from core.learning.reuse import bytes_taken

        search_id = self._trial_id.partition(".")[0]
        folder, name = journal_folder(self._home, search_id), f"{KIND}-{trial_name(self._trial_id)}"
        if not folder.is_dir():
            raise ScopeError(f"Search {search_id} has been deleted meanwhile.")
        ids: dict[str, Any] = {"search_id": search_id, "trial_id": self._trial_id}
        journal = JournalWriter(folder, name, next_attempt(folder, name))
        try:
            journal.append(kind, **ids, version=VERSION, **payload)
            journal.append("files", **ids, bytes=bytes_taken(self._folder))
        finally:
            journal.close()


def _journals(home: Path, trial_id: str) -> list[Path]:
    folder = journal_folder(home, trial_id.partition(".")[0])
    return sorted(folder.glob(f"{KIND}-{trial_name(trial_id)}-*.jsonl"))
