"""Margins that are wide enough from the start.

Plotly draws a chart, measures its labels, and where the margins were too narrow draws it again with wider ones. The
estimate below makes that rare; where it falls short, plotly's `automargin` still helps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

# px, of Streamlit's theme in Chromium: tick labels of 11.25 px, titles of 13.5 px with their distance.
LABEL, CHARACTER = 14, 5.6  # of tick labels: what stands around them, and the width of a character
ROW = 36  # a row of tick labels below a plot
TITLE = {"x": 28, "y": 39}
LEGEND = 48  # one row above the plot
OVERHANG = 18  # of the last tick label, to the right, where the axis ends with the data
NUMBER = "0.0"  # as long as most labels of a numeric axis

_TAG = re.compile(r"<[^>]*>")


def with_room(figure: go.Figure) -> go.Figure:
    """The figure, its margins at least as wide as tick labels, axis titles and a legend above it probably need."""
    if not any("xaxis" in trace for trace in figure.data):  # nothing is drawn against axes
        return figure
    layout = figure.layout.to_plotly_json()
    x, y = _axes(layout, "xaxis"), _axes(layout, "yaxis")
    texts = _categories(figure)
    needed = {
        "l": max((_width(axis, texts.get(name, [NUMBER])) for name, axis in y.items()), default=0),
        "b": max((ROW + TITLE["x"] * _titled(axis) for axis in x.values()), default=0),
        "t": LEGEND if layout.get("showlegend") and _above(layout) else 0,
        "r": OVERHANG if any(axis.get("range") is None for axis in x.values()) else 0,
    }
    margin = layout.get("margin", {})
    figure.layout.margin = {**margin, **{side: max(px, margin.get(side, 0)) for side, px in needed.items()}}
    return figure


def _axes(layout: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    """The axes that show labels on the left or below, by the name that traces call them: x, x2, ..."""
    found = {name.replace("axis", ""): axis for name, axis in layout.items() if name.startswith(kind)}
    return {
        name: axis
        for name, axis in found.items()
        if axis.get("visible") is not False
        and axis.get("showticklabels") is not False
        and axis.get("side") not in ("top", "right")
    }


def _categories(figure: go.Figure) -> dict[str, list[str]]:
    """The texts that traces put on each y axis; none of axes with numbers."""
    texts: dict[str, list[str]] = {}
    for trace in figure.data:
        named = _named(trace["y"]) if "y" in trace else []
        if named:
            texts.setdefault(trace["yaxis"] or "y", []).extend(named)
    return texts


def _named(values: Any) -> list[str]:
    if isinstance(values, np.ndarray) and values.dtype.kind not in "OU":
        return []  # numbers, of which there may be many
    return [value for value in values if isinstance(value, str)] if isinstance(values, np.ndarray | tuple) else []


def _width(axis: Mapping[str, Any], texts: Iterable[str]) -> int:
    labels = axis.get("ticktext")
    longest = max((len(line) for text in (texts if labels is None else labels) for line in _lines(text)), default=0)
    longest += len(axis.get("ticksuffix") or "")
    return round(LABEL + CHARACTER * longest) + TITLE["y"] * _titled(axis)


def _lines(text: Any) -> Iterator[str]:
    return (_TAG.sub("", line) for line in str(text).split("<br>"))


def _titled(axis: Mapping[str, Any]) -> bool:
    return bool((axis.get("title") or {}).get("text"))


def _above(layout: Mapping[str, Any]) -> bool:
    legend = layout.get("legend", {})
    return legend.get("orientation") == "h" and (legend.get("y") or 0) >= 1
