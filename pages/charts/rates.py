"""Per-class rates with their Wilson intervals, side by side on one scale."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.panels import class_marks, row_of_panels

PANELS = {"recall": "recall (sensitivity)", "precision": "precision", "specificity": "specificity"}


def class_rates(rates: pd.DataFrame) -> go.Figure:
    """`rates` has a row a class and rate: class, rate (a key of PANELS), value, low, high, successes, n.

    Dots and intervals rather than bars from zero: the classes differ where bars would all look full.
    """
    if rates.empty:
        return palette.empty("No per-class rates for this choice.", height=300)
    classes = list(dict.fromkeys(rates["class"]))
    of_each = [rates[rates["rate"] == rate].set_index("class").reindex(classes).reset_index() for rate in PANELS]
    traces = [[class_marks(rows, classes, counted="successes", digits=4)] for rows in of_each]
    least = float(rates["low"].min())
    x = {"range": [max(0.0, least - 0.02), 1.01 if least > 0.5 else 1.03], "tickformat": ".2f"}
    figure = row_of_panels(
        traces, list(PANELS.values()), spacing=0.035, x=[x] * len(PANELS), y={"autorange": "reversed"}
    )
    return palette.finish(figure, height=90 + 46 * len(classes), margin={"l": 8, "r": 8, "t": 36, "b": 8})
