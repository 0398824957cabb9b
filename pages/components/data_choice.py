"""Which dataset the page Data shows: `?dataset=`, or the list of all where the address names none.

As with searches, the address is the only truth, and a box is named after what it shows: a beat of a live part must not
undo a choice.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.launch import trainable
from pages.components.link_tab import TAB, VIEW
from pages.components.pulse import NEW_SEARCH

DATASET = "dataset"
_OF_ONE = {
    "class": None,
    "split": None,
    "source": None,
    "sheet": 1,
    "conflicts_page": 1,
    "duplicates": "all",
    "duplicates_page": 1,
}  # of no use for another one


def wanted(datasets: pd.DataFrame) -> str | None:
    """The dataset that the address names, if there is one; a sentence where it is not known."""
    asked = st.query_params.get(DATASET)
    if asked is None or asked in set(datasets["dataset_id"]):
        return asked
    st.warning(f"There is no dataset {asked} here. These are the known ones.", icon=":material/search_off:")
    return None


def dataset_box(datasets: pd.DataFrame, shown: str) -> None:
    """A box to go from one dataset to another."""
    names = {str(row["dataset_id"]): _label(row) for row in datasets.to_dict("records")}
    key = f"dataset_box_{shown}_{names[shown]}"
    picked = st.selectbox(
        "Dataset", list(names), index=list(names).index(shown), format_func=names.__getitem__, key=key,
        label_visibility="collapsed",
    )  # fmt: skip
    if picked != shown:
        go(picked)


def back() -> None:
    """The way to the list."""
    if st.button("All datasets", icon=":material/arrow_back:", key="all_datasets"):
        go(None)


def search_button(datasets: pd.DataFrame, shown: str) -> bool:
    """Whether a search on this dataset is asked for; the launch form then names it. No button where none can be."""
    if shown not in set(trainable(datasets)["dataset_id"]):
        return False
    asked = st.button("New search", icon=":material/add:", key=NEW_SEARCH)
    if asked:
        st.session_state["new_source"], st.session_state["new_known"] = "known", shown
    return asked


def go(dataset_id: str | None) -> None:
    """Leave for a dataset, on the same tab, or for the list. Only before the parts of a dataset are drawn."""
    for name, value in _OF_ONE.items():
        if name in st.session_state:
            st.session_state[name] = value
    tab = {TAB: st.query_params[VIEW]} if VIEW in st.query_params else {}
    st.switch_page("data.py", query_params={} if dataset_id is None else {DATASET: dataset_id, **tab})


def _label(row: dict[object, object]) -> str:
    size = "" if missing(row["images"]) else f", {int(str(row['images'])):,} images"
    return f"{row['name']} ({row['dataset_id']}{size})"
