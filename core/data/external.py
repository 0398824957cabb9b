"""Data sets that are external to another: images from elsewhere, by which its models are judged and never chosen.

Which set is external to which is a person's statement, a record of the home's journal; the latest one counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Dataset, DatasetError, ImageRecord
from core.paths import dataset_file
from store.journal import HOME_JOURNAL, JournalWriter, journal_files, journal_folder, next_attempt, read_records

JOURNAL = "external"  # begins the names of its journals


class ExternalError(ValueError):
    """A data set cannot be external to another, or nothing can be judged by it; the message says why."""


@dataclass(frozen=True)
class Fit:
    """Which images of an external set a model of another data set can be judged by.

    Attributes:
        usable: the images that count: of a class that the model knows, and in no split of the model's own data.
        common: class names that both have, in the order of the model's data.
        missing: classes of the model's data without an image that counts.
        unknown: class names that the model does not know, with the images that are left out for it.
        shared: images left out because the model's data have them too, byte for byte or pixel for pixel.
    """

    usable: tuple[ImageRecord, ...]
    common: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: dict[str, int]
    shared: int

    def sentence(self) -> str:
        """What counts and what is left out, for people."""
        words = [f"{len(self.usable):,} images in {len(self.common)} classes count."]
        if self.shared:
            words.append(f"{self.shared:,} are left out, since the data set that is trained on has them too.")
        if self.unknown:
            told = ", ".join(f"{name} ({number:,})" for name, number in self.unknown.items())
            words.append(f"Left out, since the models do not know the class: {told}.")
        if self.missing:
            words.append(f"No image of: {', '.join(self.missing)}; how these generalise cannot be tested by this set.")
        words.append("Only equal files and equal pixels are known to be in both; copies encoded anew would count.")
        return " ".join(words)


def fit(dataset: Dataset, external: Dataset) -> Fit:
    """Match the images of an external set with the data set that models are trained on.

    Classes are matched by name. An image that both have (equal files, or equal pixels) says nothing of other sources
    and may have been trained on: it is left out and counted.

    Raises ExternalError when it is the same data set, no class name is in common, or no image is left.
    """
    if dataset.dataset_id == external.dataset_id:
        raise ExternalError(f"{external.name} is the data set itself; images from elsewhere must be another one.")
    known = [name for name in dataset.classes if name in external.classes]
    if not known:
        raise ExternalError(
            f"{external.name} and {dataset.name} have no class name in common ({', '.join(external.classes)} against "
            f"{', '.join(dataset.classes)}); name the class folders alike."
        )
    own = {digest for image in dataset.usable for digest in (image.sha256, image.pixel_sha256) if digest}
    unknown = Counter(image.class_ or "" for image in external.usable if image.class_ not in known)
    of_class = [image for image in external.usable if image.class_ in known]
    usable = tuple(image for image in of_class if not {image.sha256, image.pixel_sha256} & own)
    if not usable:
        raise ExternalError(
            f"Every image of {external.name} is in {dataset.name} too, so none is from elsewhere; give other images."
        )
    there = {image.class_ for image in usable}
    return Fit(
        usable=usable,
        common=tuple(name for name in known if name in there),
        missing=tuple(name for name in dataset.classes if name not in there),
        unknown=dict(sorted(unknown.items())),
        shared=len(of_class) - len(usable),
    )


def register_external(home: Path, dataset_id: str, external_id: str) -> Fit:
    """Record that a data set is external to another; which of its images count.

    Raises ExternalError when one is not known here or they do not fit, JournalError when the disk refuses.
    """
    found = fit(described(home, dataset_id), described(home, external_id))
    _state(home, dataset_id, external_id, removed=False)
    return found


def remove_external(home: Path, dataset_id: str, external_id: str) -> None:
    """Take it back. What models said of the images stays recorded: a result does not go because it displeases.

    Raises ExternalError when it is not registered, JournalError when the disk refuses.
    """
    if external_id not in registered(home, dataset_id):
        raise ExternalError(f"{external_id} is not registered as external to {dataset_id}, so it cannot be taken back.")
    _state(home, dataset_id, external_id, removed=True)


def registered(home: Path, dataset_id: str) -> list[str]:
    """The data sets that are external to this one, in the order of their registration."""
    found = []
    for path in journal_files(home, HOME_JOURNAL):
        if path.name.startswith(f"{JOURNAL}-"):
            found += [(str(record["at"]), path.name, record) for record in read_records(path)[0]]
    latest: dict[str, bool] = {}
    for _, _, record in sorted(found, key=lambda one: (one[0], one[1], one[2]["seq"])):
        if record["kind"] == "external_set" and record["dataset_id"] == dataset_id:
            latest[str(record["external_id"])] = bool(record["removed"])
    return [external_id for external_id, removed in latest.items() if not removed]


def described(home: Path, dataset_id: str) -> Dataset:
    """A data set that is known in this home. Raises ExternalError when it is not, DatasetError when it is damaged."""
    file = dataset_file(home, dataset_id)
    if not file.is_file():
        raise ExternalError(f"There is no data set {dataset_id} in {home}; import it first.")
    try:
        return Dataset.load(file)
    except DatasetError as error:
        raise ExternalError(str(error)) from error


def _state(home: Path, dataset_id: str, external_id: str, *, removed: bool) -> None:
    folder = journal_folder(home)
    journal = JournalWriter(folder, JOURNAL, next_attempt(folder, JOURNAL))
    try:
        journal.append("external_set", dataset_id=dataset_id, external_id=external_id, removed=removed)
    finally:
        journal.close()
