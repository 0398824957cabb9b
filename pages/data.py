"""The datasets: what they hold, what was left out and why, what can be trusted; bringing in new ones."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.components import (
    data_audit,
    data_choice,
    data_duplicates,
    data_external,
    data_images,
    data_labels,
    data_left_out,
    data_list,
    data_overview,
)
from pages.components.data import read
from pages.components.data_head import head
from pages.components.data_import import import_drawer, imports
from pages.components.launch import launch_drawer
from pages.components.link_tab import open_linked_tab
from pages.components.pulse import IMPORT

TABS: dict[str, Callable[[str], None]] = {
    "Overview": data_overview.section,
    "Images": data_images.section,
    "Duplicates": data_duplicates.section,
    "Left out": data_left_out.bad_files,
    "Label conflicts": data_left_out.conflicts,
    "Shortcut audit": data_audit.section,
    "Suspected labels": data_labels.section,
    "Other sources": data_external.section,
}


def one(dataset_id: str, datasets: pd.DataFrame) -> None:
    """Everything about one dataset; only the open tab is computed."""
    row = datasets[datasets["dataset_id"] == dataset_id].iloc[0]
    head({str(name): value for name, value in row.to_dict().items()}, read("image_groups", dataset_id))
    data_images.one_image(dataset_id)
    for tab, section in zip(st.tabs(list(TABS), key="view", bind="query-params"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                section(dataset_id)


open_linked_tab(TABS)
datasets = read("datasets")
chosen = data_choice.wanted(datasets)
with st.container(horizontal=True, vertical_alignment="bottom"):
    if chosen is None:
        words, sort = data_list.search_box(), data_list.sort_box()
    else:
        data_choice.back()
        data_choice.dataset_box(datasets, chosen)
    with st.container(horizontal=True, horizontal_alignment="right", width="stretch" if chosen is None else "content"):
        if chosen is not None and data_choice.search_button(datasets, chosen):
            launch_drawer()
        if st.button("Import data", type="primary", icon=":material/drive_folder_upload:", key=IMPORT):
            import_drawer()
imports(datasets)
if chosen is None:
    data_list.listing(datasets, words, sort)
else:
    one(chosen, datasets)
