"""Sensitivity in the set beside that on images from elsewhere: a mark and its interval for each class and source."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

ROW = 24  # px a mark
GAP = 0.8  # rows between two classes
OWN = ("circle", "circle-open", "circle-x-open", "circle-dot")  # the sources of the set itself, all in one colour
COUNTS_AT = 1.03  # where the counts stand, beyond the scale


def sensitivities(rows: pd.DataFrame, *, inside: str) -> go.Figure:
    """`rows` has a row a mark, in the order drawn from the top, the rows of a class together: class, images from,
    source, n, right, sensitivity, low, high. `inside` is what the images of the set itself are called.
    """
    if rows.empty:
        return palette.empty("No images from elsewhere have been judged.", height=160)
    places, at, last = [], -1.0 - GAP, None
    for name in rows["class"]:
        at += 1 if name == last else 1 + GAP
        places.append(at)
        last = name
    rows = rows.assign(place=places)
    figure = go.Figure()
    inside_number = outside = 0
    for (where, source), marks in rows.groupby(["images from", "source"], sort=False):
        own = where == inside
        outside += not own
        colour = palette.ACCENT if own else palette.class_colour(outside)
        symbol = OWN[inside_number % len(OWN)] if own else palette.class_symbol(outside)
        inside_number += own
        figure.add_scatter(
            x=marks["sensitivity"], y=marks["place"], mode="markers", name=f"{where}: {source}",
            marker={"color": colour, "size": 10, "symbol": symbol},
            error_x={
                **palette.error_bars(marks["sensitivity"], marks["low"], marks["high"]),
                "color": palette.faded(colour, 0.75), "thickness": 2, "width": 5,
            },
            customdata=marks[["class", "low", "high", "right", "n"]].to_numpy(),
            hovertemplate=(
                f"%{{customdata[0]}}, {where}: {source}<br>sensitivity %{{x:.4f}} (95 % interval %{{customdata[1]:.4f}}"
                " to %{customdata[2]:.4f})<br>%{customdata[3]} of %{customdata[4]} images<extra></extra>"
            ),
        )  # fmt: skip
    figure.add_scatter(
        x=[COUNTS_AT] * len(rows), y=rows["place"], mode="text", hoverinfo="skip", showlegend=False,
        text=[f"{right:,} of {n:,}" for right, n in zip(rows["right"], rows["n"], strict=True)],
        textposition="middle right", textfont={"size": 11, "color": palette.QUIET},
    )  # fmt: skip
    middle = rows.groupby("class", sort=False)["place"].mean()
    traces = len([trace for trace in figure.data if trace.showlegend is not False])
    height = int(76 + ROW * (places[-1] + 1) + 20 * traces)
    palette.finish(figure, height=height, showlegend=True, hovermode="closest")
    # One entry a line, below the axis: names of sources are long.
    figure.update_layout(legend={"orientation": "v", "y": -52 / max(1, height - 20 * traces - 60), "yanchor": "top"})
    figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.update_xaxes(title="sensitivity, 95 % interval", range=[-0.02, 1.16], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    figure.update_yaxes(
        tickvals=list(middle), ticktext=list(middle.index), range=[places[-1] + 0.7, -0.7], showgrid=False,
        ticksuffix="  ",
    )  # fmt: skip
    for above, below in zip(rows["place"].iloc[:-1], rows["place"].iloc[1:], strict=True):
        if below - above > 1:
            line = {"color": palette.faded(palette.QUIET, 0.25), "width": 1}
            palette.level(figure, (above + below) / 2, line, layer="below")
    return figure
