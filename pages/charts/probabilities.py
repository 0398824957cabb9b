"""The probabilities that a model gives one image."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette


def probabilities(table: pd.DataFrame) -> go.Figure:
    """`table` has a row a class: class, probability in [0, 1]. The highest is drawn strongly."""
    ordered = table.sort_values("probability", ascending=False)
    colours = [palette.ACCENT, *[palette.faded(palette.QUIET, 0.75)] * (len(ordered) - 1)]
    figure = go.Figure()
    figure.add_bar(
        x=ordered["probability"],
        y=ordered["class"],
        orientation="h",
        marker={"color": colours, "cornerradius": 4},
        text=[f"{share:.1%}" for share in ordered["probability"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )
    palette.finish(figure, height=70 + 44 * len(ordered), bargap=0.35)
    figure.update_xaxes(title="probability", range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    return figure
