"""Accuracies of a fusion and its members with their intervals, validation and test on one scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.decisions import SPLIT_LOOK


def fusion_accuracies(table: pd.DataFrame) -> go.Figure:
    """`table` has a row a split ("validation", "test") and model: split, model, value, low, high, right, n.

    The first model is the fusion; a faint line at its value makes the others comparable.
    """
    if table.empty:
        return palette.empty("Choose members to see what they do.", height=220)
    models = list(dict.fromkeys(table["model"]))
    figure = go.Figure()
    for split, rows in table.groupby("split", sort=False):
        look = SPLIT_LOOK[str(split)]
        rows = rows.set_index("model").reindex(models)
        line = {"color": palette.faded(look["color"], 0.5), "dash": "dot"}
        palette.upright(figure, float(rows["value"].iloc[0]), line)
        figure.add_scatter(
            x=rows["value"],
            y=[index + look["offset"] for index in range(len(models))],
            mode="markers",
            name=str(split),
            marker={
                "size": [13] + [9] * (len(models) - 1),
                "opacity": 1,
                "color": look["color"],
                "symbol": look["symbol"],
                "line": {"width": 2, "color": look["color"]},
            },
            error_x={
                **palette.error_bars(rows["value"], rows["low"], rows["high"]),
                "color": palette.faded(look["color"], 0.75),
                "thickness": 2,
                "width": 4,
            },
            customdata=np.c_[models, rows[["low", "high", "right", "n"]].to_numpy()],
            hovertemplate=(
                f"%{{customdata[0]}}, {split}<br>accuracy %{{x:.4f}}"
                "<br>95 % interval %{customdata[1]:.4f} to %{customdata[2]:.4f}"
                "<br>%{customdata[3]} of %{customdata[4]} images<extra></extra>"
            ),
        )
    palette.finish(figure, height=110 + 44 * len(models), showlegend=True, hovermode="closest")
    least = float(table["low"].min())
    margin = 0.04 * max(1 - least, 0.01)
    figure.update_xaxes(title="accuracy", nticks=8, range=[least - margin, 1 + margin])
    labels = [f"<b>{models[0]}</b>", *models[1:]]
    figure.update_yaxes(
        range=[len(models) - 0.5, -0.5], tickvals=list(range(len(models))), ticktext=labels, showgrid=False,
        ticksuffix="  ",
    )  # fmt: skip
    return figure
