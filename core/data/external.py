"""Data sets that are external to another: images from elsewhere, by which its models are judged and never chosen.

Which set is external to which is a person's statement, a record of the home's journal; the latest one counts.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.data.dataset import Dataset, DatasetError, ImageRecord
from core.data.pairs import NOTHING, WHOLE, crowded_words
from core.data.shared import Shared, Tell, compare, compared, digests
from core.paths import dataset_file
from store.journal import HOME_JOURNAL, JournalWriter, journal_files, journal_folder, next_attempt, read_records

JOURNAL = "external"  # begins the names of its journals
ALIKE: Final = "encoded anew, turned, or cropped from the same field"


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
        equal: images left out because the model's data have them too, byte for byte or pixel for pixel.
        alike: images left out because they are, encoded anew, turned, or cropped from the same field, in the model's
            data; 0 while that is not known.
        compared: how that was looked for; None while it has not been.
    """

    usable: tuple[ImageRecord, ...]
    common: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: dict[str, int]
    equal: int
    alike: int = 0
    compared: Shared | None = None

    @property
    def shared(self) -> int:
        """Images left out because the model's data have them too, in any way."""
        return self.equal + self.alike

    def sentence(self) -> str:
        """What counts and what is left out, for people."""
        words = [f"{len(self.usable):,} images in {len(self.common)} classes count."]
        if self.shared:
            one = self.shared == 1
            words.append(
                f"{self.shared:,} {'is' if one else 'are'} left out, since the data set that is trained on has "
                f"{'it' if one else 'them'} too{how_alike(self.shared, self.alike)}."
            )
        if self.unknown:
            told = ", ".join(f"{name} ({number:,})" for name, number in self.unknown.items())
            words.append(f"Left out, since the models do not know the class: {told}.")
        if self.missing:
            words.append(
                f"No image of: {', '.join(self.missing)}; how well a model does on these elsewhere cannot be told by "
                "this set."
            )
        words.append(compared_words(self.compared))
        return " ".join(words)


def how_alike(shared: int, alike: int) -> str:
    """Follows "has them too": how many of the shared images are not equal, but show the same cells."""
    return f", {ALIKE}" if alike == shared and alike else f" ({alike:,} of them {ALIKE})" if alike else ""


def compared_words(found: Shared | None) -> str:
    """How an external set was compared with the data set that is trained on, for people."""
    if found is None:
        return (
            f"Only equal files and equal pixels have been looked for so far; images that are {ALIKE} are looked for in "
            "the background once the set is registered, and left out."
        )
    if found.searched == NOTHING:
        return f"For so many images only equal files and equal pixels were looked for; those {ALIKE} would count."
    whole = "encoded anew or turned" if found.searched == WHOLE else ALIKE
    words = [f"Equal files, equal pixels, and images {whole} were looked for in both."]
    if found.unread:
        words.append(
            f"{found.unread:,} {'image' if found.unread == 1 else 'images'} could not be read any more and "
            f"{'was' if found.unread == 1 else 'were'} not compared."
        )
    return " ".join([*words, crowded_words(found.crowded)]).rstrip()


def fit(dataset: Dataset, external: Dataset, compared: Shared | None = None) -> Fit:
    """Match the images of an external set with the data set that models are trained on.

    Classes are matched by name. An image that both have (equal files, equal pixels, or what `compared` found: encoded
    anew, turned, or cropped from the same field) says nothing of other sources and may have been trained on: it is left
    out and counted.

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
    own = digests(dataset.usable)
    again = set(compared.image_ids) if compared else set()
    unknown = Counter(image.class_ or "" for image in external.usable if image.class_ not in known)
    of_class = [image for image in external.usable if image.class_ in known]
    different = [image for image in of_class if not {image.sha256, image.pixel_sha256} & own]
    usable = tuple(image for image in different if image.image_id not in again)
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
        equal=len(of_class) - len(different),
        alike=len(different) - len(usable),
        compared=compared,
    )


def register_external(home: Path, dataset_id: str, external_id: str) -> Fit:
    """Record that a data set is external to another; which of its images count, as far as hashes and `compared` tell.

    Images that show the same cells are found by `compare_registered`, which takes seconds to minutes.

    Raises ExternalError when one is not known here or they do not fit, JournalError when the disk refuses.
    """
    found = fit(described(home, dataset_id), described(home, external_id), compared(home, dataset_id, external_id))
    _state(home, dataset_id, external_id, removed=False)
    return found


def compare_registered(home: Path, dataset_id: str, tell: Tell, leave: Callable[[], None]) -> dict[str, Shared]:
    """Look in every registered set for images that show what the data set shows, where that has not been done yet.

    Sets that are not described here are left out: whoever judges by them says so. Args as of
    `core.data.shared.compare`. Raises ExternalError when the data set itself is not described here.
    """
    sets = registered(home, dataset_id)
    if not sets:
        return {}
    dataset, found = described(home, dataset_id), {}
    for external_id in sets:
        with contextlib.suppress(ExternalError):
            found[external_id] = compare(home, dataset, described(home, external_id), tell, leave)
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
