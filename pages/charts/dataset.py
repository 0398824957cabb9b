"""What a data set holds: images of each class in each split, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

COLOURS = {"train": palette.TRAIN, "calibration": palette.SERIES[2], "val": palette.VALIDATION, "test": palette.BAD}
LARGEST = 26  # px, the widest bubble
ROW = 34  # px a class


def split_bars(counts: pd.DataFrame, classes: Sequence[str]) -> go.Figure:
    """`counts` has a row a class and split: class, split, images. A bar a class, its splits side by side in it."""
    figure = go.Figure()
    for split, colour in COLOURS.items():
        rows = counts[counts["split"] == split].groupby("class")["images"].sum()
        if rows.empty:
            continue
        figure.add_bar(
            x=[int(rows.get(name, 0)) for name in classes], y=list(classes), orientation="h", name=split, width=0.62,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"%{{y}}, {split}<br>%{{x:,}} images<extra></extra>",
        )  # fmt: skip
    palette.finish(
        figure, height=100 + ROW * len(classes), barmode="stack", showlegend=True, legend={"traceorder": "normal"}
    )
    figure.update_xaxes(title="images", rangemode="tozero")
    figure.update_yaxes(range=[len(classes) - 0.5, -0.5], ticksuffix="  ", showgrid=False)
    return figure


def size_bubbles(sizes: pd.DataFrame, classes: Sequence[str]) -> go.Figure:
    """`sizes` has a row a class and size: class, width, height, images. A bubble each, its area the images' number."""
    figure = go.Figure()
    most = max(1, int(sizes["images"].max()))
    for at, name in enumerate(classes):
        rows = sizes[sizes["class"] == name]
        figure.add_scatter(
            x=rows[["width", "height"]].max(axis=1), y=[name] * len(rows), mode="markers", name=name,
            showlegend=False,
            marker={
                "color": palette.faded(palette.class_colour(at), 0.55), "sizemode": "area", "size": rows["images"],
                "sizeref": 2.0 * most / LARGEST**2, "sizemin": 3,
                "line": {"color": palette.class_colour(at), "width": 1},
            },
            customdata=rows[["width", "height", "images"]].to_numpy(),
            hovertemplate=(
                f"{name}<br>%{{customdata[0]}} x %{{customdata[1]}} px, %{{customdata[2]:,}} images<extra></extra>"
            ),
        )  # fmt: skip
    palette.finish(figure, height=70 + ROW * len(classes), hovermode="closest")
    figure.update_xaxes(title="longer side, px")
    figure.update_yaxes(
        range=[len(classes) - 0.5, -0.5], ticksuffix="  ", categoryorder="array", categoryarray=list(classes)
    )
    return figure
