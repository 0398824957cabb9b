"""Links to a tab of another page.

Streamlit drops from a link between pages what a widget of the page that is left holds in the address, and the tabs of
several pages hold `view`. So such a link names its tab as `?tab=`, which becomes the page's `view` on arrival.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

import streamlit as st
from streamlit.errors import StreamlitAPIException

TAB, VIEW = "tab", "view"


def open_linked_tab(names: Collection[str]) -> None:
    """Open the tab that the link named, if it is one of the page's; before the page draws its tabs."""
    asked = st.query_params.get(TAB)
    if asked is None:
        return
    del st.query_params[TAB]
    if asked in names:
        st.session_state[VIEW] = asked
        with contextlib.suppress(StreamlitAPIException):  # the tabs are drawn already and write the address themselves
            st.query_params[VIEW] = asked
