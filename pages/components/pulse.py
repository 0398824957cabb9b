"""When live parts beat."""

from __future__ import annotations

import streamlit as st

NEW_SEARCH = "new_search"  # key of the button that opens the launch drawer
IMPORT = "import_data"  # key of the button that opens the import drawer


def every(seconds: float) -> float | None:
    """The interval of a live part; None while the launch drawer opens, or that of the import.

    The form leaves for the new search's page, and a beat of the page that is being left, answered after that, would
    make Streamlit's client take itself for being there again and drop what it shows.
    """
    return None if st.session_state.get(NEW_SEARCH) or st.session_state.get(IMPORT) else seconds
