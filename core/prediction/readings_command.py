"""`python -m core readings`: how far a model's readings hold, on test images, from elsewhere, and out of scope."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foreground import foreground
from core.progress_line import ProgressLine

if TYPE_CHECKING:
    from core.data.dataset import Dataset, ImageRecord
    from core.prediction.judging import Judged
    from core.prediction.reader import Reader
    from core.prediction.reading import Reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    parser.add_argument("model", metavar="MODEL", help="a calibrated model: the id of a trial, a fusion or a search")
    parser.add_argument("--runtime", help="torch or onnx; else the fastest one that the model is calibrated for")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--external", metavar="DIR|DATASET", help="images of the same classes from elsewhere; else the test images"
    )
    which.add_argument("--out-of-scope", metavar="DIR|DATASET", help="images that show none of the classes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def run(arguments: argparse.Namespace) -> int:
    """Read the images, record and print what the readings are worth; the exit code. Raises ValueError, one sentence."""
    from core.data.external import described
    from core.learning.settings import ModelError
    from core.prediction.judging import judge, read_all
    from core.prediction.readers import reader_of
    from store.journal import write_durably

    if arguments.json and not arguments.json.absolute().parent.is_dir():  # before minutes of reading
        raise ModelError(f"There is no folder {arguments.json.absolute().parent} to write to; make it first.")
    line = ProgressLine()

    def work() -> int:
        line.tell("load the model", 0, 0)
        reader = reader_of(arguments.home, arguments.model, arguments.runtime)
        dataset = described(arguments.home, reader.entry.dataset_id)
        root, images, words, of = _wanted(arguments, dataset, line.tell)
        readings = read_all(reader, root, images, lambda done, total: line.tell(f"read {words}", done, total))
        line.close()
        print(f"{reader.entry.name} ({reader.entry.model_id}, {reader.runtime}) on {len(images)} {words}.")
        if arguments.out_of_scope:
            data = out_of_scope_figures(readings, images)
            print(out_of_scope_words(readings, images))
        else:
            found = judge(readings, [image.class_ or "" for image in images])
            data = figures(found, calibrated=reader.calibration is not None)
            print(judged_words(found, reader))
        kind = "out_of_scope" if arguments.out_of_scope else "external" if arguments.external else "test"
        _record(arguments.home, reader, of, kind, len(images), data)
        if arguments.json:
            about = {"model": reader.entry.model_id, "runtime": reader.runtime, "images": words}
            write_durably(arguments.json, json.dumps(about | data, indent=1).encode())
        return 0

    return foreground(work, line, "Cancelled; nothing was recorded of it.")


def judged_words(found: Judged, reader: Reader) -> str:
    """The figures for the terminal, one a line."""
    from core.prediction.reading import FLAG_LABELS

    calibrated = reader.calibration is not None
    before, after = found.before, found.after
    lines = [f"most probable class right: {found.right.words()}"]
    if not calibrated:
        lines += [f"not calibrated: {reader.why}", f"expected calibration error: {before.error:.3f}"]
    else:
        lines += [
            f"expected calibration error: {before.error:.3f} before, {after.error:.3f} after (a calibrated model stays "
            f"below {after.chance:.3f} in 95 % of such samples)",
            f"mean negative log likelihood: {found.loss[0]:.3f} before, {found.loss[1]:.3f} after",
            "prediction sets that hold the class: " + _together(list(found.covered.values())),
            *(f"    {name:<14} {share.words()}" for name, share in found.covered.items() if share.n),
            "classes in a set: " + ", ".join(f"{size}: {count}" for size, count in found.sizes.items()),
        ]
    lines += [f"flagged, {FLAG_LABELS[name].lower()}: {share.words()}" for name, share in found.flagged.items()]
    lines += [
        f"referred to an expert: {found.referred.words()}",
        f"decided as one class, right of those: {found.decided.words()}",
        f"decided as a set of two, holds the class: {found.sets.words()}",
    ]
    if found.blasts_found is not None and found.blast_alarms is not None:
        lines += [
            f"blast flag raised on blasts: {found.blasts_found.words()}",
            f"blast flag raised on others: {found.blast_alarms.words()}",
        ]
    return "\n".join(lines)


def _together(shares: Sequence[Any]) -> str:
    from core.prediction.judging import Share

    return Share(sum(one.k for one in shares), sum(one.n for one in shares)).words()


def out_of_scope_words(readings: Sequence[Reading], images: Sequence[ImageRecord]) -> str:
    """What became of images that show none of the classes."""
    from core.prediction.judging import Share, flagged, referred
    from core.prediction.reading import CLASS, FLAG_LABELS

    lines = [f"flagged or referred: {referred(readings).words()}"]
    lines += [f"flagged, {FLAG_LABELS[name].lower()}: {share.words()}" for name, share in flagged(readings).items()]
    for class_ in sorted({image.class_ or "" for image in images}):
        of_it = [reading for reading, image in zip(readings, images, strict=True) if image.class_ == class_]
        lines.append(f"    {class_:<20} referred {referred(of_it).words()}")
    called = [one for one in readings if one.decision.kind == CLASS]
    lines.append(f"called one of the classes without a word: {Share(len(called), len(readings)).words()}")
    return "\n".join(lines)


def figures(found: Judged, *, calibrated: bool) -> dict[str, Any]:
    """As JSON; without calibration there are no prediction sets, so their coverage and sizes are not known."""
    return {
        "ece_before": found.before.error, "ece_after": found.after.error, "ece_by_chance": found.after.chance,
        "nll_before": found.loss[0], "nll_after": found.loss[1], "right": found.right.to_json(),
        "coverage": {name: share.to_json() for name, share in found.covered.items()} if calibrated else None,
        "set_sizes": found.sizes if calibrated else None, "referred": found.referred.to_json(),
        "flagged": {name: share.to_json() for name, share in found.flagged.items()},
        "decided": found.decided.to_json(), "sets": found.sets.to_json(),
        "blasts_found": found.blasts_found and found.blasts_found.to_json(),
        "blast_alarms": found.blast_alarms and found.blast_alarms.to_json(),
    }  # fmt: skip


def out_of_scope_figures(readings: Sequence[Reading], images: Sequence[ImageRecord]) -> dict[str, Any]:
    """As JSON."""
    from core.prediction.judging import flagged, referred

    return {
        "referred": referred(readings).to_json(),
        "flagged": {name: share.to_json() for name, share in flagged(readings).items()},
        "called": sum(reading.decision.kind == "class" for reading in readings),
    }  # fmt: skip


def _wanted(
    arguments: argparse.Namespace, dataset: Dataset, tell: Callable[[str, int, int], None]
) -> tuple[Path, Sequence[ImageRecord], str, str]:
    """Folder, images, what they are called, and their name in the record: test, or a data set's id."""
    from core.data.dataset import DatasetError
    from core.data.external import described, fit
    from core.data.importing import held_out_data
    from core.data.outside import outside_of
    from core.data.shared import compare

    home: Path = arguments.home
    asked = arguments.external or arguments.out_of_scope
    if asked is None:
        images = tuple(image for image in dataset.usable if image.split == "test")
        if not images:
            raise DatasetError(f"{dataset.name} has no test images; give others with --external.")
        return dataset.root, images, f"test images of {dataset.name}", "test"
    other = described(home, held_out_data(home, asked, tell))
    if arguments.out_of_scope:
        return other.root, outside_of(dataset, other).usable, f"images out of scope ({other.name})", other.dataset_id
    found = fit(dataset, other, compare(home, dataset, other, tell))
    print(found.sentence())
    return other.root, found.usable, f"images from elsewhere ({other.name})", other.dataset_id


def _record(home: Path, reader: Reader, of: str, kind: str, n: int, data: dict[str, Any]) -> None:
    from store.journal import JournalWriter, journal_folder, next_attempt

    folder = journal_folder(home)
    journal = JournalWriter(folder, "readings", next_attempt(folder, "readings"))
    try:
        journal.append(
            "reading_check", model_id=reader.entry.model_id, runtime=reader.runtime, images=of, images_kind=kind, n=n,
            weights_sha256=reader.weights_sha256, figures=data,
        )  # fmt: skip
    finally:
        journal.close()
