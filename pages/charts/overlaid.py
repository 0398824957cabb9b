"""The curves of several trials in one chart; of very many, a few stand out and the rest lie behind as one cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

HEIGHT = 430
LEGEND_ROW = 21  # px
BELOW = 57  # px of tick labels and title, above the legend


def overlaid(
    lines: pd.DataFrame,
    names: Mapping[str, str],
    *,
    bold: Sequence[str],
    title: str,
    x_title: str = "epoch",
    log: bool = False,
    height: int = HEIGHT,
) -> go.Figure:
    """One line a trial and split.

    `lines` has a row a point, in order: trial_id, split, x, y, smooth (NaN: nothing is smoothed, y is drawn; else the
    smoothed value is drawn and y kept faintly behind). `names` gives what each trial is called; those in `bold`, in
    that order, have a colour each, all others are drawn as one grey cloud. Training is dotted.
    """
    if lines.empty:
        return palette.empty("None of these trials has a value of this kind.", height=height)
    figure = go.Figure()
    _cloud(figure, lines[~lines["trial_id"].isin(bold)], names)
    for trial_id, points in lines[lines["trial_id"].isin(bold)].groupby("trial_id", sort=False):
        for split, part in points.groupby("split", sort=False):
            _line(figure, part, str(trial_id), names[str(trial_id)], list(bold).index(str(trial_id)), str(split))
    rows = -(-len(bold) // 4)
    legend = {"y": -0.16, "yanchor": "top"}
    palette.finish(
        figure, height=height + LEGEND_ROW * rows, showlegend=True, hovermode="closest",
        margin={"b": BELOW + LEGEND_ROW * rows},
    )  # fmt: skip
    figure.update_layout(uirevision=f"{title} {x_title} {log}", legend=legend)
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=title, type="log" if log else "linear", exponentformat="e" if log else None)
    return figure


def _line(figure: go.Figure, part: pd.DataFrame, trial_id: str, name: str, at: int, split: str) -> None:
    colour, train = palette.class_colour(at), split == "train"
    dash = "dot" if train else palette.class_dash(at)
    smoothed = part["smooth"].notna().any()
    if smoothed:
        figure.add_scatter(
            x=_small(part["x"]), y=_small(part["y"]), mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": palette.faded(colour, 0.28), "width": 1}, legendgroup=f"{trial_id} {split}",
        )  # fmt: skip
    label = f"{name}, training" if train else name
    figure.add_scatter(
        x=_small(part["x"]), y=_small(part["smooth"] if smoothed else part["y"]),
        mode="lines" if len(part) > 40 else "lines+markers", name=label, legendgroup=f"{trial_id} {split}",
        line={"color": colour, "width": 1.6 if train else 2.4, "dash": dash},
        marker={"size": 9 if len(part) == 1 else 5, "symbol": palette.class_symbol(at)},
        hovertemplate=f"{label}<br>%{{x:.5g}}: %{{y:.4f}}<extra></extra>",
    )  # fmt: skip


def _cloud(figure: go.Figure, lines: pd.DataFrame, names: Mapping[str, str]) -> None:
    """All lines in one trace, with a gap between two of them: hundreds of traces are slow to draw."""
    if lines.empty:
        return
    smoothed = lines["smooth"].notna().any()
    number = lines.groupby(["trial_id", "split"], sort=False).ngroup()
    gaps = number.ne(number.shift()).to_numpy().nonzero()[0][1:]
    y = (lines["smooth"] if smoothed else lines["y"]).to_numpy(np.float32)
    figure.add_scatter(
        x=np.insert(lines["x"].to_numpy(np.float32), gaps, np.nan), y=np.insert(y, gaps, np.nan), mode="lines",
        line={"color": palette.faded(palette.QUIET, 0.3), "width": 1}, name=f"{number.nunique()} other curves",
        customdata=np.insert(lines["trial_id"].map(names).to_numpy(object), gaps, ""),
        hovertemplate="%{customdata}<br>%{x:.5g}: %{y:.4f}<extra></extra>", connectgaps=False,
    )  # fmt: skip


def _small(values: pd.Series) -> np.ndarray:
    return values.to_numpy(np.float32)
