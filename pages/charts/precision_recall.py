"""One-vs-rest precision-recall curves with the average precision of each in the legend."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.roc import inside, lines


def precision_recall(curves: pd.DataFrame, areas: Mapping[str, str]) -> go.Figure:
    """`curves` has a row a point: name, recall, precision, share; `areas` the words on each in the legend.

    The share of the positives is what a score that knows nothing would reach at any recall; the hover text names it.
    """
    if curves.empty:
        return palette.empty("Without the probabilities of single images there is no curve.", height=180)
    figure = go.Figure()
    for name, points, line in lines(curves):
        share = float(points["share"].iloc[0])
        figure.add_scatter(
            x=points["recall"],
            y=points["precision"],
            mode="lines",
            line={**line, "shape": "hv"},  # each precision holds for the gain in recall up to it
            name=f"{name} {areas.get(name, '')}",
            hovertemplate=f"{name} ({share:.1%} of the decisions)<br>recall %{{x:.4f}}<br>precision %{{y:.4f}}"
            "<extra></extra>",
        )
    inside(figure, curves["name"].nunique(), "average precision (95 % interval)", left=True)
    figure.update_xaxes(title="recall", range=[-0.02, 1.02])
    figure.update_yaxes(title="precision", range=[-0.02, 1.03])
    return figure
