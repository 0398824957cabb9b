"""The card of a model on Predict: what it is for, what it was made of, how good it is where, what it does not know."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.components.data import home, owner
from pages.components.models import Model
from pages.components.notes import plain

KEY = "model_card"
LEFT = ("Synthetic data", "What it does not know", "Accuracy on its own data", "Accuracy on images from elsewhere",
        "Shortcuts")  # fmt: skip


def card(model: Model) -> None:
    """The card, closed until someone opens it."""
    with st.expander(f"Model card: {plain(model.name)}", icon=":material/id_card:", key=KEY, on_change="rerun") as part:
        if part.open:
            _card(model)


def _card(model: Model) -> None:
    cards, document = _known(str(home()), model.model_id, id(owner()), owner().research_version)
    for name, sections in cards:
        if len(cards) > 1:
            st.markdown(f"**{plain(name)}**", anchors=False)
        left, right = st.columns(2, gap="large")
        for title in (*(one for one in LEFT if one in sections), *(one for one in sections if one not in LEFT)):
            (left if title in LEFT else right).markdown(_section(title, sections[title]), anchors=False)
    st.download_button(
        "The card as Markdown", document, f"{model.model_id}-card.md", "text/markdown", icon=":material/download:",
        on_click="ignore", key="card_markdown",
    )  # fmt: skip


@st.cache_data(max_entries=8, show_spinner="Gathering what is known of the model.")
def _known(
    folder: str, model_id: str, owner_id: int, version: int
) -> tuple[list[tuple[str, dict[str, dict[str, str]]]], str]:
    """(name, sections) of the card and of those of its members, and the whole as a document; kept until the store has
    something new (`version`)."""
    from core.prediction.card import card as card_of

    found = card_of(home(), model_id)
    parts = [
        (str(one.facts["model"]["name"]), {title: dict(rows) for title, rows in one.to_words().items()})
        for one in (found, *found.members)
    ]
    return parts, found.to_markdown()


def _section(title: str, rows: Mapping[str, str]) -> str:
    """A title and its lines; labels that are numbers only keep sentences apart."""
    lines = [
        plain(said) if label.isdigit() else f":gray[{plain(label[:1].upper() + label[1:])}:] {plain(said)}"
        for label, said in rows.items()
    ]
    return "\n".join([f"**{title}**", "", *(f"- {line}" for line in lines)])
