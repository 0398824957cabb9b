"""What the calibration images say of one model on one runtime, durably beside its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.conformal import ALPHA, ClassConditional, class_conditional
from core.evaluation.temperature import fit_temperature
from core.learning.settings import ModelError
from core.prediction.reading import BlastFlag
from store.journal import write_durably

Floats = NDArray[np.float64]

VERSION: Final = 2  # raise it when the same answers give another calibration
WATCHED: Final = "blast"  # in the name of a class whose cells must not be missed ...
MATURING: Final = ("erythroblast", "normoblast", "megaloblast", "fibroblast", "osteoblast")  # ... but for these
MISSED: Final = 0.02  # share of such cells that the watch may miss, where the images vouch for so little


@dataclass(frozen=True)
class Calibration:
    """How to take a model's answers.

    Attributes:
        classes: in the order of the probabilities.
        temperature: see core.evaluation.temperature.
        sets: see core.evaluation.conformal.
        watched: class of the blast flag; None where no class is one.
    """

    classes: tuple[str, ...]
    temperature: float
    sets: ClassConditional
    watched: str | None

    @property
    def n(self) -> int:
        """Calibration images."""
        return sum(map(len, self.sets.known))

    def coverage(self) -> dict[str, float]:
        """Share of new images of each class whose set holds their class, at least, on average."""
        return {name: float(1 - level) for name, level in zip(self.classes, self.sets.levels(), strict=True)}

    def prediction_set(self, raw: Floats) -> tuple[Floats, tuple[str, ...]]:
        """p-values (C,) of uncalibrated probabilities (C,), and the classes in the set, the most probable first."""
        held = self.sets.members(raw)[0]
        order = np.argsort(-raw, kind="stable")
        return self.sets.p_values(raw)[0], tuple(self.classes[index] for index in order if held[index])

    def watch(self) -> tuple[float, float]:
        """Threshold on the uncalibrated probability of the watched class, and the sensitivity that it has at least."""
        return self.sets.least(self.classes.index(self.watched or ""), MISSED)

    def blast(self, raw: Floats) -> BlastFlag | None:
        """The watch on blasts, from uncalibrated probabilities (C,)."""
        if self.watched is None:
            return None
        index = self.classes.index(self.watched)
        threshold, sensitivity = self.watch()
        return BlastFlag(
            self.watched, bool(raw[index] >= threshold), float(raw[index]), threshold, sensitivity,
            len(self.sets.known[index]),
        )  # fmt: skip


def blast_class(classes: Sequence[str]) -> str | None:
    """The class that must not be missed: the first whose name says blast, but for red cells and other tissue."""
    for class_ in classes:
        if WATCHED in class_.lower() and not any(name in class_.lower() for name in MATURING):
            return class_
    return None


def calibrate(probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str], alpha: float = ALPHA) -> Calibration:
    """From uncalibrated probabilities (n, C) of calibration images with labels (n,).

    Raises ConformalError when a class has too few of them.
    """
    sets = class_conditional(probabilities, labels, classes, alpha)
    return Calibration(tuple(classes), fit_temperature(probabilities, labels), sets, blast_class(classes))


def save_calibration(folder: Path, runtime: str, weights_sha256: str, found: Calibration) -> None:
    """Write it durably, for these weights."""
    data = {
        "version": VERSION, "weights_sha256": weights_sha256, "classes": list(found.classes),
        "temperature": found.temperature, "alpha": found.sets.alpha, "watched": found.watched,
        "known": [one.tolist() for one in found.sets.known],
    }  # fmt: skip
    write_durably(calibration_file(folder, runtime), json.dumps(data, indent=1).encode())


def load_calibration(folder: Path, runtime: str, weights_sha256: str, classes: Sequence[str]) -> Calibration | None:
    """What `save_calibration` wrote; None where there is nothing. Raises ModelError for what cannot be used."""
    file = calibration_file(folder, runtime)
    if not file.is_file():
        return None
    again = "make it anew with python -m core calibrate"
    try:
        data: dict[str, Any] = json.loads(file.read_text())
        if data["version"] != VERSION or data["weights_sha256"] != weights_sha256:
            raise ModelError(f"{file} was made for other weights, or by another version; {again}.")
        known = tuple(np.array(one, np.float64) for one in data["known"])
        if tuple(data["classes"]) != tuple(classes) or len(known) != len(classes):
            raise ModelError(f"{file} is of other classes than the model; {again}.")
        sets = ClassConditional(known, float(data["alpha"]))
        return Calibration(tuple(classes), float(data["temperature"]), sets, data["watched"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{file} cannot be read; {again}.") from error


def calibration_file(folder: Path, runtime: str) -> Path:
    """Where the calibration of a model on a runtime lies in the model's folder."""
    return folder / f"calibration-{runtime}.json"
