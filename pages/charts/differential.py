"""A differential count: each class's share with its interval, as found and as corrected."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

ROW = 44  # px
SERIES = (("as found", palette.WARM, "circle", -0.16), ("corrected", palette.ACCENT, "diamond", 0.16))


def differential_chart(table: pd.DataFrame) -> go.Figure:
    """`table` has a row a class and kind: class, kind (as found | corrected), share, low, high (in [0, 1]), cells."""
    known = table[table["share"].notna()]
    if known.empty:
        return palette.empty("No cell has been counted yet.", height=150)
    classes = list(dict.fromkeys(table["class"]))
    figure = go.Figure()
    for kind, colour, symbol, offset in SERIES:
        rows = known[known["kind"] == kind]
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["share"], y=[classes.index(one) + offset for one in rows["class"]], mode="markers", name=kind,
            marker={"color": colour, "size": 10, "symbol": symbol},
            error_x={**palette.error_bars(rows["share"], rows["low"], rows["high"]), "color": colour, "thickness": 2,
                     "width": 5},
            customdata=rows[["class", "low", "high", "cells"]].to_numpy(),
            hovertemplate=f"%{{customdata[0]}}, {kind}<br>%{{x:.1%}} (95 % interval %{{customdata[1]:.1%}} to "
            "%{customdata[2]:.1%})<br>%{customdata[3]} cells<extra></extra>",
        )  # fmt: skip
    palette.finish(figure, height=90 + ROW * len(classes), hovermode="closest")
    top = min(1.0, float(known["high"].max()) * 1.06)
    figure.update_xaxes(title="share of the counted cells (95 % interval)", range=[-0.01, top], tickformat=".0%")
    figure.update_yaxes(
        tickvals=list(range(len(classes))), ticktext=classes, range=[len(classes) - 0.5, -0.5], showgrid=False,
        ticksuffix="  ",
    )  # fmt: skip
    return figure
