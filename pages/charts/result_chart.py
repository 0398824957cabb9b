"""A chart of any table: lines, bars or points of two of its columns, coloured by a third."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

KINDS = ("line", "bar", "scatter")
MOST_POINTS = {"line": 5_000, "bar": 300, "scatter": 5_000}  # that are drawn
MOST_COLOURS = 20  # more cannot be told apart
HEIGHT = 430
PLAIN = ""  # the choice of no colour


def numeric(frame: pd.DataFrame) -> list[str]:
    """Columns that can be an axis of numbers."""
    return [
        str(name)
        for name in frame.columns
        if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
    ]


def groupings(frame: pd.DataFrame) -> list[str]:
    """Columns with few enough values to be told by colour."""
    return [str(name) for name in frame.columns if _scalar(frame[name]) and frame[name].nunique() <= MOST_COLOURS]


def axes(frame: pd.DataFrame) -> list[str]:
    """Columns that can be the axis across: whatever is a single value."""
    return [str(name) for name in frame.columns if _scalar(frame[name])]


def thinned(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """At most MOST_POINTS rows: of bars the first ones, else evenly from all of them, first and last among them."""
    most = MOST_POINTS[kind]
    if len(frame) <= most:
        return frame
    if kind == "bar":
        return frame.head(most)
    step = (len(frame) - 1) / (most - 1)
    return frame.iloc[[round(at * step) for at in range(most)]]


def result_chart(frame: pd.DataFrame, kind: str, x: str, y: str, colour: str = PLAIN) -> go.Figure:
    """`frame` has the columns x (any single values), y (numbers) and, unless it is PLAIN, colour.

    Lines join the points of one colour in the order of x; missing values are gaps.
    """
    rows = frame.dropna(subset=[x])
    if rows.empty or not rows[y].notna().any():
        return palette.empty("There is nothing to draw in these columns.", height=HEIGHT)
    rows = rows.assign(**{y: pd.to_numeric(rows[y]).astype(float)})
    groups = [("", rows)] if colour == PLAIN else list(rows.groupby(colour, sort=False, dropna=False, observed=True))
    figure = go.Figure()
    for index, (name, group) in enumerate(groups):
        label = "missing" if pd.isna(name) else str(name)
        hover = f"{x} %{{x}}<br>{y} %{{y}}" + ("" if colour == PLAIN else f"<br>{colour} {label}") + "<extra></extra>"
        common = {"name": label, "hovertemplate": hover, "showlegend": colour != PLAIN}
        paint = palette.class_colour(index)
        if kind == "bar":
            figure.add_bar(x=group[x], y=group[y], marker={"color": paint}, **common)
        elif kind == "line":
            ordered = group.sort_values(x, kind="stable")
            figure.add_scatter(
                x=ordered[x], y=ordered[y], mode="lines+markers" if len(ordered) <= 60 else "lines",
                line={"color": paint, "width": 2.5, "dash": palette.class_dash(index)},
                marker={"size": 6, "symbol": palette.class_symbol(index)}, connectgaps=False, **common,
            )  # fmt: skip
        else:
            marker = {"color": paint, "size": 9, "symbol": palette.class_symbol(index), "opacity": 0.85}
            figure.add_scatter(x=group[x], y=group[y], mode="markers", marker=marker, **common)
    palette.finish(figure, height=HEIGHT, barmode="group", hovermode="closest")
    whole = pd.api.types.is_integer_dtype(rows[x]) and rows[x].nunique() <= 12
    figure.update_xaxes(title=x, dtick=1 if whole and kind != "scatter" else None)
    figure.update_yaxes(title=y)
    return figure


def _scalar(column: pd.Series) -> bool:
    first = column.dropna().head(1)
    return first.empty or not hasattr(first.iloc[0], "__len__") or isinstance(first.iloc[0], str)
