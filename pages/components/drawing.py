"""Charts, drawn anew only when what they show has changed: live parts ask for them every two seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def draw(chart: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The figure of `chart(*arguments, **options)`, kept for equal arguments."""
    return _draw(f"{chart.__module__}.{chart.__qualname__}", chart, arguments, options)


@st.cache_resource(max_entries=64, show_spinner=False)  # a figure is only read, and copying one costs as much
def _draw(name: str, _chart: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return _chart(*arguments, **options)
