"""What a query gave: the rows or the error, its downloads, how old the data are, and a chart of it."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from pages.charts import result_chart as charts
from pages.components.drawing import draw, show
from pages.components.guard import guarded
from pages.components.pulse import every
from pages.components.query_address import choose
from pages.components.query_run import desk, start
from pages.components.words import age, span
from store.sandbox.query import Outcome, Query

ROW = 33  # px
LAZY_ROWS = 1_000  # above which the browser fetches rows as it scrolls


def error(outcome: Outcome) -> None:
    """One sentence; where in the SQL, as DuckDB marks it, below."""
    st.error(plain(str(outcome.error)), icon=":material/error:")
    if outcome.detail:
        st.code(outcome.detail, language=None)


def plain(text: str) -> str:
    """Text that holds somebody's SQL, so that none of it is taken for Markdown (a picture from elsewhere, say)."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def result(query: Query, outcome: Outcome, shown: dict[str, str]) -> None:
    """Rows, downloads and chart. `shown` as from `query_address.view`."""
    frame = query.shown()
    freshness(query)
    chart(frame, shown)
    st.dataframe(
        frame, hide_index=True, row_height=ROW, height=ROW * (min(len(frame), 15) + 1) + 3, placeholder="",
        key="query_rows", alt="Rows of the result", lazy=len(frame) > LAZY_ROWS,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, read, name, mime in (
            ("CSV", query.csv, "query.csv", "text/csv"),
            ("Parquet", query.parquet, "query.parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                label, read, name, mime, icon=":material/download:", on_click="ignore", key=f"query_{label.lower()}"
            )
        st.caption(told(outcome, len(frame)))


def told(outcome: Outcome, shown: int) -> str:
    """How many rows there are, and what of them is seen and what downloaded."""
    number = f"{outcome.rows:,} row{'s' * (outcome.rows != 1)}"
    words = [f"{number} in {outcome.seconds:.2f} s." if outcome.whole else f"More than {number}."]
    if shown < outcome.rows or not outcome.whole:
        kept = "all rows" if outcome.whole else f"the first {outcome.rows:,}, as many as are kept"
        words.append(f"The first {shown:,} are shown; the downloads have {kept}.")
    if outcome.cells_cut:
        words.append("Long texts and lists are cut here, and whole in the downloads.")
    return " ".join(words)


def freshness(query: Query) -> None:
    """How old the copy of the store is that the query read."""
    st.fragment(_freshness, run_every=every(5))(query)


@guarded
def _freshness(query: Query) -> None:
    if query.snapshot is None:
        return
    newer = desk().snapshots.outdated()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.caption(
            f":material/photo_camera: the store as of {query.snapshot.taken_at:%H:%M:%S} UTC, "
            f"{span(age(query.snapshot.taken_at))} ago" + ("" if newer else "; nothing new since"),
            width="content",
        )
        if st.button(
            "Refresh", icon=":material/refresh:", type="tertiary", key="query_refresh", disabled=not newer,
            help="Run it on a new copy of the store. A run takes a new copy by itself now and then.",
        ):  # fmt: skip
            start(query.sql, fresh=True)
            st.rerun()


def chart(frame: pd.DataFrame, shown: dict[str, str]) -> None:
    """Choices of kind and columns, all in the address, and the chart."""
    numbers = charts.numeric(frame)
    if frame.empty or not numbers:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = _kind(shown)
        if kind is None:
            return
        axes, colours = charts.axes(frame), [charts.PLAIN, *charts.groupings(frame)]
        x = _column("x", shown, axes, axes[0])
        y = _column("y", shown, numbers, next((name for name in reversed(numbers) if name != x), numbers[0]))
        colour = _column("colour", shown, colours, charts.PLAIN)
    used = list(dict.fromkeys(name for name in (x, y, colour) if name))
    drawn = charts.thinned(frame[used], kind)
    show(
        draw(charts.result_chart, drawn, kind, x, y, colour), key="query_chart",
        alt=f"{kind.capitalize()} chart of {y} by {x}" + (f", coloured by {colour}" if colour else ""),
    )  # fmt: skip
    if len(drawn) < len(frame):
        how = "the first" if kind == "bar" else "evenly chosen"
        st.caption(f"{len(drawn):,} of the {len(frame):,} rows below are drawn, {how}.")


def _kind(shown: dict[str, str]) -> str | None:
    """Which chart, if any."""
    wanted = shown.get("chart")
    wanted = wanted if wanted in charts.KINDS else None
    key = f"query_chart_{wanted}"
    st.segmented_control(
        "Chart", charts.KINDS, default=wanted, key=key, format_func=str.capitalize, width="content",
        help="Press the chosen one again for no chart.", on_change=_changed, args=("chart", key),
    )  # fmt: skip
    return wanted


def _column(name: str, shown: dict[str, str], options: list[str], default: str) -> str:
    """A box for one column, named after what it shows; a column that this result has not counts as not said."""
    wanted = shown.get(name, default)
    wanted = wanted if wanted in options else default
    key = f"query_{name}_{wanted}"
    st.selectbox(
        name, options, index=options.index(wanted), key=key, on_change=_changed, args=(name, key), width=220,
        format_func=lambda option: option or "one colour",
    )  # fmt: skip
    return wanted


def _changed(name: str, key: str) -> None:
    choose(**{name: st.session_state[key] or ""})
