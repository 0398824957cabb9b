"""The card of a model: what it is for, what it was made of, how good it is where, and what it does not know.

What a card says follows M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019, and the guiding principles for
the transparency of machine learning-enabled medical devices (FDA, Health Canada, MHRA, 2024). Every figure comes from
the journals and from the files beside the weights; what is not there is said not to be known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.prediction.card_facts import facts_of_fusion, facts_of_trial
from core.prediction.card_words import Sections, sections
from core.prediction.models import entry

SYNTHETIC: Final = (
    "SYNTHETIC DATA: this model was trained on drawn sample cells. Nothing on this card says anything of medicine."
)


@dataclass(frozen=True)
class Card:
    """A model's card.

    Attributes:
        facts: numbers, names and lists by part, as JSON has them; None: not known.
        members: of a fusion, the cards of its members.
    """

    facts: dict[str, Any]
    members: tuple[Card, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether its data were drawn by the sample generator."""
        return bool(self.facts["data"]["synthetic"])

    def to_json(self) -> dict[str, Any]:
        """All facts, those of a fusion's members too."""
        said = {"synthetic_data": SYNTHETIC} if self.synthetic else {}
        return said | self.facts | ({"members": [one.to_json() for one in self.members]} if self.members else {})

    def to_words(self) -> Sections:
        """The facts in words: what each part says, by its title and its label; of a fusion's members only their names.

        It is what a report prints (`core.prediction.report_facts.card_sections`).
        """
        return ({"Synthetic data": {"beware": SYNTHETIC}} if self.synthetic else {}) | sections(self.facts)

    def to_markdown(self) -> str:
        """The card as one document."""
        return "\n".join(self._lines("#")) + "\n"

    def _lines(self, mark: str) -> Iterator[str]:
        yield f"{mark} Model card: {_plain(self.facts['model']['name'])}"
        if self.synthetic:
            yield from ("", f"**{SYNTHETIC}**")
        for title, part in sections(self.facts).items():
            yield from ("", f"{mark}# {title}", "")
            yield from (f"- {label}: {_plain(said)}" if label else f"- {_plain(said)}" for label, said in _rows(part))
        for member in self.members:
            yield ""
            yield from member._lines(f"{mark}#")


def card(home: Path, model_id: str, *, licence: str | None = None) -> Card:
    """The card of a trial, of a fusion, or of the model that a search chose.

    Args:
        licence: of the data, where a person knows it; nothing here does.

    Raises ModelError, one sentence, where there is no such model that can read images.
    """
    model = entry(home, model_id)
    if model.kind != "fusion":
        return Card(facts_of_trial(home, model, licence))
    members = [entry(home, trial_id) for trial_id in model.trial_ids]
    return Card(
        facts_of_fusion(home, model, members, licence),
        tuple(Card(facts_of_trial(home, member, licence)) for member in members),
    )


def _rows(part: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Labels that are numbers only keep sentences apart."""
    for label, said in part.items():
        yield "" if label.isdigit() else label[:1].upper() + label[1:], said


def _plain(text: str) -> str:
    """Text as Markdown shows it: names of people's making hold no markup."""
    text = " ".join(str(text).split())
    for letter in "\\`*_[]<>#|":
        text = text.replace(letter, f"\\{letter}")
    return text
