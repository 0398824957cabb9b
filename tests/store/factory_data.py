"""Made-up facts about data sets and finished trials: audits, sources, checks of labels, robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.evaluation.intervals import wilson
from core.evaluation.shifts import SHIFTS, VERSION
from store.journal import JournalWriter, journal_folder, next_attempt
from tests.store.factory import CLASSES


def write_audit(
    home: Path, dataset_id: str, *, accuracies: Mapping[str, float] | None = None,
    source_accuracies: Mapping[str, float] | None = None, classes: Sequence[str] = CLASSES,
    sources: Sequence[str] = ("Barcelona", "Munich"), each: int = 60, version: int = 1, seed: int = 0,
    folds: int = 5,
) -> None:  # fmt: skip
    """Record a made-up shortcut audit of a dataset, in the home's own journal.

    Args:
        accuracies: cross-validated accuracy of each baseline on the class, by feature; 0.95 for the histogram and
            less for the others by default.
        source_accuracies: the same on the source; none by default, as where nothing is known of sources.
        each: images of each label.
    """
    usual = {"histogram": 0.95, "corners": 0.45, "border": 0.7, "file": 0.6, "thumbnail": 0.9}
    targets = {"class": (usual if accuracies is None else accuracies, list(classes))}
    targets["source"] = (source_accuracies or {}, list(sources))
    folder = journal_folder(home)
    journal = JournalWriter(folder, "made-audit", next_attempt(folder, "made-audit"))
    for target, (wished, labels) in targets.items():
        for feature, accuracy in wished.items():
            confusion = np.zeros((len(labels), len(labels)), dtype=int)
            for row in range(len(labels)):
                confusion[row, row] = round(accuracy * each)
                for wrong in range(each - confusion[row, row]):  # dealt in turn among the other labels
                    confusion[row, (row + 1 + wrong % max(1, len(labels) - 1)) % len(labels)] += 1
            n, right = int(confusion.sum()), int(np.trace(confusion))
            low, high = wilson(right, n)
            journal.append(
                "audit", dataset_id=dataset_id, feature=feature, target=target, labels=labels,
                confusion=confusion.ravel().tolist(), n=n, n_right=right, accuracy=right / n, low=low, high=high,
                chance=1 / len(labels), folds=folds, seed=seed, version=version, seconds=1.5,
            )  # fmt: skip
    journal.close()


def write_sources(home: Path, dataset_id: str, sources: Mapping[int, str], *, told_by: str = "guess") -> None:
    """Record a source of each image (image_id -> source) as guessed, or as told by a person."""
    folder = journal_folder(home)
    journal = JournalWriter(folder, "made-sources", next_attempt(folder, "made-sources"))
    columns = {"image_id": list(sources), "source": list(sources.values())}
    journal.append("image_sources", dataset_id=dataset_id, told_by=told_by, columns=columns)
    journal.close()


def write_robustness(
    home: Path, trial_id: str, *, shifts: Sequence[str] | None = None, severities: Sequence[int] = (1, 2, 3, 4, 5),
    each: int = 50, classes: int = 5, weak: Mapping[str, int] | None = None, split: str = "test",
    version: int | None = None, seconds: float = 2.0,
) -> None:  # fmt: skip
    """Record made-up robustness of a trial, in its search's journals.

    Unchanged, all but one image of each class are called right. Under a shift, class 0 loses `weak[shift]` images a
    severity (stain 12, hue 6 by default), and every class loses one image at severities 4 and 5; lost images are called
    as the next class.

    Args:
        shifts: all by default. each: images of each class. version: of the shifts, the present one by default.
    """
    weak = {"stain": 12, "hue": 6} if weak is None else weak
    folder = journal_folder(home, trial_id.partition(".")[0])
    name = f"robustness-{trial_id.partition('.')[2]}"
    journal = JournalWriter(folder, name, next_attempt(folder, name))
    wanted = [(shift, severity) for shift in (SHIFTS if shifts is None else shifts) for severity in severities]
    for shift, severity in [("none", 0), *wanted]:
        lost = np.full(classes, 1 + (severity >= 4))
        lost[0] = min(each, lost[0] + weak.get(shift, 0) * severity)
        confusion = np.diag(each - lost) + np.roll(np.diag(lost), 1, axis=1)
        journal.append(
            "robustness", trial_id=trial_id, shift=shift, severity=severity, search_id=trial_id.partition(".")[0],
            split=split, confusion=confusion.ravel().tolist(), version=VERSION if version is None else version,
            seconds=seconds,
        )  # fmt: skip
    journal.close()


def write_label_check(
    home: Path, dataset_id: str, suspected: Mapping[int, tuple[str, float]], *, n: int, accuracy: float = 0.96,
    method: str = "inception_v3 at 128 px, made up; logistic regression on the other folds, seed 0",
) -> None:  # fmt: skip
    """Record a made-up check of a dataset's labels, in the home's own journal.

    Args:
        suspected: image_id -> (suggested class, confidence of its label); recorded with the least confidence first.
        n: images that were checked.
    """
    ranked = sorted(suspected.items(), key=lambda item: item[1][1])
    folder = journal_folder(home)
    journal = JournalWriter(folder, "made-labels", next_attempt(folder, "made-labels"))
    journal.append(
        "label_check", dataset_id=dataset_id, method=method, n=n, accuracy=accuracy,
        image_ids=[image_id for image_id, _ in ranked], suggested=[name for _, (name, _) in ranked],
        confidence=[confidence for _, (_, confidence) in ranked],
    )  # fmt: skip
    journal.close()


def write_scope(
    home: Path, trial_id: str, outside: Mapping[str, Mapping[str, Sequence[float]]] | None = None, *,
    calibration_ids: Sequence[int] = range(39), test_ids: Sequence[int] = range(40, 60), fit: str = "f" * 64,
) -> None:  # fmt: skip
    """Record a made-up out-of-scope score of a trial, in its search's journals.

    The i-th calibration image scores i + 1, the i-th test image i + 0.5 (with the defaults its p-value is
    (39 - i + 1) / 40, capped by 1); the energy is minus 10 plus a tenth of that.

    Args:
        outside: by id of the set, by class, the distance of each of its images.
    """
    folder = journal_folder(home, trial_id.partition(".")[0])
    name = f"scope-{trial_id.partition('.')[2]}"
    journal = JournalWriter(folder, name, next_attempt(folder, name))
    ids = {"search_id": trial_id.partition(".")[0], "trial_id": trial_id}
    calibration = [at + 1.0 for at in range(len(calibration_ids))]
    test = [at + 0.5 for at in range(len(test_ids))]
    journal.append(
        "scope_fit", **ids, fit=fit, n_train=120, n_features=512, shrinkage=0.1, version=1, seconds=2.0,
        calibration_ids=list(calibration_ids), calibration_mahalanobis=calibration,
        calibration_energy=_energies(calibration), test_ids=list(test_ids), test_mahalanobis=test,
        test_energy=_energies(test),
    )  # fmt: skip
    for outside_id, classes in (outside or {}).items():
        scores = [score for of_class in classes.values() for score in of_class]
        journal.append(
            "scope_result", **ids, outside_id=outside_id, fit=fit, version=1, seconds=1.0,
            image_ids=list(range(len(scores))), mahalanobis=scores, energy=_energies(scores),
            classes=[name for name, of_class in classes.items() for _ in of_class],
        )  # fmt: skip
    journal.close()


def _energies(distances: Sequence[float]) -> list[float]:
    return [-10 + distance / 10 for distance in distances]
