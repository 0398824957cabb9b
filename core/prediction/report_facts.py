"""What a report is made of, and the sentences in it that are the same for every one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.prediction.reading import Reading, name_of

Section = tuple[str, Sequence[tuple[str, str]]]  # a title, and labels with what they say

VERDICTS: Final = {"confirm": "confirmed as", "correct": "corrected to", "refer": "referred to another expert"}


@dataclass(frozen=True)
class Review:
    """What an expert said of a reading. `verdict` is one of VERDICTS, `class_` the class that they named."""

    verdict: str
    class_: str | None = None
    note: str = ""
    reviewed_by: str | None = None
    at: datetime | None = None

    @property
    def words(self) -> str:
        """'corrected to monocyte'."""
        said = VERDICTS.get(self.verdict, self.verdict)
        if self.verdict == "refer":
            return said
        return f"{said} {name_of(self.class_)}" if self.class_ else said.rpartition(" ")[0]


@dataclass(frozen=True)
class Reported:
    """One reading as it is reported.

    Attributes:
        name: of the file.
        reading_id: on record; None where it is not.
        at: when it was read.
        picture: a JPEG of what was read; None where no image is at hand.
        more: other JPEGs with their captions, such as an activation map.
        box: of a cell in a field: x, y, width, height (px).
    """

    name: str
    reading: Reading
    reading_id: str | None = None
    at: datetime | None = None
    picture: bytes | None = None
    more: Sequence[tuple[str, bytes]] = ()
    review: Review | None = None
    box: tuple[float, float, float, float] | None = None


def card_sections(card: Mapping[str, Any]) -> list[Section]:
    """The facts of a model card, whatever they are, a section for each part that has parts of its own.

    Labels that are numbers only keep sentences apart, and are left out.
    """
    plain = [(_words(name), _told(value)) for name, value in card.items() if not isinstance(value, Mapping)]
    found: list[Section] = [("Model", plain)] if plain else []
    for name, part in card.items():
        if isinstance(part, Mapping):
            found.append((_words(name), [(_words(label), _told(value)) for label, value in part.items()]))
    return found


def limits(reading: Reading | None) -> list[str]:
    """What a report does not say, a sentence each; of any model where there is no reading."""
    found = [
        "This report is made by software for research. It is no diagnosis, and no basis for one without an expert."
    ]
    if reading is not None:
        names = ", ".join(name_of(one) for one in reading.classes)
        found.append(f"The model knows these classes alone: {names}. A cell of another kind may be called one of them.")
        found.append(
            "The probabilities are calibrated on images like those that the model was trained on; other stains, "
            "cameras and hospitals may make them wrong."
            if reading.calibrated
            else "The model is not calibrated: its probabilities do not say how often it is right, and it has no "
            "prediction sets and no watch on blasts."
        )
    found.append("Checks of focus, exposure, stain, size and kind of cell find many strange images, not all of them.")
    return found


def _words(name: str) -> str:
    text = "" if str(name).isdigit() else str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _told(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 1e4 else str(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(name)}: {_told(one)}" for name, one in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ("; " if any(isinstance(one, Mapping) for one in value) else ", ").join(map(_told, value)) or "none"
    return str(value)
