"""One-vs-rest ROC curves with the area under each in the legend."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

AVERAGES = {"micro": "dash", "macro": "dot"}
_MOST_INSIDE = 9  # entries of a legend that leaves the curves free


def roc(curves: pd.DataFrame, areas: Mapping[str, str]) -> go.Figure:
    """`curves` has a row a point: name, false_positive_rate, true_positive_rate; `areas` the legend's words on each.

    The names "micro" and "macro" are the averages and drawn quietly; all others are classes, in their order.
    """
    if curves.empty:
        return palette.empty("Without the probabilities of single images there is no curve.", height=180)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": palette.faded(palette.QUIET, 0.5), "width": 1, "dash": "dot"},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for name, points, line in lines(curves):
        figure.add_scatter(
            x=points["false_positive_rate"],
            y=points["true_positive_rate"],
            mode="lines",
            line=line,
            name=f"{name} {areas.get(name, '')}",
            hovertemplate=f"{name}<br>1 - specificity %{{x:.4f}}<br>sensitivity %{{y:.4f}}<extra></extra>",
        )
    inside(figure, curves["name"].nunique(), "AUC (95 % interval)")
    figure.update_xaxes(title="1 - specificity", range=[-0.02, 1.02])
    figure.update_yaxes(title="sensitivity", range=[-0.02, 1.03])
    return figure


def lines(curves: pd.DataFrame) -> list[tuple[str, pd.DataFrame, dict[str, object]]]:
    """(name, points, line) of each curve: classes in their colours, the averages quiet."""
    classes = [name for name in curves["name"].unique() if name not in AVERAGES]
    out = []
    for name, points in curves.groupby("name", sort=False):
        line: dict[str, object] = {"color": palette.QUIET, "width": 2, "dash": AVERAGES.get(str(name))}
        if name in classes:
            index = classes.index(name)
            line = {"color": palette.class_colour(index), "width": 2.5, "dash": palette.class_dash(index)}
        out.append((str(name), points, line))
    return out


def inside(figure: go.Figure, entries: int, title: str, *, left: bool = False) -> None:
    """The common layout: the legend in the corner that good curves leave free, or below where it would not fit."""
    if entries <= _MOST_INSIDE:
        side = {"x": 0.02, "xanchor": "left"} if left else {"x": 0.98, "xanchor": "right"}
        place = {"orientation": "v", "y": 0.04, "yanchor": "bottom", **side}
        palette.finish(figure, height=430, legend=place)
    else:
        place = {"orientation": "v", "y": -0.14, "yanchor": "top", "x": 0, "xanchor": "left"}
        palette.finish(figure, height=450 + 20 * entries, legend=place)
    figure.update_layout(legend_title={"text": title})
