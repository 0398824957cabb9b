"""One rate of several trials with its interval, a row a trial: what overlaps is not told apart by its own interval."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

ROW = 26  # px
COLOURED = 14  # more trials than this have one colour


def intervals(scores: pd.DataFrame, *, title: str, baseline: str | None = None) -> go.Figure:
    """`scores` has a row a trial, in the order drawn from the top: trial_id, name, value, low, high, n.

    The value of the trial `baseline` is drawn through all rows; a value without an interval is drawn without one.
    """
    known = scores[scores["value"].notna()]
    if known.empty:
        return palette.empty("None of these trials has a result on this split yet.", height=150)
    figure = go.Figure()
    own = known[known["trial_id"] == baseline]
    if not own.empty:
        line = {"color": palette.QUIET, "width": 1.5, "dash": "dot"}
        palette.upright(figure, float(own["value"].iloc[0]), line, layer="below")
    places = [index for index, given in enumerate(scores["value"].notna()) if given]
    figure.add_scatter(
        x=known["value"].astype(float),
        y=known["name"],
        mode="markers",
        marker={
            "size": [13 if trial_id == baseline else 10 for trial_id in known["trial_id"]],
            "color": [palette.class_colour(at) if len(scores) <= COLOURED else palette.ACCENT for at in places],
            "symbol": ["diamond-open" if trial_id == baseline else "circle" for trial_id in known["trial_id"]],
            "line": {"width": [3 if trial_id == baseline else 0 for trial_id in known["trial_id"]]},
        },
        error_x={
            "array": (known["high"] - known["value"]).clip(lower=0).fillna(0),
            "arrayminus": (known["value"] - known["low"]).clip(lower=0).fillna(0),
            "color": palette.faded(palette.QUIET, 0.8), "thickness": 2, "width": 5,
        },
        customdata=known[["low", "high", "n"]].to_numpy(),
        hovertemplate=(
            "%{y}<br>%{x:.4f} (95 % interval %{customdata[0]:.4f} to %{customdata[1]:.4f}, "
            "%{customdata[2]} images)<extra></extra>"
        ),
        showlegend=False,
    )  # fmt: skip
    palette.finish(figure, height=70 + ROW * len(scores))
    figure.update_xaxes(title=title)
    figure.update_yaxes(autorange="reversed", type="category", categoryarray=list(scores["name"]), ticksuffix="  ")
    return figure
