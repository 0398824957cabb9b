"""Accuracy or the sensitivity of a class over the severities of each shift, and where each class breaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.charts import palette

COLUMNS = 4
ROW = 170  # px a row of panels


def shift_curves(rates: pd.DataFrame, *, what: str, colour: str = palette.ACCENT) -> go.Figure:
    """Small multiples, a panel a shift, all on one scale.

    `rates` has a row a condition: label (of the shift), severity (0: the unchanged images, in every shift), value, low,
    high, right, n; `what` is the rate in words. The line through each panel is the value of the unchanged images.
    """
    known = rates[rates["value"].notna()]
    if known.empty:
        return palette.empty("No shift has been measured of this yet.", height=ROW)
    labels = list(dict.fromkeys(known["label"]))
    columns = min(COLUMNS, len(labels))
    rows = -(-len(labels) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, shared_xaxes="all", shared_yaxes="all", subplot_titles=labels,
        horizontal_spacing=0.025, vertical_spacing=min(0.2, 0.42 / rows) if rows > 1 else 0,
    )  # fmt: skip
    for place, name in enumerate(labels):
        line = known[known["label"] == name].sort_values("severity")
        at = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_scatter(
            x=[*line["severity"], *line["severity"][::-1]], y=[*line["high"], *line["low"][::-1]], fill="toself",
            mode="none", fillcolor=palette.faded(colour, 0.2), hoverinfo="skip", showlegend=False, **at,
        )  # fmt: skip
        base = line[line["severity"] == 0]
        if not base.empty:
            value = float(base["value"].iloc[0])
            figure.add_scatter(
                x=[0, 5], y=[value, value], mode="lines", hoverinfo="skip", showlegend=False,
                line={"color": palette.QUIET, "width": 1.2, "dash": "dot"}, **at,
            )  # fmt: skip
        figure.add_scatter(
            x=line["severity"], y=line["value"], mode="lines+markers", name=name, showlegend=False,
            line={"color": colour, "width": 2.2}, marker={"size": 6},
            customdata=line[["low", "high", "right", "n"]].to_numpy(),
            hovertemplate=(
                f"{name}, severity %{{x}}<br>{what} %{{y:.4f}} (95 % interval %{{customdata[0]:.4f}} to "
                "%{customdata[1]:.4f})<br>%{customdata[2]} of %{customdata[3]} images<extra></extra>"
            ),
            **at,
        )  # fmt: skip
    palette.finish(figure, height=56 + ROW * rows, margin={"l": 8, "r": 8, "t": 28, "b": 8}, hovermode="closest")
    figure.update_annotations(font={"size": 13})
    figure.update_xaxes(tickvals=list(range(6)), range=[-0.25, 5.25], showticklabels=True)
    figure.update_yaxes(range=[-0.03, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".2f")
    figure.update_xaxes(title={"text": "severity", "standoff": 10}, row=rows)
    return figure


def break_map(cells: pd.DataFrame) -> go.Figure:
    """A heat table, a row a class and a column a shift: the smallest severity at which the class breaks.

    `cells` has a row a class and shift: class, label (of the shift), severity (missing: it does not break), state
    ("breaks", "holds", "unknown"), words (what is behind it, for the mouse).
    """
    if cells.empty:
        return palette.empty("Nothing is known of any class yet.", height=ROW)
    classes, labels = (list(dict.fromkeys(cells[name])) for name in ("class", "label"))
    by_cell = {(row["class"], row["label"]): row for row in cells.to_dict("records")}
    severity = np.array([[float(by_cell[name, label]["severity"]) for label in labels] for name in classes])
    holds = np.array([[by_cell[name, label]["state"] == "holds" for label in labels] for name in classes])
    words = np.array([[by_cell[name, label]["words"] for label in labels] for name in classes])
    strength = np.where(holds, 0.0, 6 - severity)  # unknown: NaN
    figure = go.Figure()
    figure.add_heatmap(
        z=strength, x=labels, y=classes, zmin=0, zmax=5, xgap=3, ygap=3, showscale=False, hoverongaps=False,
        # What holds is grey; the earlier a class breaks, the stronger the colour.
        colorscale=[
            [0, palette.faded(palette.QUIET, 0.1)], [0.1, palette.faded(palette.QUIET, 0.1)],
            [0.1001, palette.faded(palette.BAD, 0.12)], [1, palette.faded(palette.BAD, 1)],
        ],
        customdata=words, hovertemplate="%{y}, %{x}<br>%{customdata}<extra></extra>",
    )  # fmt: skip
    notes = []
    for row, name in enumerate(classes):
        for column, label in enumerate(labels):
            given = severity[row, column]
            broken = not np.isnan(given)
            font: dict[str, object] = {"size": 15 if broken else 11}
            if broken and given <= 3:
                font["color"] = "#ffffff"
            text = f"<b>{given:.0f}</b>" if broken else "holds" if holds[row, column] else "?"
            opacity = 1 if broken else 0.6
            notes.append({"x": label, "y": name, "text": text, "showarrow": False, "font": font, "opacity": opacity})
    figure.update_layout(annotations=notes)
    palette.finish(figure, height=118 + 40 * len(classes))
    figure.update_xaxes(side="top", showgrid=False, tickangle=-35, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix="  ", fixedrange=True)
    return figure
