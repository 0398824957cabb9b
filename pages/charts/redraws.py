"""Which point a search chooses when its validation images are drawn anew."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

_COLOURS = {
    "recorded": palette.WARM,  # the choice of the search itself
    "other": palette.ACCENT,
    "undecided": palette.faded(palette.QUIET, 0.6),
}


def choices(rows: pd.DataFrame) -> go.Figure:
    """`rows` has a row a bar, from top to bottom: name, count, share (in [0, 1]), kind (a key of _COLOURS)."""
    if rows.empty:
        return palette.empty("No redraw was decided.", height=200)
    figure = go.Figure()
    figure.add_bar(
        x=rows["share"],
        y=rows["name"],
        orientation="h",
        marker={
            "color": [_COLOURS[kind] for kind in rows["kind"]],
            "cornerradius": 4,
            "pattern": {"shape": ["/" if kind == "undecided" else "" for kind in rows["kind"]], "fgopacity": 0.5},
        },
        text=[f"{share:.1%}" for share in rows["share"]],
        textposition="outside",
        cliponaxis=False,
        customdata=rows[["count"]],
        hovertemplate="%{y}<br>%{customdata[0]} redraws<extra></extra>",
    )
    palette.finish(figure, height=92 + 40 * len(rows), bargap=0.35)
    most = max(0.25, float(rows["share"].max()))
    figure.update_xaxes(
        title={"text": "share of the redrawn validation sets", "standoff": 8}, range=[0, most * 1.16], tickformat=".0%"
    )
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    return figure
