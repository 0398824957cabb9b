"""The reliability diagram: how often the model is right, against how sure it was; below it the images a bin."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.charts import palette


def reliability(bins: pd.DataFrame) -> go.Figure:
    """`bins` has a row a bin: low, high, images, right, confidence, accuracy, `accuracy low`, `accuracy high`."""
    full = bins[bins["images"] > 0]
    if full.empty:
        return palette.empty("Without the probabilities of single images there is no reliability diagram.", height=180)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip", name="calibrated",
        line={"color": palette.faded(palette.QUIET, 0.7), "width": 1.5, "dash": "dot"}, row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=full["confidence"],
        y=full["accuracy"],
        mode="markers",
        marker={"size": 11, "color": palette.ACCENT},
        error_y={
            **palette.error_bars(full["accuracy"], full["accuracy low"], full["accuracy high"]),
            "color": palette.QUIET, "thickness": 2, "width": 5,
        },
        customdata=full[["low", "high", "images", "right", "accuracy low", "accuracy high"]].to_numpy(),
        hovertemplate=(
            "probability %{customdata[0]:.2f} to %{customdata[1]:.2f}, on average %{x:.4f}"
            "<br>right on %{customdata[3]} of %{customdata[2]} images: %{y:.4f}"
            "<br>95 % interval %{customdata[4]:.4f} to %{customdata[5]:.4f}<extra></extra>"
        ),
        name="this model, with 95 % Wilson intervals", row=1, col=1,
    )  # fmt: skip
    figure.add_bar(
        x=(bins["low"] + bins["high"]) / 2,
        y=bins["images"],
        width=(bins["high"] - bins["low"]) * 0.92,
        marker={"color": palette.faded(palette.QUIET, 0.75), "cornerradius": 3},
        text=[f"{count:,}" if count else "" for count in bins["images"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y} images<extra></extra>",
        showlegend=False, row=2, col=1,
    )  # fmt: skip
    palette.finish(figure, height=480)
    figure.update_xaxes(range=[-0.02, 1.03], tickformat=".1f")
    figure.update_xaxes(title="probability of the class that it is called", row=2, col=1)
    figure.update_yaxes(title="share called right", range=[-0.03, 1.05], row=1, col=1)
    figure.update_yaxes(title="images", range=[0, float(bins["images"].max()) * 1.3], row=2, col=1)
    return figure
