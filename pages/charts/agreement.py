"""How often an expert agrees with a model, a class a row, with intervals."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.panels import class_marks, row_of_panels

PANELS = {"called": "of what the model calls it", "expert": "of what the expert calls it"}


def agreement(shares: pd.DataFrame) -> go.Figure:
    """`shares` has a row a class and side: class, side (a key of PANELS), value, low, high (in [0, 1]), agreed, n.

    A class that a side never names (n 0) has no mark there.
    """
    if shares.empty:
        return palette.empty("No image on which both name one class has been reviewed yet.", height=150)
    classes = list(dict.fromkeys(shares["class"]))
    of_each = [shares[(shares["side"] == side) & (shares["n"] > 0)] for side in PANELS]
    traces = [[class_marks(rows, classes, counted="agreed", digits=3)] for rows in of_each]
    figure = row_of_panels(
        traces, list(PANELS.values()), spacing=0.05, x=[{"range": [-0.03, 1.03], "tickformat": ".0%"}] * len(PANELS),
        y={
            "autorange": "reversed", "type": "category", "categoryorder": "array", "categoryarray": classes,
            "ticksuffix": "  ",
        },
    )  # fmt: skip
    return palette.finish(figure, height=90 + 44 * len(classes), margin={"l": 8, "r": 8, "t": 36, "b": 8})
