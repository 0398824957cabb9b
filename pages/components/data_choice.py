"""Which dataset the page Data shows: `?dataset=`, or the list of all where the address names none.

As with searches, the address is the only truth, and a box is named after what it shows: a beat of a live part must not
undo a choice.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.charts.wording import missing
from pages.components.launch import trainable
from pages.components.pulse import NEW_SEARCH

DATASET = "dataset"
_OF_ONE = ("view", "class", "split", "source", "sheet", "image")  # choices that make no sense for another dataset


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
    st.selectbox(
        "Dataset", list(names), index=list(names).index(shown), format_func=names.__getitem__, key=key,
        on_change=_changed, args=(key,), label_visibility="collapsed",
    )  # fmt: skip


def back() -> None:
    """The way to the list."""
    st.button("All datasets", icon=":material/arrow_back:", key="all_datasets", on_click=go, args=(None,))


def search_button(datasets: pd.DataFrame, shown: str) -> bool:
    """Whether a search on this dataset is asked for; the launch form then names it. No button where none can be."""
    if shown not in set(trainable(datasets)["dataset_id"]):
        return False
    asked = st.button("New search", icon=":material/add:", key=NEW_SEARCH)
    if asked:
        st.session_state["new_source"], st.session_state["new_known"] = "known", shown
    return asked


def go(dataset_id: str | None) -> None:
    """Show a dataset, or the list; in a callback, or before the widgets of the page are drawn."""
    for name in _OF_ONE:
        st.session_state.pop(name, None)
    st.query_params.clear()
    if dataset_id is not None:
        st.query_params[DATASET] = dataset_id


def _label(row: dict[object, object]) -> str:
    size = "" if missing(row["images"]) else f", {int(str(row['images'])):,} images"
    return f"{row['name']} ({row['dataset_id']}{size})"


def _changed(key: str) -> None:
    go(st.session_state[key])
