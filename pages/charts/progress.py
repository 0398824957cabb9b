"""How far a search is from its stop, and the best that it has found: DE_COUNT against patience, best so far."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.search.state import OFF_PATH
from pages.charts import palette
from pages.charts.wording import change, missing, point, share


def de_count(cycles: pd.DataFrame, patience: int) -> go.Figure:
    """DE_COUNT after each cycle, and the patience at which the search stops. `cycles` as from `queries.cycles`."""
    figure = go.Figure()
    steps = [0, *(int(cycle) for cycle in cycles["cycle"] if cycle != 0)]
    counts = [0, *(int(count) for cycle, count in zip(cycles["cycle"], cycles["de_count"], strict=True) if cycle != 0)]
    figure.add_scatter(
        x=steps,
        y=counts,
        mode="lines+markers",
        line={"color": palette.ACCENT, "width": 2.5, "shape": "hv"},
        marker={"size": 9},
        name="DE_COUNT",
        hovertemplate="cycle %{x}: DE_COUNT %{y}<extra></extra>",
    )
    palette.level(figure, patience, {"color": palette.BAD, "width": 2, "dash": "dash"})
    figure.add_annotation(
        text=f"patience {patience}: the search stops here", showarrow=False,
        xref="x domain", x=0, xanchor="left", y=patience, yanchor="bottom",
    )  # fmt: skip
    palette.finish(figure, height=230, showlegend=False)
    figure.update_xaxes(title="cycle", dtick=1 if len(steps) < 20 else None, range=[-0.2, max(steps[-1], 3) + 0.2])
    figure.update_yaxes(title="DE_COUNT", range=[-0.15, patience + 0.55], dtick=1 if patience < 8 else None)
    return figure


def best_so_far(trials: pd.DataFrame) -> go.Figure:
    """Validation accuracy of every trial in the order asked, its 95 % interval, and the best up to each.

    `trials` as from `queries.trials` with the columns `val_low` and `val_high` (NaN where the images are unknown).
    """
    told = trials[
        ~trials["coordinate"].isin(OFF_PATH) & trials["val_accuracy"].notna() & (trials["status"] == "COMPLETE")
    ]
    if told.empty:
        return palette.empty("No trial has finished yet.", height=230)
    order = pd.Series(range(1, len(told) + 1), index=told.index)
    hover = pd.Series([_hover(row) for row in told.to_dict("records")], index=told.index)
    accuracy = told["val_accuracy"].astype(float)
    above = (told["val_high"].astype(float) - accuracy).clip(lower=0).fillna(0)
    below = (accuracy - told["val_low"].astype(float)).clip(lower=0).fillna(0)
    floor = _floor(accuracy)
    off = accuracy < floor
    figure = go.Figure()
    figure.add_scatter(
        x=order,
        y=accuracy.cummax().clip(lower=floor),
        mode="lines",
        line={"color": palette.WARM, "width": 2.5, "shape": "hv"},
        name="best so far",
        hovertemplate="best so far %{y:.4f}<extra></extra>",
    )
    for inside, symbol, at in ((~off, "circle", accuracy), (off, "triangle-down", accuracy.clip(lower=floor))):
        figure.add_scatter(
            x=order[inside],
            y=at[inside],
            mode="markers",
            marker={"color": palette.ACCENT, "size": 8 if symbol == "circle" else 11, "symbol": symbol},
            error_y={
                "array": above[inside],
                "arrayminus": below[inside],
                "visible": symbol == "circle",
                "color": palette.faded(palette.ACCENT, 0.55),
                "thickness": 1.5,
            },
            hovertext=hover[inside],
            hoverinfo="text",
            name="a trial, with its 95 % interval",
            showlegend=symbol == "circle",
        )
    palette.finish(figure, height=230, showlegend=True)
    figure.update_xaxes(title="finished trials", dtick=1 if len(order) < 20 else None)
    figure.update_yaxes(title="val accuracy")
    if off.any():
        text = "a triangle lies below the axis; hover it for its value"
        figure.add_annotation(
            text=text,
            x=1,
            y=0.02,
            xref="paper",
            yref="paper",
            xanchor="right",
            yanchor="bottom",
            showarrow=False,
            opacity=0.75,
        )
    return figure


def _floor(accuracy: pd.Series[float]) -> float:
    """The lowest accuracy drawn at its place: one trial that went wrong must not flatten all the others."""
    low, high = float(accuracy.quantile(0.25)), float(accuracy.max())
    return max(float(accuracy.min()), low - 2 * max(high - low, 0.02))


def _hover(row: dict[Hashable, Any]) -> str:
    interval = "" if missing(row["val_low"]) else f" ({share(row['val_low'])} to {share(row['val_high'])})"
    return (
        f"<b>{change(row)}</b>, cycle {row['cycle']}<br>{point(row)}"
        f"<br>val accuracy {share(row['val_accuracy'])}{interval}"
    )
