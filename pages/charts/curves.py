"""Loss and accuracy of one trial, epoch by epoch."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

_LOOK = {
    "train": {"line": {"color": palette.TRAIN, "width": 2.5}, "marker": {"size": 6, "symbol": "circle"}},
    "val": {"line": {"color": palette.VALIDATION, "width": 2.5}, "marker": {"size": 7, "symbol": "diamond"}},
}
_NAMES = {"train": "training", "val": "validation"}


def curve(epochs: pd.DataFrame, metric: str, *, asked: int | None = None, reused: int = 0) -> go.Figure:
    """`metric` ("loss" or "accuracy") of training and validation.

    `epochs` as from `queries.epochs` (columns epoch, split, loss, accuracy); `asked` is the number of epochs that the
    trial is to have, `reused` the number taken over from an earlier trial, which is shaded.
    """
    if epochs.empty:
        return palette.empty("No epoch has finished yet.", height=270)
    figure = go.Figure()
    for split, look in _LOOK.items():
        rows = epochs[epochs["split"] == split].sort_values("epoch")
        figure.add_scatter(
            x=rows["epoch"],
            y=rows[metric],
            mode="lines+markers" if len(rows) <= 60 else "lines",
            name=_NAMES[split],
            hovertemplate=f"epoch %{{x}}: {_NAMES[split]} {metric} %{{y:.4f}}<extra></extra>",
            **look,
        )
    last = max(int(epochs["epoch"].max()), asked or 1)
    if reused:
        figure.add_vrect(
            x0=0.5,
            x1=reused + 0.5,
            fillcolor=palette.faded(palette.QUIET, 0.14),
            line_width=0,
            layer="below",
            annotation={"text": "reused", "yanchor": "top", "opacity": 0.75},
            annotation_position="top left",
        )
    palette.finish(figure, height=270, showlegend=True, margin={"r": 18})  # for the last label, below the last epoch
    figure.update_xaxes(title="epoch", range=[0.5, last + 0.5], dtick=1 if last <= 12 else None, tick0=1)
    figure.update_yaxes(title=metric)
    return figure
