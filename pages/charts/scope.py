"""How strange images are to a model: two histograms over one score, and the limit beyond which an image is flagged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

BINS = 30
INSIDE, OUTSIDE = "test images", "images out of scope"
COLOURS = {INSIDE: palette.ACCENT, OUTSIDE: palette.WARM}


def scope_histogram(rows: pd.DataFrame, *, title: str, limit: float | None, logarithmic: bool) -> go.Figure:
    """`rows` has a row an image: group (INSIDE or OUTSIDE) and score.

    Args:
        title: of the axis of scores.
        limit: images beyond it are flagged; None: none can be.
        logarithmic: of that axis; scores are then above 0.
    """
    if rows.empty:
        return palette.empty("No image has been scored.", height=200)
    values = np.asarray(rows["score"], dtype=float)
    values = np.log10(np.maximum(values, 1e-12)) if logarithmic else values
    edges = np.histogram_bin_edges(values, bins=BINS)
    figure = go.Figure()
    for group, colour in COLOURS.items():
        own = values[np.asarray(rows["group"] == group)]
        if not len(own):
            continue
        counts = np.histogram(own, bins=edges)[0]
        ends = 10**edges if logarithmic else edges
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts / len(own), width=np.diff(edges), name=f"{group}, n {len(own):,}",
            marker={
                "color": palette.faded(colour, 0.55), "line": {"color": colour, "width": 1},
                "pattern": {"shape": "/" if group == OUTSIDE else "", "size": 6, "fgcolor": colour},
            },
            customdata=np.column_stack([counts, ends[:-1], ends[1:]]),
            hovertemplate=(
                f"{group}: %{{customdata[0]:.0f}} of {len(own):,} between %{{customdata[1]:.4g}} and "
                "%{customdata[2]:.4g}<extra></extra>"
            ),
        )  # fmt: skip
    if limit is not None:
        at = float(np.log10(max(limit, 1e-12))) if logarithmic else limit
        figure.add_vline(
            x=at, line={"color": palette.BAD, "width": 2, "dash": "dash"},
            annotation={"text": "flagged beyond", "font": {"color": palette.BAD}, "xanchor": "left"},
        )  # fmt: skip
    palette.finish(figure, height=340, barmode="overlay", bargap=0, showlegend=True)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 28, "b": 8})
    figure.update_yaxes(title="share of the images", rangemode="tozero", tickformat=".0%")
    figure.update_xaxes(title=title)
    if logarithmic:
        ticks = _ticks(edges[0], edges[-1])
        figure.update_xaxes(tickvals=np.log10(ticks), ticktext=[f"{tick:,g}" for tick in ticks])
    return figure


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two powers of ten."""
    whole = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    steps = (1, 2, 5) if len(whole) < 4 else (1,)
    found = [step * 10.0**power for power in whole for step in steps]
    return [tick for tick in found if low - 0.05 <= np.log10(tick) <= high + 0.05] or [10.0**low, 10.0**high]
