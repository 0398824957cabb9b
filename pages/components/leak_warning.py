"""The sentence beside a headline where images of its data lie in two given splits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.data.pairs import leak_sentence
from pages.charts.wording import missing
from pages.components.data import read
from pages.components.link_tab import TAB


def leak_warning(dataset_id: Any) -> None:
    """One sentence, with the way to the pictures; nothing where there is no leak or the data are not known."""
    if missing(dataset_id):
        return
    rows = read("leaks", str(dataset_id))
    found = {(str(row["split_a"]), str(row["split_b"])): int(row["pairs"]) for row in rows.to_dict("records")}
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(leak_sentence(found), icon=":material/leak_add:", width="stretch")
        st.page_link(
            "data.py", label="See them", icon=":material/content_copy:",
            query_params={"dataset": str(dataset_id), TAB: "Duplicates"},
        )  # fmt: skip
