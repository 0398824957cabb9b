"""How trials do on their own test images against how they do elsewhere: a point a trial, with both intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

CROWDED = 12  # more points than this stand without their intervals, which would cover them
PLAIN_MANY = len(palette.SYMBOLS)  # more backbones than this repeat the symbols, as outlines


def outcome_scatter(points: pd.DataFrame, *, upward: str) -> go.Figure:
    """`points` has a row a trial: name, backbone, recipe, x, x_low, x_high (test accuracy), y, y_low, y_high, what.

    Coloured by recipe, shaped by backbone (of one backbone, by recipe where the colours repeat). `upward` is what y is,
    `what` says it of one trial.
    """
    if points.empty:
        return palette.empty("None of these trials has both a test accuracy and a result on other looks.", height=220)
    recipes, backbones = list(points["recipe"].unique()), list(points["backbone"].unique())
    figure = go.Figure()
    low, high = float(points["x"].min()), float(points["x"].max())  # no wider: what matters upwards is at the right
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", hoverinfo="skip", name="as good as in the set",
        line={"color": palette.QUIET, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    for (backbone, recipe), own in points.groupby(["backbone", "recipe"], sort=False):
        place = recipes.index(recipe)
        colour = palette.class_colour(place)
        shape = backbones.index(backbone) if len(backbones) > 1 else place // len(palette.SERIES)
        bars = {"color": palette.faded(colour, 0.5), "thickness": 1.5, "width": 3, "visible": len(points) <= CROWDED}
        figure.add_scatter(
            x=own["x"], y=own["y"], mode="markers", name=_name(backbone, recipe, backbones, recipes),
            marker={"color": colour, "size": 12, "symbol": _symbol(shape)},
            error_x={**palette.error_bars(own["x"], own["x_low"], own["x_high"]), **bars},
            error_y={**palette.error_bars(own["y"], own["y_low"], own["y_high"]), **bars},
            customdata=own[["name", "backbone", "recipe", "what", "x_low", "x_high", "y_low", "y_high"]].to_numpy(),
            hovertemplate=(
                "%{customdata[0]}<br>%{customdata[1]}, %{customdata[2]}<br>test accuracy %{x:.4f} (95 % interval "
                "%{customdata[4]:.4f} to %{customdata[5]:.4f})<br>%{y:.4f} (%{customdata[6]:.4f} to "
                "%{customdata[7]:.4f})<br>%{customdata[3]}<extra></extra>"
            ),
        )  # fmt: skip
    palette.finish(figure, height=440 + 10 * len(figure.data), showlegend=True, hovermode="closest")
    figure.update_xaxes(title="test accuracy, in the set")
    figure.update_yaxes(title=upward)
    return figure


def _name(backbone: Any, recipe: Any, backbones: list[Any], recipes: list[Any]) -> str:
    """Only what differs between the points, if anything does."""
    parts = [part for part, all_ in ((backbone, backbones), (recipe, recipes)) if len(all_) > 1]
    return ", ".join(map(str, parts or [backbone]))


def _symbol(place: int) -> str:
    return palette.class_symbol(place) + ("" if place < PLAIN_MANY else "-open")
