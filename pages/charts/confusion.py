"""The confusion matrix, as counts or as shares of its rows or columns; each cell can be picked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.charts import palette

COUNTS, ROWS, COLUMNS = "counts", "rows", "columns"


def confusion(
    counts: pd.DataFrame, classes: list[str], show: str = COUNTS, picked: tuple[str, str] | None = None
) -> go.Figure:
    """`counts` has columns true_class, predicted_class (names) and count; `classes` gives the order.

    `show` is what the cells say: counts, or the share of their row (of the true class: recall) or column (of what was
    called so: precision). The shade is that share; of counts it is the row's. `picked` (true, called) gets a frame.
    """
    if counts.empty:
        return palette.empty("No confusion matrix for this choice.", height=430)
    matrix = (
        counts.pivot_table(index="true_class", columns="predicted_class", values="count", aggfunc="sum")
        .reindex(index=classes, columns=classes)
        .fillna(0)
        .to_numpy(dtype=np.int64)
    )
    by_row, by_column = _shares(matrix, 1), _shares(matrix, 0)
    shade = by_column if show == COLUMNS else by_row
    right = np.eye(len(classes), dtype=bool)
    figure = go.Figure()
    for colour, part in ((palette.ACCENT, right), (palette.BAD, ~right)):
        figure.add_heatmap(
            z=np.where(part, shade, np.nan),
            x=classes,
            y=classes,
            zmin=0,
            zmax=1,
            xgap=3,
            ygap=3,
            showscale=False,
            # A single image in the wrong cell must be seen: the scale starts with a step.
            colorscale=[
                [0, palette.faded(palette.QUIET, 0.08)],
                [1e-6, palette.faded(colour, 0.12)],
                [1, palette.faded(colour, 1)],
            ],
            hoverinfo="skip",
            hoverongaps=False,
        )
    cells = [(row, column) for row in range(len(classes)) for column in range(len(classes))]
    figure.add_scatter(  # a heat map answers no click; these see-through squares do
        x=[classes[column] for _, column in cells],
        y=[classes[row] for row, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 44, "color": "rgba(0,0,0,0)"},
        customdata=[
            (classes[row], classes[column], int(matrix[row, column]), by_row[row, column], by_column[row, column])
            for row, column in cells
        ],
        hovertemplate="true %{y}, called %{x}<br>%{customdata[2]} images<br>%{customdata[3]:.1%} of the true class"
        "<br>%{customdata[4]:.1%} of what was called so<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(annotations=[_label(classes, row, column, matrix, shade, show) for row, column in cells])
    palette.finish(figure, height=max(330, 90 + 62 * len(classes)), hoverdistance=60)
    if picked is not None and set(picked) <= set(classes):
        row, column = classes.index(picked[0]), classes.index(picked[1])
        figure.add_shape(
            type="rect", x0=column - 0.47, x1=column + 0.47, y0=row - 0.46, y1=row + 0.46,
            line={"color": palette.WARM, "width": 3},
        )  # fmt: skip
    figure.update_xaxes(title="called", showgrid=False, range=[-0.5, len(classes) - 0.5])
    figure.update_yaxes(title="true", range=[len(classes) - 0.5, -0.5], showgrid=False)
    return figure


def _shares(matrix: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
    totals = matrix.sum(axis=axis, keepdims=True)
    shares: NDArray[np.float64] = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    return shares


def _label(
    classes: list[str], row: int, column: int, matrix: NDArray[np.int64], shade: NDArray[np.float64], show: str
) -> dict[str, object]:
    count, share = int(matrix[row, column]), float(shade[row, column])
    text = f"{count:,}" if show == COUNTS else f"{share:.1%}"
    font: dict[str, object] = {"size": 15 if len(classes) <= 8 else 12}
    if share > 0.5:
        font["color"] = "#ffffff"
    elif count and row != column:
        font["color"] = palette.BAD  # as dark on the light page as it is bright on the dark one
    return {
        "x": classes[column], "y": classes[row], "text": f"<b>{text}</b>" if count else text.replace("0.0%", "0 %"),
        "showarrow": False, "font": font, "opacity": 1 if count else 0.45,
    }  # fmt: skip
