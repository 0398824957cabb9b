"""A row of panels that share their y axis, as `make_subplots` lays them out, but made at once with their traces.

Calling it and then a method for each trace and axis takes several times as long (benchmarks/charts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

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
