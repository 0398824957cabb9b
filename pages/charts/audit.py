"""How far each baseline of the shortcut audit gets: its accuracy with its interval, against chance."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

ROW = 34  # px a baseline
DIM = "#707683"  # white reads well on it and on the accent, and both stand on a light and on a dark page
WRAP = 26  # letters of a label on one line


def baselines(rows: pd.DataFrame, *, title: str) -> go.Figure:
    """`rows` has a row a baseline, in the order drawn from the top: name, accuracy, low, high, chance, n, n_right.

    All baselines were judged on the same images, so chance is one line; what lies between it and the mark is what the
    baseline knows.
    """
    if rows.empty:
        return palette.empty("No baseline has been judged on this yet.", height=150)
    chance = float(rows["chance"].iloc[0])
    figure = go.Figure()
    lead_x: list[float | None] = []
    lead_y: list[str | None] = []
    for name, accuracy in zip(rows["name"], rows["accuracy"], strict=True):
        lead_x += [chance, float(accuracy), None]
        lead_y += [str(name), str(name), None]
    figure.add_scatter(
        x=lead_x, y=lead_y, mode="lines", line={"color": palette.faded(palette.ACCENT, 0.3), "width": 7},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=rows["accuracy"], y=rows["name"], mode="markers+text", showlegend=False,
        marker={"color": palette.ACCENT, "size": 11}, text=[f"{value:.1%}" for value in rows["accuracy"]],
        textposition=["top right" if value < 0.9 else "top left" for value in rows["accuracy"]],
        error_x={
            **palette.error_bars(rows["accuracy"], rows["low"], rows["high"]),
            "color": palette.faded(palette.QUIET, 0.8), "thickness": 2, "width": 5,
        },
        customdata=rows[["low", "high", "n_right", "n"]].to_numpy(),
        hovertemplate=(
            "%{y}<br>%{x:.4f} (95 % interval %{customdata[0]:.4f} to %{customdata[1]:.4f})<br>"
            "%{customdata[2]} of %{customdata[3]} images<extra></extra>"
        ),
    )  # fmt: skip
    figure.add_vline(
        x=chance, line={"color": palette.QUIET, "width": 1.5, "dash": "dot"}, layer="below",
        annotation={"text": f"chance {chance:.1%}", "yanchor": "bottom", "yref": "paper", "y": 1, "opacity": 0.8},
        annotation_position="top right" if chance < 0.8 else "top left",
    )  # fmt: skip
    palette.finish(figure, height=104 + ROW * len(rows), margin={"l": 8, "r": 8, "t": 26, "b": 8})
    figure.update_xaxes(title=title, range=[0, 1.04], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    figure.update_yaxes(
        range=[len(rows) - 0.5, -0.8],
        type="category",
        categoryarray=list(rows["name"]),
        ticksuffix="  ",
        showgrid=False,
    )
    return figure


def sensitivities(rows: pd.DataFrame, names: list[str], labels: list[str]) -> go.Figure:
    """Share of each label's images that each baseline gets right, as shaded cells.

    `rows` has a row a baseline and label: name, label, sensitivity, right, n.
    """
    if rows.empty:
        return palette.empty("No baseline has been judged on this yet.", height=150)
    parts = {
        column: rows.pivot(index="name", columns="label", values=column).reindex(index=names, columns=labels).to_numpy()
        for column in ("sensitivity", "right", "n")
    }
    shares = parts["sensitivity"]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares, x=labels, y=names, zmin=0, zmax=1, xgap=3, ygap=3, showscale=False,
        colorscale=[[0, DIM], [1, palette.ACCENT]],
        customdata=np.dstack([parts["right"], parts["n"]]),
        hovertemplate="%{y}: %{customdata[0]} of %{customdata[1]} images of %{x} rightly<extra></extra>",
    )  # fmt: skip
    figure.update_layout(annotations=[
        {"x": label, "y": name, "text": f"{shares[row, column]:.0%}", "showarrow": False, "font": {"color": "#ffffff"}}
        for row, name in enumerate(names) for column, label in enumerate(labels)
    ])  # fmt: skip
    lines = [textwrap.wrap(label, WRAP) or [""] for label in labels]
    palette.finish(figure, height=62 + ROW * len(names) + 14 * max(map(len, lines)))
    figure.update_xaxes(
        showgrid=False, side="top", type="category", tickvals=labels, ticktext=["<br>".join(one) for one in lines]
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", ticksuffix="  ")
    return figure
