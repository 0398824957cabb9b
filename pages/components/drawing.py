"""Charts on a page: drawn anew only when what they show has changed, in a place that is kept free from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.charts.room import with_room
from pages.components import export


def draw(chart: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The figure of `chart(*arguments, **options)`, kept for equal arguments: live parts ask every two seconds."""
    return _draw(f"{chart.__module__}.{chart.__qualname__}", chart, arguments, options)


@st.cache_resource(max_entries=64, show_spinner=False)  # a figure is only read, and copying one costs as much
def _draw(name: str, _chart: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return with_room(_chart(*arguments, **options))


def show(figure: Any, *, key: str, alt: str, place: Any = st, on_select: Any = "ignore") -> None:
    """Put a figure on the page, or into `place`, with its exports.

    Its height is given, so that nothing moves (and no open menu closes) when the browser is done with drawing.
    """
    with place.container(key=f"figure_{key}", gap=None):
        st.plotly_chart(
            figure, key=key, alt=alt, height=int(figure.layout.height), config=export.tools(key),
            on_select=on_select, selection_mode="points",
        )  # fmt: skip
        export.button(figure, key=key, title=alt)
