"""One-vs-rest ROC curves with the area under each in the legend."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

_AVERAGES = {"micro": "dash", "macro": "dot"}


def roc(curves: pd.DataFrame) -> go.Figure:
    """`curves` has a row a point: name, false_positive_rate, true_positive_rate, auc.

    The names "micro" and "macro" are the averages and drawn quietly; all others are classes, in their order.
    """
    if curves.empty:
        return palette.empty("Without the probabilities of single images there is no curve.", height=180)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": palette.faded(palette.QUIET, 0.5), "width": 1, "dash": "dot"},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    classes = [name for name in curves["name"].unique() if name not in _AVERAGES]
    for name, points in curves.groupby("name", sort=False):
        line = {"color": palette.QUIET, "width": 2, "dash": _AVERAGES.get(str(name))}
        if name in classes:
            index = classes.index(name)
            line = {"color": palette.class_colour(index), "width": 2.5, "dash": palette.class_dash(index)}
        figure.add_scatter(
            x=points["false_positive_rate"],
            y=points["true_positive_rate"],
            mode="lines",
            line=line,
            name=f"{name} (AUC {points['auc'].iloc[0]:.4f})",
            hovertemplate=f"{name}<br>1 - specificity %{{x:.4f}}<br>sensitivity %{{y:.4f}}<extra></extra>",
        )
    palette.finish(figure, height=430, legend={"x": 0.98, "xanchor": "right", "y": 0.04, "yanchor": "bottom"})
    figure.update_xaxes(title="1 - specificity", range=[-0.02, 1.02])
    figure.update_yaxes(title="sensitivity", range=[-0.02, 1.03])
    return figure
