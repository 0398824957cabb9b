"""Who is logged in, where the server asks for it."""

from __future__ import annotations

import streamlit as st


def person() -> str | None:
    """E-mail address or name of who is logged in; None where nobody is."""
    return str(st.user.get("email") or st.user.get("name") or "") or None
