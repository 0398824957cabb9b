"""`python -m core labels`: check the labels of a dataset, in the terminal or started by a page."""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import jobs
from core.data.dataset import Dataset, DatasetError, ScanCancelled
from core.data.importing import import_data
from core.evaluation.label_check import Suspicions, caution, check_labels, moved
from core.evaluation.label_features import BACKBONE, IMAGE_SIZE, SIMPLE, image_features, is_weak
from core.paths import dataset_file

KIND = "label_check"  # of the job
WEAK = "These are simple features without a network: a weak check."
COLUMNS = ("path", "class", "suggested", "confidence", "move_to")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder, zip or .npz to read in and check")
    which.add_argument("--dataset", help="id of a dataset that has been read in, such as d-0123456789abcdef")
    parser.add_argument("--features", choices=(BACKBONE, SIMPLE), default=BACKBONE, help="simple: without a network")
    parser.add_argument("--weights", default="auto", help="of the backbone: auto, none or a file")
    parser.add_argument("--backbone", default="inception_v3", help="timm model name")
    parser.add_argument("--image-size", type=int, default=IMAGE_SIZE, help="pixels; small, since this runs on a CPU")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--csv", type=Path, help="write the suspected images to this file")


def run(arguments: argparse.Namespace) -> int:
    """Check, record, print; the exit code (0: done, 1: cancelled). Raises ValueError with one sentence otherwise."""
    if not 16 <= arguments.image_size <= 1024:
        raise DatasetError(f"The image size is {arguments.image_size} px; it must lie between 16 and 1024.")
    line = _Line()
    try:
        dataset = _dataset(arguments, line)
        method, found = check(dataset, arguments, line)
    except (jobs.JobCancelled, ScanCancelled, KeyboardInterrupt):
        line.end()
        print("Cancelled; nothing was recorded. Run it again to check the labels.", file=sys.stderr)
        return 1
    line.end()
    print(described(dataset, method, found))
    if arguments.csv:
        _write_csv(arguments.csv, dataset, found)
    return 0


def check(dataset: Dataset, arguments: argparse.Namespace, line: _Line) -> tuple[str, Suspicions]:
    """Do the job and record it: how it was checked, in words, and what was found."""
    home: Path = arguments.home
    images, names = dataset.usable, list(dataset.classes)
    with jobs.running(home, KIND, dataset.dataset_id) as job:

        def tell(stage: str, done: int, total: int) -> None:
            job.tell(stage, done, total)
            line.show(stage, done, total)

        features = image_features(
            dataset, home, arguments.features, arguments.backbone, arguments.weights, arguments.image_size,
            tell, job.leave_if_cancelled, job.cancelled,
        )  # fmt: skip
        labels = np.array([names.index(image.class_ or "") for image in images], dtype=np.int64)
        groups = [image.group_id or str(image.image_id) for image in images]
        found = check_labels(
            features.values, labels, groups, names, seed=arguments.seed, tell=tell, leave=job.leave_if_cancelled
        )
        method = f"{features.words}; logistic regression on the other folds, seed {arguments.seed}"
        job.journal.append(
            "label_check", dataset_id=dataset.dataset_id, method=method, n=found.n, accuracy=found.accuracy,
            image_ids=[images[place].image_id for place in found.places],
            suggested=[names[index] for index in found.suggested], confidence=found.confidence.tolist(),
        )  # fmt: skip
        job.outcome = f"{len(found.places):,} of {found.n:,} labels are suspected."
    return method, found


def described(dataset: Dataset, method: str, found: Suspicions) -> str:
    """What was found, for the terminal."""
    from core.evaluation.intervals import wilson  # scipy takes a second, which no other command needs to wait for

    low, high = wilson(found.n_right, found.n)
    lines = [
        f"Method: {method}.",
        f"Out-of-fold accuracy {100 * found.accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f} %; {found.n:,} "
        "images). A weak classifier makes weak suspicions.",
    ]
    lines += [WEAK] if is_weak(method) else []
    warning = caution([image.class_ or "" for image in dataset.usable], [image.source for image in dataset.usable])
    lines += [warning] if warning else []
    if not len(found.places):
        return "\n".join([*lines, f"Nothing is suspected among {found.n:,} images."])
    table = [("path", "label", "suggested", "confidence of the label")]
    table += [(path, given, other, f"{sure:.4f}") for path, given, other, sure, _ in _rows(dataset, found)]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    lines.append(f"{len(found.places):,} of {found.n:,} labels are suspected. Look at each image: this is no proof.")
    lines += [
        "  ".join([f"{text:{width}}" for text, width in zip(row, widths, strict=False)] + [row[3]]) for row in table
    ]
    return "\n".join(lines)


def _dataset(arguments: argparse.Namespace, line: _Line) -> Dataset:
    if arguments.data is not None:
        return import_data(arguments.home, arguments.data, seed=arguments.seed, tell=line.show)
    file = dataset_file(arguments.home, arguments.dataset)
    if not file.is_file():
        raise DatasetError(f"There is no dataset {arguments.dataset} in {arguments.home}; read it in with --data.")
    return Dataset.load(file)


def _rows(dataset: Dataset, found: Suspicions) -> Sequence[tuple[str, str, str, float, str]]:
    rows = []
    for place, index, sure in zip(found.places, found.suggested, found.confidence, strict=True):
        image, other = dataset.usable[place], dataset.classes[index]
        given = image.class_ or ""
        rows.append((image.path, given, other, float(sure), moved(image.path, given, other)))
    return rows


def _write_csv(file: Path, dataset: Dataset, found: Suspicions) -> None:
    try:
        with file.open("w", newline="", encoding="utf-8") as out:
            writer: Any = csv.writer(out)
            writer.writerow(COLUMNS)
            writer.writerows(_rows(dataset, found))
    except OSError as error:
        raise DatasetError(f"The list cannot be written to {file} ({error.strerror}); name another place.") from error
    print(f"Written to {file}.")


class _Line:
    """Progress in the terminal: one line a stage, drawn over on a screen, begun and ended in a log."""

    def __init__(self) -> None:
        self._stage, self._at, self._open = "", 0.0, False

    def show(self, stage: str, done: int, total: int) -> None:
        now, last = time.monotonic(), 0 < total <= done
        if stage == self._stage and not last and (not sys.stderr.isatty() or now - self._at < 0.2):
            return
        if stage != self._stage:
            self.end()
        self._stage, self._at, self._open = stage, now, sys.stderr.isatty()
        text = f"{stage}: {done:,} of {total:,}" if total else stage
        print(f"\r{text}" if self._open else text, end="" if self._open else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._open:
            print(file=sys.stderr)
        self._stage, self._open = "", False
