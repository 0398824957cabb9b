"""`python -m core labels`: check the labels of a dataset, in the terminal or started by a page."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path
from typing import Any

from core import jobs
from core.data.dataset import Dataset, DatasetError
from core.data.sources import told_sources
from core.foreground import dataset_wanted, foreground, telling
from core.progress_line import ProgressLine

KIND = "label_check"  # of the job
FEATURES = ("both", "backbone", "simple")
BACKBONE = "inception_v3"
COLUMNS = ("path", "class", "suggested", "confidence", "move_to")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder, zip or .npz to read in and check")
    which.add_argument("--dataset", help="id of a dataset that has been read in, such as d-0123456789abcdef")
    parser.add_argument(
        "--features", choices=FEATURES, default=FEATURES[0], help="backbone: a network's; simple: thumbnail and colours"
    )
    parser.add_argument("--weights", default="auto", help="of the backbone: auto, none or a file")
    parser.add_argument("--backbone", default=BACKBONE, help="timm model name")
    parser.add_argument("--image-size", type=int, default=128, help="px that it reads; small, since this is for CPUs")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--csv", type=Path, metavar="FILE.csv", help="write the suspected images to this file too")


def to_arguments(dataset_id: str, features: str, weights: str) -> list[str]:
    """The command line that a page starts."""
    arguments = ["labels", "--dataset", dataset_id, "--features", features]
    return arguments + (["--weights", weights] if features != "simple" and weights != "auto" else [])


def run(arguments: argparse.Namespace) -> int:
    """Check, record, print; the exit code. Raises DatasetError, ModelError or JobError, one sentence each."""
    if not 16 <= arguments.image_size <= 1024:
        raise DatasetError(f"The image size is {arguments.image_size} px; it must lie between 16 and 1024.")
    line = ProgressLine()

    def work() -> int:
        text, rows = _check(dataset_wanted(arguments, line), arguments, line)
        line.close()
        print(text)
        if arguments.csv:
            _write_csv(arguments.csv, rows)
        return 0

    return foreground(work, line, "Cancelled; nothing was recorded. Run it again to check the labels.")


def _check(dataset: Dataset, arguments: argparse.Namespace, line: ProgressLine) -> tuple[str, list[tuple[Any, ...]]]:
    """Do the job and record it; what it found, in words and as rows of COLUMNS."""
    import numpy as np  # here, so that other commands need not load what computes

    from core.evaluation.label_check import check_labels, moved
    from core.evaluation.label_features import image_features

    images, names = dataset.usable, list(dataset.classes)
    with jobs.running(arguments.home, KIND, dataset.dataset_id) as job:
        tell = telling(job, line)
        features = image_features(
            dataset, arguments.home, arguments.features, arguments.backbone, arguments.weights, arguments.image_size,
            tell, job.leave_if_cancelled, job.cancelled,
        )  # fmt: skip
        labels = np.array([names.index(image.class_ or "") for image in images], dtype=np.int64)
        groups = [image.group_id or str(image.image_id) for image in images]
        found = check_labels(
            features.values, labels, groups, names, seed=arguments.seed, tell=tell, leave=job.leave_if_cancelled
        )
        method = f"{features.words}; logistic regression on the other folds, seed {arguments.seed}"
        suspected = [images[place] for place in found.places]
        suggested = [names[index] for index in found.suggested]
        job.journal.append(
            "label_check", dataset_id=dataset.dataset_id, method=method, n=found.n, accuracy=found.accuracy,
            image_ids=[image.image_id for image in suspected], suggested=suggested,
            confidence=found.confidence.tolist(),
        )  # fmt: skip
        job.outcome = f"{len(suspected):,} of {found.n:,} labels are suspected."
    rows = [
        (image.path, image.class_, other, round(sure, 6), moved(image.path, image.class_ or "", other))
        for image, other, sure in zip(suspected, suggested, found.confidence.tolist(), strict=True)
    ]
    return "\n".join([*_words(arguments.home, dataset, method, found.n_right, found.n), *_table(rows, found.n)]), rows


def _words(home: Path, dataset: Dataset, method: str, n_right: int, n: int) -> list[str]:
    """How the labels were checked, and how much that is worth."""
    from core.evaluation.intervals import wilson
    from core.evaluation.label_check import caution, worth
    from core.evaluation.label_features import WEAK, is_weak

    low, high = (f"{100 * end:.1f}" for end in wilson(n_right, n))
    largest = max(Counter(image.class_ for image in dataset.usable).values())
    told = told_sources(home, dataset)
    sources = [told[image.image_id].source if image.image_id in told else None for image in dataset.usable]
    warning = caution([image.class_ or "" for image in dataset.usable], sources)
    return [
        f"Method: {method}.",
        f"Out-of-fold accuracy {100 * n_right / n:.1f} % (95 % interval {low} to {high} %, {n:,} images). "
        + worth(n_right, n, largest),
        *([WEAK] if is_weak(method) else []),
        *([warning] if warning else []),
    ]


def _table(rows: list[tuple[Any, ...]], n: int) -> list[str]:
    if not rows:
        return [f"Nothing is suspected among {n:,} images."]
    cells = [("path", "label", "suggested", "confidence of the label")]
    cells += [(path, given, other, f"{sure:.4f}") for path, given, other, sure, _ in rows]
    wide = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        f"{len(rows):,} of {n:,} labels are suspected, the least believed first. Look at each image: this is no proof.",
        *(f"{path:{wide[0]}}  {given:{wide[1]}}  {other:{wide[2]}}  {sure}" for path, given, other, sure in cells),
    ]


def _write_csv(file: Path, rows: list[tuple[Any, ...]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer: Any = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"Written to {file}.")
