"""One sentence in the browser when something fails; the traceback stays in the server's log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

log = logging.getLogger("cellascent.pages")
P = ParamSpec("P")


def explain(error: Exception) -> str:
    """The sentence for a person. The errors of `core` and `store` say one already; others are not for the browser."""
    if type(error).__module__.split(".")[0] in ("core", "store") and str(error):
        return str(error)
    return "Something went wrong on this page; the server's log says what. The search itself is not affected."


def report(error: Exception) -> None:
    """Show the sentence and log the rest."""
    log.error("A page failed", exc_info=error)
    st.error(explain(error), icon=":material/error:")


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """For fragments and dialogs: they rerun on their own, outside of the frame's net."""

    @wraps(draw)
    def safe(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except Exception as error:
            report(error)

    return safe
