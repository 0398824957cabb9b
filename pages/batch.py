"""Many images read one after the other: what needs eyes first, a differential count, a report."""

from functools import partial

import streamlit as st

from core.prediction.count import reviewed_count
from pages.components.batch_count import count_of, count_section
from pages.components.batch_head import current, head, leave, progress_section
from pages.components.batch_list import list_section
from pages.components.batch_report import report_button
from pages.components.batch_start import start_form
from pages.components.batch_tables import after_review, in_order, reviews_of
from pages.components.data import read
from store.queries import Wanted

st.warning(
    "Research use only, not for diagnosis. An expert has to look at what is referred, and may correct every cell.",
    icon=":material/science:",
)
run = current()
if run is None:
    start_form()
else:
    head(run)
    progress_section(run)
    items = in_order(run.items())
    if items:
        reviews = reviews_of(read("readings", Wanted(batch_id=run.batch_id), len(items)))
        count = count_of(run)
        after = reviewed_count(run.about.classes, after_review(items, reviews)) if reviews else None
        count_section(count, after, run.batch_id, partial(report_button, run, items, reviews, count, after))
        list_section(run, items, reviews)
    elif run.progress().over:
        st.info("Nothing was read in this batch.", icon=":material/info:")
        st.button("Start another batch", on_click=leave, key="batch_again", icon=":material/restart_alt:")
