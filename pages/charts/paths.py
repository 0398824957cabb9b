"""Two paths through a search space, one above the other: the recorded one and what other rules make of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.charts import palette
from pages.charts.wording import LONG, change, point

ROOMY = 8  # with more cycles than this only the chosen nodes carry text
LANE = 80  # px
Row = Mapping[Hashable, Any]

_LOOKS = {
    "candidate": {"symbol": "circle", "size": 13, "color": palette.QUIET},
    "chosen": {"symbol": "circle", "size": 18, "color": palette.ACCENT},
    "failed": {"symbol": "x", "size": 13, "color": palette.BAD},
    "nobody trained it": {"symbol": "circle-open-dot", "size": 18, "color": palette.BAD, "line": {"width": 2.5}},
    "not judged yet": {"symbol": "circle-open", "size": 14, "color": palette.QUIET, "line": {"width": 2}},
}


def paths(rows: pd.DataFrame, coordinates: list[str], parted: int | None) -> go.Figure:
    """One panel a path, one column a cycle, one lane a coordinate.

    Args:
        rows: a row a point of a path: panel (its heading), cycle, coordinate, the hyper-parameters, kind (a key of the
            looks above), score (as text), best (whether it is the path's best point).
        coordinates: the lanes, from top to bottom.
        parted: the first cycle in which the paths differ; None where they do not.
    """
    if rows.empty:
        return palette.empty("No trial of this search has finished yet.", height=360)
    panels = list(dict.fromkeys(rows["panel"]))
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.13, subplot_titles=panels
    )  # fmt: skip
    for title in figure.layout.annotations:
        title.update(x=0, xanchor="left", yshift=4, font={"size": 14})
    lanes = {name: -float(lane) for lane, name in enumerate(coordinates)}
    lanes["initial"] = -(len(coordinates) - 1) / 2
    last = int(rows["cycle"].max())
    labels: list[dict[str, Any]] = []
    for at, panel in enumerate(panels, start=1):
        nodes = rows[rows["panel"] == panel].to_dict("records")
        _edges(figure, nodes, lanes, at)
        _nodes(figure, nodes, lanes, at)
        labels += _labels(nodes, lanes, at, crowded=last > ROOMY)
    if parted is not None:
        figure.add_vline(x=parted - 0.5, line={"color": palette.WARM, "width": 2, "dash": "dash"})
        labels.append(
            {"x": parted - 0.5, "y": 1, "yref": "paper", "xref": "x", "text": "here they part", "showarrow": False,
             "xanchor": "left" if parted < last else "right", "yanchor": "bottom", "xshift": 5 if parted < last else -5,
             "font": {"size": 13}}
        )  # fmt: skip
    figure.update_layout(annotations=[*figure.layout.annotations, *labels])  # at once: one by one is quadratic
    height = 120 + len(panels) * (LANE * max(2, len(coordinates)) + 40)
    palette.finish(figure, height=height, hovermode="closest", margin={"l": 8, "r": 8, "t": 34, "b": 76})
    figure.update_layout(legend={"y": -0.06, "yanchor": "top"})
    figure.update_xaxes(
        tickvals=list(range(last + 1)), ticktext=["start", *(f"cycle {cycle}" for cycle in range(1, last + 1))],
        range=[-0.45, max(last, 3) + 0.55], showgrid=False, showticklabels=True,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=[lanes[name] for name in coordinates], ticktext=[LONG.get(name, name) for name in coordinates],
        range=[-max(1, len(coordinates) - 1) - 0.75, 0.45], showgrid=False,
    )  # fmt: skip
    return figure


def _place(node: Row, lanes: dict[str, float]) -> tuple[float, float]:
    return float(node["cycle"]), lanes[str(node["coordinate"])]


def _edges(figure: go.Figure, nodes: list[dict[Hashable, Any]], lanes: dict[str, float], panel: int) -> None:
    """S-shaped, so that an edge leaves and meets its nodes level and keeps clear of their labels."""
    along = np.linspace(0, 1, 17)
    ease = along * along * (3 - 2 * along)
    chosen = {int(node["cycle"]): node for node in nodes if node["kind"] == "chosen"}
    for on_path, colour, width, name in (
        (False, palette.faded(palette.QUIET, 0.45), 1.5, "candidate"),
        (True, palette.ACCENT, 3.5, "path"),
    ):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for node in nodes:
            parent = chosen.get(int(node["cycle"]) - 1)
            if parent is not None and (node["kind"] == "chosen") == on_path:
                (x0, y0), (x1, y1) = _place(parent, lanes), _place(node, lanes)
                xs += [*(x0 + (x1 - x0) * along), None]
                ys += [*(y0 + (y1 - y0) * ease), None]
        figure.add_scatter(
            x=xs, y=ys, mode="lines", line={"color": colour, "width": width}, hoverinfo="skip", name=name,
            showlegend=on_path and panel == 1, row=panel, col=1,
        )  # fmt: skip


def _nodes(figure: go.Figure, nodes: list[dict[Hashable, Any]], lanes: dict[str, float], panel: int) -> None:
    for node in nodes:
        if node["best"]:
            x, y = _place(node, lanes)
            marker = {"symbol": "circle-open", "size": 29, "color": palette.WARM, "line": {"width": 3}}
            figure.add_scatter(
                x=[x], y=[y], mode="markers", marker=marker, hoverinfo="skip", name="best of its path",
                legendgroup="best", showlegend=panel == 1, row=panel, col=1,
            )  # fmt: skip
    for kind, marker in _LOOKS.items():
        group = [node for node in nodes if node["kind"] == kind]
        if group:
            figure.add_scatter(
                x=[_place(node, lanes)[0] for node in group], y=[_place(node, lanes)[1] for node in group],
                mode="markers", marker=marker, hovertext=[_hover(node) for node in group], hoverinfo="text", name=kind,
                showlegend=kind not in ("candidate", "chosen"), legendgroup=kind, row=panel, col=1,
            )  # fmt: skip


def _labels(
    nodes: list[dict[Hashable, Any]], lanes: dict[str, float], panel: int, *, crowded: bool
) -> list[dict[str, Any]]:
    """Below each node, clear of the rings around it; of a long path only what it chose and what it lacks."""
    axes = {"xref": f"x{panel if panel > 1 else ''}", "yref": f"y{panel if panel > 1 else ''}"}
    return [
        {"x": _place(node, lanes)[0], "y": _place(node, lanes)[1], "text": f"<b>{node['score']}</b><br>{change(node)}",
         "showarrow": False, "yanchor": "top", "yshift": -15, "font": {"size": 12}, **axes}
        for node in nodes
        if not crowded or node["kind"] in ("chosen", "nobody trained it")
    ]  # fmt: skip


def _hover(node: Row) -> str:
    name = LONG.get(str(node["coordinate"]), str(node["coordinate"]))
    return f"<b>{name}</b>, cycle {node['cycle']}<br>{point(node)}<br>{node['score']}<br>{node['kind']}"
