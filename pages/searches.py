"""All searches, live, and the drawer that launches a new one."""

import math

import streamlit as st

from pages.components import commands
from pages.components.cards import card
from pages.components.data import read
from pages.components.guard import guarded
from pages.components.launch import launch_drawer
from pages.components.pulse import NEW_SEARCH, every

PAGE = 8  # cards at once


@guarded
def listing(words: str, status: str | None) -> None:
    """The cards, newest first; running searches lead."""
    commands.rerun_if_asked()
    searches = read("searches")
    if words:
        searches = searches[searches["name"].str.contains(words, case=False, regex=False)]
    if status:
        searches = searches[searches["status"] == status]
    if searches.empty:
        st.info("No search fits this filter.", icon=":material/filter_alt_off:")
        return
    running = (searches["status"] == "RUNNING").rename("running")
    order = searches.assign(running=running).sort_values(
        ["running", "created_at"], ascending=False, na_position="last", kind="stable"
    )
    pages = math.ceil(len(order) / PAGE)
    at = st.pagination(pages, key="list_page") if pages > 1 else 1
    for row in order.iloc[(at - 1) * PAGE : at * PAGE].to_dict("records"):
        card({str(name): value for name, value in row.items()})
    if set(searches["origin"]) == {"published"} and not words and not status:
        st.info(
            "This is the published search, beside which every own search can stand. Launch your own with "
            "**New search**: the quick preset on sample cells takes minutes.",
            icon=":material/rocket_launch:",
        )


with st.container(horizontal=True, vertical_alignment="bottom"):
    words = st.text_input(
        "Filter", placeholder="Name", key="q", bind="query-params", label_visibility="collapsed", width=260
    )
    status = st.pills(
        "Status", ["RUNNING", "COMPLETE", "STOPPED", "FAILED"], format_func=str.capitalize, key="status",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("New search", type="primary", icon=":material/add:", key=NEW_SEARCH):
            launch_drawer()
commands.confirm_if_asked()
st.fragment(listing, run_every=every(2))(words or "", status)
