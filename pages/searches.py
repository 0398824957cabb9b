"""All searches, live, and the drawer that launches a new one."""

import streamlit as st

from pages.components import commands, list_filter
from pages.components.cards import card
from pages.components.data import read
from pages.components.guard import guarded
from pages.components.launch import launch_drawer
from pages.components.list_order import Wish, all_tags, chosen, grouped, ordered, with_notes
from pages.components.pulse import NEW_SEARCH, every
from pages.components.shortcut_badge import audits


@guarded
def listing(wish: Wish) -> None:
    """The cards that fit the wish, under their headings, and what is left of the list as a file."""
    commands.rerun_if_asked()
    searches = with_notes(read("listing"), read("notes"))
    found = ordered(chosen(searches, wish), wish.sort)
    if found.empty:
        st.info("No search fits this filter.", icon=":material/filter_alt_off:")
        return
    audited = audits()
    for heading, number, rows in list_filter.one_page(grouped(found, wish.group)):
        list_filter.head(heading, number)
        for row in rows.to_dict("records"):
            card({str(name): value for name, value in row.items()}, place=heading, sort=wish.sort, audits=audited)
    list_filter.foot(found, len(searches))
    if set(searches["origin"]) == {"published"}:
        st.info(
            "This is the published search, beside which every own search can stand. Launch your own with "
            "**New search**: the quick preset on sample cells takes minutes.",
            icon=":material/rocket_launch:",
        )


with st.container(horizontal=True, vertical_alignment="bottom"):
    words = list_filter.search_box()
    status = list_filter.status_pills()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("New search", type="primary", icon=":material/add:", key=NEW_SEARCH):
            launch_drawer()
wish = list_filter.controls(words, status, all_tags(read("notes")))
commands.confirm_if_asked()
st.fragment(listing, run_every=every(2))(wish)
