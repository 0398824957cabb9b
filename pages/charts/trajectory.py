"""The way of a search: a tree with one column a cycle and one lane a coordinate, the chosen path drawn through it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.search.state import OFF_PATH
from pages.charts import palette
from pages.charts.wording import LONG, change, loss, missing, share, value

ROOMY = 8  # with more cycles than this only the chosen nodes carry text
Row = Mapping[Hashable, Any]


def trajectory(
    trials: pd.DataFrame, cycles: pd.DataFrame, *, best: str | None = None, picked: str | None = None
) -> go.Figure:
    """One node a trial of the search (final trainings and what-if points are no part of its way).

    `trials` as from `queries.trials`, `cycles` as from `queries.cycles`; `best` is ringed, `picked` marked.
    """
    nodes = trials[~trials["coordinate"].isin(OFF_PATH)].to_dict("records")
    if not nodes:
        return palette.empty("The first trial has not begun yet.", height=360)
    coordinates = list(dict.fromkeys(str(node["coordinate"]) for node in nodes if node["coordinate"] != "initial"))
    lanes = {name: -float(lane) for lane, name in enumerate(coordinates)}
    lanes["initial"] = -(len(coordinates) - 1) / 2 if coordinates else 0.0
    places = {node["trial_id"]: (float(node["cycle"]), lanes[str(node["coordinate"])]) for node in nodes}
    chosen = _chosen(nodes, cycles)

    figure = go.Figure()
    _edges(figure, nodes, places, chosen)
    _nodes(figure, nodes, places, chosen, best, picked)
    figure.update_layout(annotations=_labels(nodes, places, chosen))  # at once: one by one is quadratic
    last = max(int(node["cycle"]) for node in nodes)
    palette.finish(figure, height=130 + 100 * max(2, len(coordinates)), showlegend=True, hovermode="closest")
    palette.unfading(figure)
    figure.update_xaxes(
        tickvals=list(range(last + 1)),
        ticktext=["start", *(f"cycle {cycle}" for cycle in range(1, last + 1))],
        range=[-0.45, max(last, 3) + 0.55],
        showgrid=False,
        side="bottom",
    )
    figure.update_yaxes(
        tickvals=[lanes[name] for name in coordinates],
        ticktext=[LONG.get(name, name) for name in coordinates],
        range=[-max(1, len(coordinates) - 1) - 0.75, 0.4],
        showgrid=False,
    )
    return figure


def _chosen(nodes: list[dict[Hashable, Any]], cycles: pd.DataFrame) -> dict[int, str]:
    """The trial from which each next cycle starts."""
    chosen = {int(node["cycle"]): str(node["trial_id"]) for node in nodes if node["coordinate"] == "initial"}
    for cycle, trial_id in zip(cycles["cycle"], cycles["chosen_trial_id"], strict=True):
        if not missing(trial_id):
            chosen[int(cycle)] = str(trial_id)
    return chosen


def _edges(
    figure: go.Figure, nodes: list[dict[Hashable, Any]], places: dict[str, tuple[float, float]], chosen: dict[int, str]
) -> None:
    """S-shaped, so that an edge leaves and meets its nodes level and keeps clear of their labels."""
    along = np.linspace(0, 1, 17)
    ease = along * along * (3 - 2 * along)
    for on_path, colour, width, name in (
        (False, palette.faded(palette.QUIET, 0.45), 1.5, "candidate"),
        (True, palette.ACCENT, 3.5, "chosen path"),
    ):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for node in nodes:
            cycle = int(node["cycle"])
            parent = chosen.get(cycle - 1)
            if cycle == 0 or parent not in places or (chosen.get(cycle) == node["trial_id"]) != on_path:
                continue
            (x0, y0), (x1, y1) = places[parent], places[node["trial_id"]]
            xs += [*(x0 + (x1 - x0) * along), None]
            ys += [*(y0 + (y1 - y0) * ease), None]
        line = {"color": colour, "width": width}
        figure.add_scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", name=name, showlegend=on_path)


def _nodes(
    figure: go.Figure,
    nodes: list[dict[Hashable, Any]],
    places: dict[str, tuple[float, float]],
    chosen: dict[int, str],
    best: str | None,
    picked: str | None,
) -> None:
    for name, trial_id, symbol, size, colour in (
        ("best so far", best, "circle-open", 30, palette.WARM),
        ("picked", picked, "square-open", 38, palette.QUIET),
    ):
        if trial_id in places:
            x, y = places[trial_id]
            marker = {"symbol": symbol, "size": size, "color": colour, "line": {"width": 3}}
            figure.add_scatter(x=[x], y=[y], mode="markers", marker=marker, name=name, hoverinfo="skip")
    for kind, marker in _LOOKS.items():
        group = [node for node in nodes if _kind(node, chosen) == kind]
        if not group:
            continue
        figure.add_scatter(
            x=[places[node["trial_id"]][0] for node in group],
            y=[places[node["trial_id"]][1] for node in group],
            mode="markers",
            marker=marker,
            customdata=[node["trial_id"] for node in group],
            hovertext=[_hover(node) for node in group],
            hoverinfo="text",
            name=kind,
            showlegend=kind not in ("candidate", "chosen"),
        )


def _labels(nodes: list[dict[Hashable, Any]], places: dict[str, tuple[float, float]], chosen: dict[int, str]) -> Any:
    """Below each node, clear of the rings around it; of a long search only its path and what runs."""
    crowded = max(int(node["cycle"]) for node in nodes) > ROOMY
    common = {"showarrow": False, "yanchor": "top", "yshift": -18, "font": {"size": 12}}
    return [
        {"x": places[node["trial_id"]][0], "y": places[node["trial_id"]][1], "text": _label(node), **common}
        for node in nodes
        if not crowded or _kind(node, chosen) in ("chosen", "running")
    ]


_LOOKS = {
    "candidate": {"symbol": "circle", "size": 15, "color": palette.QUIET},
    "chosen": {"symbol": "circle", "size": 19, "color": palette.ACCENT},
    "running": {"symbol": "circle-open-dot", "size": 19, "color": palette.SERIES[2], "line": {"width": 3}},
    "waiting": {"symbol": "circle-open", "size": 15, "color": palette.QUIET, "line": {"width": 2}},
    "failed": {"symbol": "x", "size": 15, "color": palette.BAD},
    "stopped": {"symbol": "hourglass-open", "size": 15, "color": palette.QUIET, "line": {"width": 2}},
}


def _kind(node: Row, chosen: dict[int, str]) -> str:
    status = str(node["status"])
    if status != "COMPLETE":
        return status.lower() if status.lower() in _LOOKS else "waiting"
    return "chosen" if chosen.get(int(node["cycle"])) == node["trial_id"] else "candidate"


def _label(node: Row) -> str:
    accuracy = node["val_accuracy"]
    first = str(node["status"]).lower() if missing(accuracy) or node["status"] == "FAILED" else share(accuracy)
    return f"<b>{first}</b><br>{change(node)}"


def _hover(node: Row) -> str:
    lines = [f"<b>{LONG.get(str(node['coordinate']), str(node['coordinate']))}</b>, cycle {node['cycle']}"]
    lines += [f"{LONG[name]}: {value(name, node[name])}" for name in LONG if name in node]
    lines += [
        f"val accuracy: {share(node['val_accuracy'])}",
        f"val loss: {loss(node['val_loss'])}",
        f"status: {str(node['status']).lower()}",
    ]
    return "<br>".join(lines)
