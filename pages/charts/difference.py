"""The difference of two confusion matrices: where one model does better than another, and where worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette


def difference(first: pd.DataFrame, second: pd.DataFrame, classes: list[str], names: tuple[str, str]) -> go.Figure:
    """First less second, cell by cell; blue where the first does better, magenta where it does worse.

    `first` and `second` have columns true_class, predicted_class and count. Where both rest on the same number of
    images of each class the cells are images, else percentage points of the true class.
    """
    one, other = matrix(first, classes), matrix(second, classes)
    counted = same_support(first, second, classes)
    cells = (one - other).astype(float) if counted else 100 * (_shares(one) - _shares(other))
    gain = np.where(np.eye(len(classes), dtype=bool), cells, -cells)  # more on the diagonal is better, elsewhere worse
    most = max(float(np.abs(cells).max(initial=0)), 1e-9)
    faintest = 0.5 / 250  # of the colour scale, to both sides of no difference
    figure = go.Figure()
    figure.add_heatmap(
        z=gain, x=classes, y=classes, zmin=-most, zmax=most, xgap=3, ygap=3, showscale=False,
        colorscale=[
            [0, palette.BAD], [0.5 - faintest, palette.faded(palette.BAD, 0.7)],
            [0.5 - faintest, palette.faded(palette.QUIET, 0.1)], [0.5 + faintest, palette.faded(palette.QUIET, 0.1)],
            [0.5 + faintest, palette.faded(palette.ACCENT, 0.7)], [1, palette.ACCENT],
        ],  # strong from the first image on, so that white text can be read on it in light and dark
        customdata=np.dstack([one, other]),
        hovertemplate=(
            f"true %{{y}}, called %{{x}}<br>{names[0]}: %{{customdata[0]}} images"
            f"<br>{names[1]}: %{{customdata[1]}} images<extra></extra>"
        ),
    )  # fmt: skip
    notes: list[dict[str, Any]] = []
    for row, true in enumerate(classes):
        for column, called in enumerate(classes):
            cell = cells[row, column]
            zero = abs(cell) < 0.05
            text = "0" if zero else f"<b>{cell:+.0f}</b>" if counted else f"<b>{cell:+.1f}</b>"
            font = {"size": 15} if zero else {"size": 15, "color": "#ffffff"}
            notes.append({"x": called, "y": true, "text": text.replace("-", "−"), "showarrow": False, "font": font,
                          "opacity": 0.45 if zero else 1})  # fmt: skip
    figure.update_layout(annotations=notes)
    palette.finish(figure, height=max(330, 90 + 62 * len(classes)))
    figure.update_xaxes(title="called", showgrid=False)
    figure.update_yaxes(title="true", autorange="reversed", showgrid=False)
    return figure


def matrix(counts: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """Counts (C, C), row = true class, in the order of `classes`; 0 where there is no row."""
    table = counts.pivot_table(index="true_class", columns="predicted_class", values="count", aggfunc="sum")
    counted: np.ndarray = table.reindex(index=classes, columns=classes).fillna(0).to_numpy(dtype=np.int64)
    return counted


def same_support(first: pd.DataFrame, second: pd.DataFrame, classes: list[str]) -> bool:
    """Whether both matrices have as many images of each true class."""
    return bool((matrix(first, classes).sum(axis=1) == matrix(second, classes).sum(axis=1)).all())


def _shares(counts: np.ndarray) -> np.ndarray:
    totals = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    return shares
