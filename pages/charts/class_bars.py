"""One rate per class and trial with its interval: the interval as a bar, the rate itself as a mark on it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

ROW = 19  # px a trial
GAP = 0.9  # rows between two classes


def class_bars(rates: pd.DataFrame, names: Mapping[str, str], *, title: str) -> go.Figure:
    """`rates` has a row a class and trial: trial_id, class, value, low, high, successes, n.

    The trials are drawn in the order of `names`, the classes in that of `rates`. The bar spans the interval rather than
    0 to the rate: classes and trials differ where bars from 0 would all look full.
    """
    known = rates[rates["value"].notna()]
    if known.empty:
        return palette.empty("None of these trials has per-class results on this split.", height=180)
    classes = list(dict.fromkeys(rates["class"]))
    drawn = [trial_id for trial_id in names if trial_id in set(known["trial_id"])]
    step = len(drawn) + GAP
    figure = go.Figure()
    for at, (trial_id, name) in enumerate(names.items()):  # a trial has the same colour in every chart
        if trial_id not in drawn:
            continue
        rows = known[known["trial_id"] == trial_id]
        place = [classes.index(cls) * step + drawn.index(trial_id) for cls in rows["class"]]
        colour = palette.class_colour(at)
        figure.add_bar(
            base=rows["low"], x=rows["high"] - rows["low"], y=place, orientation="h", width=0.72, name=name,
            marker={"color": palette.faded(colour, 0.35), "cornerradius": 3}, legendgroup=trial_id, showlegend=False,
            hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=rows["value"], y=place, mode="markers", name=name, legendgroup=trial_id,
            marker={"color": colour, "size": 9, "symbol": _symbol(at)},
            customdata=rows[["class", "low", "high", "successes", "n"]].to_numpy(),
            hovertemplate=(
                f"{name}, %{{customdata[0]}}<br>%{{x:.4f}} (95 % interval %{{customdata[1]:.4f}} to "
                "%{customdata[2]:.4f})<br>%{customdata[3]} of %{customdata[4]} images<extra></extra>"
            ),
        )  # fmt: skip
    last = len(classes) * step
    height = int(100 + ROW * last + 21 * (-(-len(drawn) // 4)))
    palette.finish(figure, height=height, showlegend=True, barmode="overlay", hovermode="closest")
    figure.update_layout(uirevision=title, legend={"y": -60 / height, "yanchor": "top"})
    figure.update_xaxes(title=title)
    figure.update_yaxes(
        tickvals=[index * step + (len(drawn) - 1) / 2 for index in range(len(classes))], ticktext=classes,
        range=[last - GAP / 2 - 0.5, -0.5 - GAP / 2], showgrid=False, ticksuffix="  ",
    )  # fmt: skip
    for index in range(1, len(classes)):
        line = {"color": palette.faded(palette.QUIET, 0.25), "width": 1}
        palette.level(figure, index * step - (1 + GAP) / 2, line, layer="below")
    return figure


def _symbol(at: int) -> str:
    """The colours repeat after seven; then the marks are hollow."""
    return palette.class_symbol(at) + ("-open" if at >= len(palette.SERIES) else "")
