"""Colours and layout that every chart shares.

The colours have a contrast of 3:1 or more on the light and on the dark background, and the first five stay apart under
protanopia, deuteranopia and tritanopia; line dashes and marker symbols repeat what a colour says. Text, grid and
background are left to Streamlit's theme, so a figure need not know whether it is shown light or dark.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

SERIES = ("#5562bd", "#d67d12", "#0d9a9a", "#c02a6f", "#7f6630", "#9a4fd0", "#5b8c2a")
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x")

ACCENT = SERIES[0]  # what was chosen, and training
WARM = SERIES[1]  # what is best, and validation
BAD = SERIES[3]  # what failed, and limits
QUIET = "#868c98"  # what is only context

TRAIN, VALIDATION = ACCENT, WARM


def class_colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def class_dash(index: int) -> str:
    """Repeats the colour in another form: the first seven classes differ in colour, the next seven in dash too."""
    return DASHES[(index // len(SERIES)) % len(DASHES)] if index >= len(SERIES) else "solid"


def class_symbol(index: int) -> str:
    return SYMBOLS[index % len(SYMBOLS)]


def faded(colour: str, opacity: float) -> str:
    """The colour `#rrggbb` with an opacity in [0, 1]."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def error_bars(value: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, pd.Series]:
    """The lengths of a figure's error bars from an interval's ends: what rounding puts beyond the value is 0."""
    return {"array": (high - value).clip(lower=0), "arrayminus": (value - low).clip(lower=0)}


_AXIS = {"automargin": True, "fixedrange": False, "zeroline": False}
_LAYOUT: dict[str, Any] = {
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "uirevision": "kept",
    "hoverlabel": {"align": "left"},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
    "dragmode": False,
}


def finish(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """The common layout. `uirevision` keeps a viewer's zoom and hidden lines when new data arrive."""
    known = figure.layout.to_plotly_json()
    axes = {name: _AXIS for name in {"xaxis", "yaxis", *known} if name.startswith(("xaxis", "yaxis"))}
    # Key by key: `update_layout` and `update_xaxes` come to the same, but each call prepares the whole figure for what
    # a widget would have to be told, which takes longer than all else here, on every chart.
    for key, value in _merged(_merged({**_LAYOUT, "height": height}, axes), layout).items():
        figure.layout[key] = _merged(known.get(key), value)
    return figure


def _merged(below: Any, above: Any) -> Any:
    """`above`, and where both are dicts what only `below` has, at any depth."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def level(figure: go.Figure, y: float, line: dict[str, Any], *, layer: str | None = None) -> None:
    """A horizontal line across the whole plot: `add_hline` without its search through all subplots."""
    figure.add_shape(type="line", xref="x domain", x0=0, x1=1, y0=y, y1=y, line=line, layer=layer)


def upright(figure: go.Figure, x: float, line: dict[str, Any], *, layer: str | None = None) -> None:
    """A vertical line across the whole plot, as `level`."""
    figure.add_shape(type="line", yref="y domain", y0=0, y1=1, x0=x, x1=x, line=line, layer=layer)


def unfading(figure: go.Figure) -> go.Figure:
    """For a chart whose points are picked: the point's own ring says which, so the others need not fade."""
    figure.update_traces(
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}}, selector={"type": "scatter"}
    )
    return figure


def empty(sentence: str, *, height: int) -> go.Figure:
    """A calm blank with one sentence, where a chart will be."""
    figure = go.Figure()
    figure.add_annotation(text=sentence, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", opacity=0.7)
    finish(figure, height=height)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
