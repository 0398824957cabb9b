"""One reading of a batch: the image, the decision in large words, probabilities, checks, and the expert's review."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.prediction.batch import BatchRun, Item
from core.prediction.reading import FLAG_LABELS, REFER, SET, Reading, name_of
from core.prediction.reading_words import RESULTS, watch_words
from core.prediction.thumbnail import data_url
from pages.charts.probabilities import probabilities
from pages.components.batch_tables import Reviews, reported
from pages.components.drawing import draw, show
from pages.components.notes import plain
from pages.components.predict_words import decided_words, set_words
from pages.components.reading_report import reading_report_button
from pages.components.review_controls import review_controls

COLOURS = {REFER: "red", SET: "orange"}
MARKS = {True: f":red[{RESULTS[True]}]", False: RESULTS[False], None: f":gray[{RESULTS[None]}]"}


def one_section(run: BatchRun, item: Item, reviews: Reviews) -> None:
    """Draw the file that is open: what is decided, the expert's word on it, then what stands behind it."""
    with st.container(border=True):
        st.markdown(f"**{plain(item.name)}**", anchors=False)
        if item.reading is None:
            st.error(plain(item.why), icon=":material/image_not_supported:")
            return
        _decision(run, item, item.reading)
    row = {"reading_id": item.reading_id, "decided_classes": list(item.reading.decision.classes)}
    review_controls(row, item.reading.classes)
    with st.container(border=True):
        _behind(item, item.reading)
        reading_report_button(lambda: reported([item], reviews)[0], item.reading_id, f"batch_pdf_{item.at}")


def _decision(run: BatchRun, item: Item, reading: Reading) -> None:
    left, right = st.columns([1, 1.35], gap="medium")
    if item.picture is not None:
        left.image(data_url(item.picture), width="stretch", alt=f"The image {item.name}")
        left.caption(f"{reading.width} x {reading.height} px")
    with right:
        words, colour = plain(reading.decision.words), COLOURS.get(reading.decision.kind)
        st.subheader(f":{colour}[{words}]" if colour else words, anchor=False)
        for reason in reading.decision.reasons:
            st.markdown(plain(reason), anchors=False)
        st.caption(plain(decided_words(reading, run.about.point_words)))


def _behind(item: Item, reading: Reading) -> None:
    """Probabilities, prediction set, the watch on blasts, the checks of the image."""
    table = pd.DataFrame({"class": [name_of(one) for one in reading.classes], "probability": reading.probabilities})
    show(draw(probabilities, table), key=f"batch_probabilities_{item.at}",
         alt="Probability of each class, the highest first")  # fmt: skip
    st.caption(plain(set_words(reading)))
    if reading.blast is not None:
        watch = plain(watch_words(reading.blast))
        if reading.blast.raised:
            st.warning(watch, icon=":material/visibility:")
        else:
            st.caption(watch)
    with st.expander("Checks of the image", icon=":material/fact_check:", expanded=bool(reading.raised)):
        for flag in reading.flags:
            mark = MARKS[flag.raised]
            st.markdown(f"**{FLAG_LABELS.get(flag.name, name_of(flag.name))}** {mark}. {plain(flag.reason)}",
                        anchors=False)  # fmt: skip
