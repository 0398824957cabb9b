"""The button that saves the report of one reading, and the model card that every report ends with."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.prediction.report_facts import Reported
from pages.components.data import home
from pages.components.guard import log


def reading_report_button(item: Callable[[], Reported], reading_id: str | None, key: str) -> None:
    """The report of one reading as PDF; it and what it is made of are made when the button is pressed."""

    def made() -> bytes:
        from core.prediction.report import reading_report  # fonts and all, which nobody waits for who wants no report

        found = item()
        return reading_report(found, card_of(found.reading.model_id))

    st.download_button(
        "Report (PDF)", made, f"reading-{reading_id or 'not-on-record'}.pdf", "application/pdf",
        icon=":material/picture_as_pdf:", on_click="ignore", key=key,
    )  # fmt: skip


def card_of(model_id: str) -> dict[str, dict[str, str]] | None:
    """The model card in words; None, and the report says so, where there is none."""
    from core.prediction.card import card

    try:
        return card(home(), model_id).to_words()
    except ValueError as error:
        log.warning("There is no card of %s", model_id, exc_info=error)
        return None
