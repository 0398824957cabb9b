"""How often an expert agrees with a model, a class a row, with intervals."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.panels import Trace, row_of_panels

PANELS = {"called": "of what the model calls it", "expert": "of what the expert calls it"}


def agreement(shares: pd.DataFrame) -> go.Figure:
    """`shares` has a row a class and side: class, side (a key of PANELS), value, low, high (in [0, 1]), agreed, n.

    A class that a side never names (n 0) has no mark there.
    """
    if shares.empty:
        return palette.empty("No image on which both name one class has been reviewed yet.", height=150)
    classes = list(dict.fromkeys(shares["class"]))
    traces = [[_marks(shares[(shares["side"] == side) & (shares["n"] > 0)], classes)] for side in PANELS]
    figure = row_of_panels(
        traces, list(PANELS.values()), spacing=0.05, x=[{"range": [-0.03, 1.03], "tickformat": ".0%"}] * len(PANELS),
        y={
            "autorange": "reversed", "type": "category", "categoryorder": "array", "categoryarray": classes,
            "ticksuffix": "  ",
        },
    )  # fmt: skip
    return palette.finish(figure, height=90 + 44 * len(classes), margin={"l": 8, "r": 8, "t": 36, "b": 8})


def _marks(rows: pd.DataFrame, classes: list[str]) -> Trace:
    at = [classes.index(name) for name in rows["class"]]
    return {
        "type": "scatter", "x": rows["value"], "y": rows["class"], "mode": "markers", "showlegend": False,
        "marker": {
            "size": 11, "color": [palette.class_colour(one) for one in at],
            "symbol": [palette.class_symbol(one) for one in at],
        },
        "error_x": {
            **palette.error_bars(rows["value"], rows["low"], rows["high"]), "color": palette.QUIET, "thickness": 2,
            "width": 5,
        },
        "customdata": rows[["low", "high", "agreed", "n"]].to_numpy(),
        "hovertemplate": (
            "%{y}<br>%{x:.3f} (95 % interval %{customdata[0]:.3f} to %{customdata[1]:.3f})"
            "<br>%{customdata[2]} of %{customdata[3]} images<extra></extra>"
        ),
    }  # fmt: skip
