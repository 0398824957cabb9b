"""Images that show none of the classes that a model knows: what of an imported data set can stand for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.data.dataset import Dataset, ImageRecord
from core.data.shared import digests


class OutsideError(ValueError):
    """A data set cannot stand for what is out of scope; the message says why."""


@dataclass(frozen=True)
class Outside:
    """The images of such a set that count, and how many are left out since the model's data have them too."""

    usable: tuple[ImageRecord, ...]
    shared: int

    def sentence(self) -> str:
        """What counts and what is left out, for people."""
        classes = len({image.class_ for image in self.usable})
        words = f"{len(self.usable):,} images in {classes} class{'es' * (classes != 1)} count."
        if self.shared:
            words += f" {self.shared:,} are left out, since the data set that is trained on has them too."
        return words


def outside_of(dataset: Dataset, other: Dataset) -> Outside:
    """The images of a data set that are out of scope for models of another.

    An image that both have (equal files, or equal pixels) is left out: the models may have been trained on it.

    Raises OutsideError when it is the same data set, a class name is in both (but for case, spaces and hyphens), or no
    image is left.
    """
    if other.dataset_id == dataset.dataset_id:
        raise OutsideError(f"{other.name} is the data set that is trained on; images out of scope must be another one.")
    known = {_plain(name) for name in dataset.classes}
    both = [name for name in other.classes if _plain(name) in known]
    if both:
        raise OutsideError(
            f"{other.name} has classes that the model knows ({', '.join(both)}), so it is not out of scope; give a "
            "data set without them, or judge the model by it as images from elsewhere."
        )
    own = digests(dataset.usable)
    usable = tuple(image for image in other.usable if not {image.sha256, image.pixel_sha256} & own)
    if not usable:
        why = f"Every image of {other.name} is in {dataset.name} too" if other.usable else f"{other.name} has no image"
        raise OutsideError(f"{why}, so none is out of scope; give other images.")
    return Outside(usable, len(other.usable) - len(usable))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()
