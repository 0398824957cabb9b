"""Where a query is written: examples, the text, what may be asked."""

from __future__ import annotations

import streamlit as st

from pages.components.query_address import CHART, SQL, choose, view
from pages.components.query_run import desk, start
from store.queries.examples import EXAMPLES, Example

_EXAMPLE, _SHOWN, _BEGAN, _GENERATION = "query_example", "query_shown", "query_began", "query_generation"
_MONOSPACE = """<style>
[class*="st-key-query_text"] textarea { font-family: "Source Code Pro", ui-monospace, monospace; font-size: 0.92rem; }
</style>"""


def editor() -> dict[str, str]:
    """The widgets; returns what the page shows: the SQL to run and how to draw its result (see `query_address`)."""
    shown = view(_parameters(EXAMPLES[0]))
    if shown[SQL] != st.session_state.get(_SHOWN) or _text_key() not in st.session_state:
        # Another box, that begins with the text; else the person may be in the middle of changing it. Not a value that
        # is set from here: a browser that draws two runs of the page at once would miss it.
        st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
        st.session_state[_BEGAN] = shown[SQL]
    st.session_state[_SHOWN] = shown[SQL]
    st.html(_MONOSPACE)
    st.selectbox(
        "Examples", EXAMPLES, index=None, format_func=lambda example: example.title, key=_EXAMPLE,
        placeholder="Begin with an example", label_visibility="collapsed", on_change=_example_chosen,
    )  # fmt: skip
    with st.form("query_form", border=False):
        st.text_area(
            "SQL", st.session_state[_BEGAN], key=_text_key(), height=185, label_visibility="collapsed"
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button("Run", type="primary", icon=":material/play_arrow:", on_click=_submitted)
            limits = desk().limits
            st.caption(
                "Ctrl+Enter runs it too. It reads a copy of the store, in DuckDB's SQL: one statement, at most "
                f"{limits.seconds:g} s and {limits.memory_mb} MB. Nothing can be written, no file can be read."
            )
    return shown


def _example_chosen() -> None:
    example: Example | None = st.session_state[_EXAMPLE]
    if example is not None:
        choose(**_parameters(example))
        start(example.sql)
        st.session_state[_EXAMPLE] = None  # it may be chosen again after the text was changed


def _submitted() -> None:
    sql = str(st.session_state[_text_key()])
    st.session_state[_SHOWN] = sql
    choose(sql=sql)
    start(sql)


def _text_key() -> str:
    return f"query_text_{st.session_state.get(_GENERATION, 0)}"


def _parameters(example: Example) -> dict[str, str]:
    kind = "" if example.kind == "none" else example.kind
    return {SQL: example.sql, **dict(zip(CHART, (kind, example.x, example.y, example.colour), strict=True))}
