"""A row of panels that share their y axis, as `make_subplots` lays them out, but made at once with their traces.

Calling it and then a method for each trace and axis takes several times as long (benchmarks/charts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

Trace = dict[str, Any]  # what `go.Scatter` and its like take, with its `type`


def row_of_panels(
    traces: Sequence[Sequence[Trace]], titles: Sequence[str], *, spacing: float, x: Sequence[Trace], y: Trace
) -> go.Figure:
    """One panel a list of traces, from left to right.

    Args:
        spacing: between two panels, share of the width.
        x: the settings of each panel's x axis.
        y: the settings of the y axis that all share.
    """
    width = (1 - spacing * (len(titles) - 1)) / len(titles)
    layout: dict[str, Any] = {"annotations": []}
    data: list[Trace] = []
    for at, title in enumerate(titles):
        number = str(at + 1) if at else ""
        left = at * (width + spacing)
        shared = {"matches": "y", "showticklabels": False} if at else {}
        layout[f"xaxis{number}"] = {"anchor": f"y{number}", "domain": [left, left + width], **x[at]}
        layout[f"yaxis{number}"] = {"anchor": f"x{number}", "domain": [0, 1], **shared, **y}
        layout["annotations"].append(
            {
                "text": title, "showarrow": False, "font": {"size": 16}, "x": left + width / 2, "xanchor": "center",
                "xref": "paper", "y": 1, "yanchor": "bottom", "yref": "paper",
            }
        )  # fmt: skip
        data += [{**trace, "xaxis": f"x{number}", "yaxis": f"y{number}"} for trace in traces[at]]
    return go.Figure(data, layout)


def class_marks(rows: pd.DataFrame, classes: Sequence[str], *, counted: str, digits: int) -> Trace:
    """A mark a class with its interval, in the class's colour and symbol.

    Args:
        rows: a row a class: class, value, low, high (95 % interval), n (images) and the column `counted`, those of n
            that make the value.
        digits: of the value, when the mark is pointed at.
    """
    at = [classes.index(name) for name in rows["class"]]
    return {
        "type": "scatter", "x": rows["value"], "y": rows["class"], "mode": "markers", "showlegend": False,
        "marker": {
            "size": 11, "color": [palette.class_colour(one) for one in at],
            "symbol": [palette.class_symbol(one) for one in at],
        },
        "error_x": {
            **palette.error_bars(rows["value"], rows["low"], rows["high"]), "color": palette.QUIET, "thickness": 2,
            "width": 5,
        },
        "customdata": rows[["low", "high", counted, "n"]].to_numpy(),
        "hovertemplate": (
            f"%{{y}}<br>%{{x:.{digits}f}} "
            f"(95 % interval %{{customdata[0]:.{digits}f}} to %{{customdata[1]:.{digits}f}})"
            "<br>%{customdata[2]} of %{customdata[3]} images<extra></extra>"
        ),
    }  # fmt: skip
