"""How often an expert agrees with a model, a class a row, with intervals."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.charts import palette

PANELS = {"called": "of what the model calls it", "expert": "of what the expert calls it"}


def agreement(shares: pd.DataFrame) -> go.Figure:
    """`shares` has a row a class and side: class, side (a key of PANELS), value, low, high (in [0, 1]), agreed, n.

    A class that a side never names (n 0) has no mark there.
    """
    if shares.empty:
        return palette.empty("No image on which both name one class has been reviewed yet.", height=150)
    classes = list(dict.fromkeys(shares["class"]))
    figure = make_subplots(
        rows=1, cols=len(PANELS), shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=list(PANELS.values())
    )
    for column, side in enumerate(PANELS, start=1):
        rows = shares[(shares["side"] == side) & (shares["n"] > 0)]
        at = [classes.index(name) for name in rows["class"]]
        figure.add_scatter(
            x=rows["value"], y=rows["class"], mode="markers",
            marker={
                "size": 11, "color": [palette.class_colour(one) for one in at],
                "symbol": [palette.class_symbol(one) for one in at],
            },
            error_x={
                **palette.error_bars(rows["value"], rows["low"], rows["high"]), "color": palette.QUIET, "thickness": 2,
                "width": 5,
            },
            customdata=rows[["low", "high", "agreed", "n"]].to_numpy(),
            hovertemplate=(
                "%{y}<br>%{x:.3f} (95 % interval %{customdata[0]:.3f} to %{customdata[1]:.3f})"
                "<br>%{customdata[2]} of %{customdata[3]} images<extra></extra>"
            ),
            showlegend=False, row=1, col=column,
        )  # fmt: skip
    palette.finish(figure, height=90 + 44 * len(classes), margin={"l": 8, "r": 8, "t": 36, "b": 8})
    figure.update_xaxes(range=[-0.03, 1.03], tickformat=".0%")
    figure.update_yaxes(
        autorange="reversed", type="category", categoryorder="array", categoryarray=classes, ticksuffix="  "
    )
    return figure
