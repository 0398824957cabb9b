"""A data set into the home folder, without a search: read, described, and recorded for the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from core.data.dataset import DEFAULT_FRACTIONS, Dataset, DatasetError, dataset_records
from core.data.scan import scan
from core.paths import dataset_file
from store.journal import JournalWriter, journal_folder, next_attempt

JOURNAL = "datasets"  # begins the name of its journal

Progress = Callable[[str, int, int], None]  # stage, images done, images in all


def import_data(
    home: Path, source: Path, *, seed: int = 0, fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    per_class: int | None = None, held_out: bool = False, tell: Progress = lambda stage, done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Dataset:  # fmt: skip
    """Read a folder, zip or MedMNIST file, keep its description and record it. The same data again changes nothing.

    Raises as `core.data.scan.scan` does, JournalError when the disk refuses; then nothing is recorded.
    """
    dataset = scan(
        source, work=home / "datasets" / "extracted", seed=seed, fractions=fractions, per_class=per_class,
        held_out=held_out, progress=lambda done, total: tell("read images", done, total),
        comparing=lambda done, total: tell("compare images", done, total), cancelled=cancelled,
    )  # fmt: skip
    renewed = keep_description(dataset, home)
    mark = dataset_file(home, dataset.dataset_id).with_suffix(".recorded")  # a search records its data itself
    if renewed or not mark.exists():
        _record(dataset, home)
        mark.touch()
    return dataset


def held_out_data(
    home: Path, data: str, tell: Progress = lambda stage, done, total: None,
    cancelled: Callable[[], bool] = lambda: False, say: Callable[[Dataset], None] = lambda dataset: None,
) -> str:  # fmt: skip
    """The id of a data set that judges models: one that is known (its id), or a source that is imported now.

    `say` is given what was imported. Raises as `import_data` does.
    """
    if data.startswith("d-") and not Path(data).exists():
        return data
    found = import_data(home, Path(data).expanduser(), held_out=True, tell=tell, cancelled=cancelled)
    say(found)
    return found.dataset_id


def keep_description(dataset: Dataset, home: Path) -> bool:
    """Keep the description of a data set; whether it was written.

    One of the same images at the same place stays, since searches use it; but one that was written before duplicates
    were looked for is replaced. Where the images lie elsewhere now, the newest place counts.
    """
    file = dataset_file(home, dataset.dataset_id)
    known = None
    with contextlib.suppress(DatasetError):  # a damaged one is replaced
        known = Dataset.load(file) if file.exists() else None
    if known is not None and _place(known) == _place(dataset) and (known.searched or not dataset.searched):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.save(file)
    return True


def _place(dataset: Dataset) -> tuple[Path, list[str]]:
    return dataset.root, [image.path for image in dataset.images]


def _record(dataset: Dataset, home: Path) -> None:
    folder = journal_folder(home)
    name = f"{JOURNAL}-{dataset.dataset_id}"
    journal = JournalWriter(folder, name, next_attempt(folder, name))
    try:
        for kind, payload in dataset_records(dataset):
            journal.append(kind, **payload)
    finally:
        journal.close()
