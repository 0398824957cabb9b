"""Every reading that is on record: found again, reviewed, held against the expert, gathered for the next training."""

from collections.abc import Callable

import streamlit as st

from pages.components import history_agreement, history_filter, history_gather, history_reading, history_table
from pages.components.data import record
from pages.components.link_tab import open_linked_tab
from store.queries import Wanted

TABS: dict[str, Callable[[Wanted], None]] = {
    "Readings": history_table.section,
    "Agreement": history_agreement.section,
    "Reviewed images": history_gather.section,
}


def every_reading() -> None:
    """The filter and what it leaves; only the open tab is computed."""
    wanted = history_filter.controls()
    for tab, section in zip(st.tabs(list(TABS), key="view", bind="query-params"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                section(wanted)


st.warning("Research use only, not for diagnosis.", icon=":material/science:")
open_linked_tab(TABS)
asked = st.query_params.get(history_reading.READING)
found = None if asked is None else record("reading", asked)
if found is not None:
    history_reading.one(found)
elif not (record("reading_count") or {}).get("readings"):
    history_table.nothing_yet()
else:
    if asked is not None:
        st.warning(f"There is no reading {asked} here. These are on record.", icon=":material/search_off:")
    every_reading()
