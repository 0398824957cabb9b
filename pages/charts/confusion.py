"""The confusion matrix: counts, and the share of each true class as shade."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette


def confusion(counts: pd.DataFrame, classes: list[str]) -> go.Figure:
    """`counts` has columns true_class, predicted_class (names) and count; `classes` gives the order."""
    if counts.empty:
        return palette.empty("No confusion matrix for this choice.", height=430)
    matrix = (
        counts.pivot_table(index="true_class", columns="predicted_class", values="count", aggfunc="sum")
        .reindex(index=classes, columns=classes)
        .fillna(0)
        .to_numpy(dtype=np.int64)
    )
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    figure = go.Figure()
    figure.add_heatmap(
        z=shares,
        x=classes,
        y=classes,
        zmin=0,
        zmax=1,
        xgap=3,
        ygap=3,
        showscale=False,
        colorscale=[[0, palette.faded(palette.ACCENT, 0.06)], [1, palette.faded(palette.ACCENT, 1)]],
        customdata=matrix,
        hovertemplate="true %{y}<br>called %{x}<br>%{customdata} images, %{z:.1%} of the true class<extra></extra>",
    )
    notes = []
    for row, true in enumerate(classes):
        for column, called in enumerate(classes):
            count = int(matrix[row, column])
            strong = shares[row, column] > 0.5
            notes.append(
                {
                    "x": called, "y": true, "text": f"<b>{count}</b>" if count else "0", "showarrow": False,
                    "font": {"size": 15, "color": "#ffffff"} if strong else {"size": 15},
                    "opacity": 1 if count else 0.45,
                }
            )  # fmt: skip
    figure.update_layout(annotations=notes)
    palette.finish(figure, height=max(330, 90 + 62 * len(classes)))
    figure.update_xaxes(title="called", showgrid=False)
    figure.update_yaxes(title="true", autorange="reversed", showgrid=False)
    return figure
