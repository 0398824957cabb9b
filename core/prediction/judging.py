"""How far readings hold: a reader on images that neither it nor its model has learnt anything from.

Each image is read as a person's upload is, from its file's bytes. Test images, images from elsewhere and images out of
scope judge a reader; nothing is fitted to them, and no rule was chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.data.dataset import DatasetError, ImageRecord
from core.evaluation.calibration import Reliability, reliability
from core.evaluation.intervals import wilson
from core.evaluation.temperature import negative_log_likelihood
from core.prediction.reader import Reader
from core.prediction.reading import CLASS, REFER, SET, Reading

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Share:
    """`k` of `n`, with its 95 % Wilson interval."""

    k: int
    n: int

    def words(self) -> str:
        """'12 of 20, 0.600 (0.387 to 0.781)'; '0 of 0' without images."""
        if not self.n:
            return "0 of 0"
        low, high = wilson(self.k, self.n)
        return f"{self.k} of {self.n}, {self.k / self.n:.3f} ({low:.3f} to {high:.3f})"

    def to_json(self) -> dict[str, Any]:
        low, high = wilson(self.k, self.n)
        return {"k": self.k, "n": self.n, "share": self.k / self.n if self.n else None, "low": low, "high": high}


@dataclass(frozen=True)
class Judged:
    """What readings of images whose class is known are worth.

    Attributes:
        classes: of the model.
        before, after: reliability of the probabilities without and with temperature.
        loss: mean negative log likelihood of the true class, (before, after).
        right: images whose most probable class is theirs.
        covered: by class: images whose prediction set holds their class.
        sizes: images by the number of classes in their set.
        referred: images that were referred to an expert.
        flagged: by flag: images on which it was raised.
        decided: decided as one class; right of those.
        sets: decided as a set of two; those that hold the class.
        blasts_found: of the watched class, those on which the blast flag was raised; None where nothing is watched.
        blast_alarms: of the other classes, those on which it was.
    """

    classes: tuple[str, ...]
    before: Reliability
    after: Reliability
    loss: tuple[float, float]
    right: Share
    covered: dict[str, Share]
    sizes: dict[int, int]
    referred: Share
    flagged: dict[str, Share]
    decided: Share
    sets: Share
    blasts_found: Share | None
    blast_alarms: Share | None


def read_all(
    reader: Reader, root: Path, images: Sequence[ImageRecord], tell: Told = lambda done, total: None,
    leave: Callable[[], None] = lambda: None,
) -> list[Reading]:  # fmt: skip
    """The reading of every image. Raises DatasetError when a file is gone, and what the reader raises."""
    found = []
    for done, image in enumerate(images):
        leave()
        tell(done, len(images))
        try:
            data = (root / image.path).read_bytes()
        except OSError as error:
            raise DatasetError(f"{root / image.path} is gone ({error.strerror}); scan the data again.") from error
        found.append(reader.read(data, name=image.path))
    tell(len(images), len(images))
    return found


def judge(readings: Sequence[Reading], truth: Sequence[str]) -> Judged:
    """Of readings of images whose class (one of the model's) is known. Raises ValueError without any."""
    if not readings or len(readings) != len(truth):
        raise ValueError(f"{len(readings)} readings and {len(truth)} classes; give one a reading, at least one.")
    classes = readings[0].classes
    true = np.array([classes.index(one) for one in truth])
    raw, fitted = (np.stack([getattr(one, name) for one in readings]) for name in ("raw", "probabilities"))
    right = fitted.argmax(axis=1) == true
    held = np.array([one in reading.prediction_set for reading, one in zip(readings, truth, strict=True)])
    kinds = np.array([one.decision.kind for one in readings])
    said = np.array([one in reading.decision.classes for reading, one in zip(readings, truth, strict=True)])
    covered = {name: Share(int(held[true == index].sum()), int((true == index).sum()))
               for index, name in enumerate(classes)}  # fmt: skip
    found = alarms = None
    if readings[0].blast is not None:
        raised = np.array([bool(one.blast and one.blast.raised) for one in readings])
        watched = true == classes.index(readings[0].blast.class_)
        found = Share(int(raised[watched].sum()), int(watched.sum()))
        alarms = Share(int(raised[~watched].sum()), int((~watched).sum()))
    sizes = np.array([len(one.prediction_set) for one in readings])
    return Judged(
        classes, reliability(raw.max(axis=1), right), reliability(fitted.max(axis=1), right),
        (negative_log_likelihood(raw, true), negative_log_likelihood(fitted, true)),
        Share(int(right.sum()), len(true)), covered,
        {int(size): int((sizes == size).sum()) for size in np.unique(sizes)}, referred(readings), flagged(readings),
        Share(int(said[kinds == CLASS].sum()), int((kinds == CLASS).sum())),
        Share(int(said[kinds == SET].sum()), int((kinds == SET).sum())), found, alarms,
    )  # fmt: skip


def referred(readings: Sequence[Reading]) -> Share:
    """How many were referred to an expert."""
    return Share(sum(one.decision.kind == REFER for one in readings), len(readings))


def flagged(readings: Sequence[Reading]) -> dict[str, Share]:
    """On how many each flag was raised, by its name; of those on which it could be checked."""
    found: dict[str, Share] = {}
    for name in dict.fromkeys(flag.name for one in readings for flag in one.flags):
        checked = [
            flag.raised for one in readings for flag in one.flags if flag.name == name and flag.raised is not None
        ]
        found[name] = Share(sum(checked), len(checked))
    return found
