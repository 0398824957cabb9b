"""What a reading decides, in large plain words, with its probabilities and what stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.prediction.reading import CLASS, FLAG_LABELS, SET, Flag, Reading, name_of
from core.prediction.reading_words import watch_words
from pages.charts.probabilities import probabilities
from pages.components.drawing import show
from pages.components.notes import plain
from pages.components.predict_words import KICKERS, RUNTIMES, decided_words, set_words, timing_words

if TYPE_CHECKING:
    from core.prediction.reader import Reader

ICONS = {CLASS: ":material/biotech:", SET: ":material/call_split:"}
HASH = 12  # characters of an image's hash that are shown
REFER_ICON = ":material/clinical_notes:"
STYLE = "<style>.st-key-decision h2 { font-size: 2.1rem; padding-block: 0.1rem; }</style>"  # the large plain words
LOOK = {  # raised -> (colour, icon, word)
    True: ("orange", ":material/warning:", "raised"), False: ("gray", ":material/check:", "not raised"),
    None: ("gray", ":material/help:", "not checked"),
}  # fmt: skip


def decision_panel(reading: Reading, point_words: str | None) -> None:
    """The decision and its reasons."""
    decision = reading.decision
    with st.container(border=True, key="decision"):
        st.html(STYLE)
        st.caption(KICKERS[decision.kind])
        st.header(f"{ICONS.get(decision.kind, REFER_ICON)} {plain(decision.words)}", anchor=False)
        for reason in decision.reasons:
            st.markdown(plain(reason))
        # The hash says which image it is about, whatever else stands on the page while that is drawn anew.
        st.caption(plain(f"{decided_words(reading, point_words)} Image {reading.image_sha256[:HASH]}."))
        with st.container(horizontal=True, gap="xsmall"):
            for flag in reading.flags:
                flag_badge(flag)
            if reading.blast is not None:
                colour, icon, word = LOOK[reading.blast.raised]
                st.badge(f"Blast watch: {word}", icon=icon, color=colour, help=plain(watch_words(reading.blast)))  # type: ignore[arg-type]


def flag_badge(flag: Flag) -> None:
    colour, icon, word = LOOK[flag.raised]
    st.badge(f"{FLAG_LABELS[flag.name]}: {word}", icon=icon, color=colour, help=plain(flag.reason))  # type: ignore[arg-type]


def bars(reading: Reading, reader: Reader) -> None:
    """The probabilities with the prediction set marked, what its coverage is, and how long it took."""
    table = pd.DataFrame({"class": [name_of(one) for one in reading.classes], "probability": reading.probabilities})
    marked = [name_of(one) for one in reading.prediction_set] if reading.calibrated else None
    alt = "Probability of each class, the highest first" + ("" if marked is None else "; the prediction set is marked")
    show(probabilities(table, marked), key="probabilities", alt=alt)
    st.caption(plain(set_words(reading)))
    st.caption(timing_words(reading.seconds, reader.loaded_seconds, RUNTIMES.get(reading.runtime, reading.runtime)))


def checks(reading: Reading) -> None:
    """Each check with its reason, and the watch on blasts."""
    for flag in reading.flags:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            flag_badge(flag)
            st.markdown(plain(flag.reason), width="content")
    if reading.blast is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            colour, icon, word = LOOK[reading.blast.raised]
            st.badge(f"Blast watch: {word}", icon=icon, color=colour)  # type: ignore[arg-type]
            st.markdown(plain(watch_words(reading.blast)), width="content")
    st.caption(
        "A raised check refers the image to an expert. A check that is not raised says little: it knows only what the "
        "training images look like."
    )
