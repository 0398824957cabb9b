"""Makes a model ready for readings: calibration, limits of the image checks, out-of-scope score, reference cells.

Probabilities, prediction sets and the watch on blasts rest on the calibration images alone, which neither training nor
the search has used; what is usual of an image, and the reference cells, on the training images. Nothing is learnt from
validation or test images. A call after a kill goes on where the killed one was.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from core import jobs
from core.data.cache import open_cache
from core.data.dataset import Dataset
from core.evaluation import scoping
from core.evaluation.fusion import fuse
from core.evaluation.scope_features import outputs_of
from core.evaluation.temperature import negative_log_likelihood, tempered
from core.jobs import Job
from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash
from core.paths import trial_folder, trial_name
from core.prediction.calibration import Calibration, Floats, calibrate, save_calibration
from core.prediction.checks_file import save_limits, whole_limits
from core.prediction.models import ModelEntry, entry, model_folder
from core.prediction.quality import learn, measure
from core.prediction.reader import joined_hash
from core.prediction.readers import ONNX, TORCH, network
from core.prediction.references import save_references, whole_references
from core.prediction.wording import at_least

KIND: Final = "calibration"  # of the background job; its subject is a model

Tell = Callable[[str, int, int], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """What a call made, a runtime."""

    entry: ModelEntry
    calibrations: dict[str, Calibration]

    def sentence(self) -> str:
        found = next(iter(self.calibrations.values()))
        least = min(found.coverage().values())
        each = ", ".join(f"{one.temperature:.2f} on {runtime}" for runtime, one in self.calibrations.items())
        return (
            f"{self.entry.name} is calibrated by {found.n} images: temperature {each}; prediction sets hold the true "
            f"class in at least {at_least(least)} of new images of each class, on average, as far as they are like the "
            "calibration images."
        )


def fit(home: Path, target: str, job: Job, tell: Tell | None = None) -> Fitted:
    """Do all of it for a trial, a fusion or a search's model.

    Args:
        job: is asked whether to go on, and told how far it is unless `tell` is.
        tell: is given the stage, and how many of how many images are done.

    Raises:
        ModelError, ScopeError, ConformalError, QualityError, ExternalError, DatasetError: it cannot be done, in one
            sentence.
        JobCancelled, ScanCancelled: a person wants it to end.
    """
    model = entry(home, target)
    told = tell or job.tell
    found: dict[str, Calibration] = {}
    for runtime in runtimes(home, model, told):
        each, labels = [], None
        for trial_id in model.trial_ids:
            answers, labels = _Member(home, trial_id, runtime, job, told).fit()
            each.append(answers)
        assert labels is not None  # a model has members
        raw = each[0] if len(each) == 1 else fuse(np.stack(each), model.weights, model.rule)
        found[runtime] = calibrate(raw, labels, model.classes)
        digest = joined_hash(model, [weights_hash(trial_folder(home, one)) for one in model.trial_ids])
        folder = model_folder(home, model.model_id)
        folder.mkdir(parents=True, exist_ok=True)
        save_calibration(folder, runtime, digest, found[runtime])
        _record(job, model, runtime, digest, found[runtime], losses(raw, labels, found[runtime]))
    return Fitted(model, found)


def runtimes(home: Path, model: ModelEntry, tell: Tell) -> list[str]:
    """Those that can run the model here. The graphs of ONNX Runtime are made now where it is installed."""
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        return [TORCH]
    from core.prediction.onnx_export import export_onnx

    try:
        for trial_id in model.trial_ids:
            tell(f"export {trial_name(trial_id)} to ONNX Runtime", 0, 0)
            export_onnx(home, trial_id)
    except ModelError as error:  # a network without a graph is read with torch
        log.warning("%s", error)
        return [TORCH]
    return [TORCH, ONNX]


def losses(raw: Floats, labels: NDArray[np.int64], found: Calibration) -> tuple[float, float]:
    """Mean negative log likelihood of the calibration images, without and with temperature."""
    return negative_log_likelihood(raw, labels), negative_log_likelihood(tempered(raw, found.temperature), labels)


def _record(
    job: Job, model: ModelEntry, runtime: str, digest: str, found: Calibration, loss: tuple[float, float]
) -> None:
    watch = (None, None) if found.watched is None else found.watch()
    job.journal.append(
        "calibration", model_id=model.model_id, runtime=runtime, weights_sha256=digest, classes=list(found.classes),
        images=[len(one) for one in found.sets.known], coverage=[found.coverage()[name] for name in found.classes],
        temperature=found.temperature, loss_before=loss[0], loss_after=loss[1], watched=found.watched,
        threshold=watch[0], sensitivity=watch[1],
    )  # fmt: skip


def start(home: Path, model_id: str) -> None:
    """Do it in the background. Raises JobError when it is being done already."""
    jobs.start(home, KIND, model_id, arguments(model_id))


def arguments(model_id: str) -> list[str]:
    """Of the command line that does it."""
    return ["calibrate", model_id]


class _Member:
    """One trial: what lies beside its weights, and its answers to the calibration images."""

    def __init__(self, home: Path, trial_id: str, runtime: str, job: Job, tell: Tell) -> None:
        self._home, self._trial_id, self._runtime, self._job, self._tell = home, trial_id, runtime, job, tell
        self._folder, self._dataset = trial_folder(home, trial_id), scoping.checked(home, trial_id)
        tell(f"load the model {trial_name(trial_id)}", 0, 0)
        self._network = network(home, trial_id, runtime)

    def fit(self) -> tuple[Floats, NDArray[np.int64]]:
        """Probabilities (n, C) and labels (n,) of the calibration images."""
        pixels = open_cache(
            self._dataset, self._network.facts.image_size, self._home / "cache",
            lambda done, total: self._tell("decode the images", done, total), self._job.cancelled,
        )  # fmt: skip
        rows = _rows(self._dataset, "calibration")
        _, logits = self._outputs(pixels, rows, "calibration")
        self._limits(pixels)
        self._references(pixels)
        scoping.measure(self._home, self._trial_id, self._job, tell=self._tell)
        shutil.rmtree(self._folder / scoping.PARTS, ignore_errors=True)
        shutil.rmtree(self._folder / f"{ONNX}-parts", ignore_errors=True)
        labels = [self._network.facts.classes.index(self._dataset.usable[row].class_ or "") for row in rows.tolist()]
        return softmax(logits.astype(np.float64), axis=1), np.array(labels, np.int64)

    def _limits(self, pixels: NDArray[np.uint8]) -> None:
        """What is usual among the training images."""
        if whole_limits(self._folder, self._network.weights_sha256) is not None:
            return
        found, rows = [], _rows(self._dataset, "train").tolist()
        for done, row in enumerate(rows):
            if done % 32 == 0:
                self._job.leave_if_cancelled()
                self._tell("measure the training images", done, len(rows))
            image = self._dataset.usable[row]
            found.append(measure(pixels[row], int(image.width or 0), int(image.height or 0)))
        save_limits(self._folder, self._network.weights_sha256, learn(found))

    def _references(self, pixels: NDArray[np.uint8]) -> None:
        """The training images as the network sees them; ONNX Runtime sees the same."""
        if whole_references(self._folder) is None:
            rows = _rows(self._dataset, "train")
            classes = [self._dataset.usable[row].class_ or "" for row in rows.tolist()]
            save_references(self._folder, self._outputs(pixels, rows, "train")[0], rows.tolist(), classes)

    def _outputs(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], split: str) -> tuple[Floats, Floats]:
        """Features and logits; on torch kept in pieces where the out-of-scope score looks for them."""
        parts = scoping.PARTS if self._runtime == TORCH else f"{self._runtime}-parts"
        stage = f"{trial_name(self._trial_id)} reads the {split} images"
        found = outputs_of(
            self._network, pixels, rows, self._folder / parts / split,
            lambda done, total: self._tell(stage, done, total), self._job.leave_if_cancelled,
        )  # fmt: skip
        return found[0].astype(np.float64), found[1].astype(np.float64)


def _rows(dataset: Dataset, split: str) -> NDArray[np.int64]:
    return np.array([image.image_id for image in dataset.usable if image.split == split], dtype=np.int64)
