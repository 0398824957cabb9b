"""One line on the page of a search: how its model does on images from elsewhere, beside the set."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.charts.wording import missing
from pages.components.data import owner
from pages.components.external_go_on import go_on_with_search
from pages.components.external_tables import REMARK, sentence
from pages.components.external_view import external_sets, own_test
from pages.components.facts import classes
from pages.components.notes import plain


def external_line(search: dict[str, Any]) -> None:
    """A line for each registered set that the search's model has judged; nothing where there is none."""
    model = search["best_trial_id"] if missing(search["model_trial_id"]) else search["model_trial_id"]
    if missing(model) or missing(search["dataset_id"]) or search["origin"] == "published":
        return
    for name, words in _lines(id(owner()), owner().research_version, str(model), str(search["dataset_id"])):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/travel_explore: **On other sources** ({plain(name)}): {plain(words)}.",
                        anchors=False, width="content")  # fmt: skip
            st.caption(REMARK, width="content")
            link = {"search": str(search["search_id"]), "trial": str(model), "view": "Other sources"}
            st.page_link("evaluate.py", label="See the images", icon=":material/analytics:", query_params=link)
    go_on_with_search(search, str(model))


@st.cache_data(max_entries=32, show_spinner=False)
def _lines(owner_id: int, version: int, model: str, dataset_id: str) -> list[tuple[str, str]]:
    """(name of the set, sentence) of each; kept, since a live page asks every two seconds."""
    names = classes(dataset_id)
    parts = [part for part in external_sets(model, names) if part.registered]
    own = own_test(model, dataset_id, names) if parts else None
    return [(part.name, sentence(part, own)) for part in parts]
