"""The query of this browser tab: started, watched while it runs, and kept until another one takes its place."""

from __future__ import annotations

import streamlit as st

from pages.components.data import home
from pages.components.guard import guarded
from store.sandbox.desk import Desk, shared
from store.sandbox.query import Query

_QUERY = "query_of_this_tab"
PATIENCE = 0.25  # seconds that the page itself waits: many queries are done by then
BEAT = 0.4  # seconds between two looks at one that runs
WORDS = {
    "snapshot": "Taking a copy of the store",
    "waiting": "Waiting for its turn: other queries are running",
    "starting": "Starting its process",
    "running": "Running",
    "done": "Done",
}


def desk() -> Desk:
    return shared(home())


def query_of(sql: str) -> Query:
    """The tab's query for this SQL: the present one, or a new one, which ends the present one."""
    query: Query | None = st.session_state.get(_QUERY)
    return query if query is not None and query.sql == sql and not query.gone else start(sql)


def start(sql: str, *, fresh: bool = False) -> Query:
    """Run it anew; `fresh`: on a copy of the store as it is now."""
    before: Query | None = st.session_state.get(_QUERY)
    if before is not None:
        before.discard()
    query = desk().start(sql, fresh=fresh)
    st.session_state[_QUERY] = query
    return query


def finished(query: Query) -> bool:
    """Whether the result is there; if not, what the query does now, and a button to cancel it, until it is."""
    if query.wait(PATIENCE):
        return True
    st.fragment(_progress, run_every=BEAT)(query)
    return False


@guarded
def _progress(query: Query) -> None:
    if query.stage == "done":
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        limit = f" of at most {query.limits.seconds:g} s" if query.stage == "running" else ""
        st.markdown(f":material/hourglass_top: {WORDS[query.stage]}, {query.elapsed:.0f} s{limit}", width="stretch")
        st.button("Cancel", icon=":material/cancel:", key="cancel_query", on_click=query.cancel)
