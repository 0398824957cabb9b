"""The probabilities that a model gives one image."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import plotly.graph_objects as go

from core.prediction.wording import percent
from pages.charts import palette

MARK = "●"  # repeats in another form what the colour says


def probabilities(table: pd.DataFrame, marked: Collection[str] | None = None) -> go.Figure:
    """`table` has a row a class: class, probability in [0, 1].

    Args:
        marked: the prediction set, which is drawn strongly and with a mark; None: only the highest is drawn strongly.
    """
    ordered = table.sort_values("probability", ascending=False, kind="stable")
    strong = list(ordered["class"][:1]) if marked is None else list(marked)
    known = [name in strong for name in ordered["class"]]
    figure = go.Figure()
    figure.add_bar(
        x=ordered["probability"],
        y=[
            f"{MARK} {name}" if marked is not None and held else name
            for name, held in zip(ordered["class"], known, strict=True)
        ],
        orientation="h",
        marker={
            "color": [palette.ACCENT if held else palette.faded(palette.QUIET, 0.75) for held in known],
            "cornerradius": 4,
        },
        text=[percent(share) for share in ordered["probability"]],
        textposition="outside",
        cliponaxis=False,
        customdata=["" if marked is None else ", in the set" if held else ", not in the set" for held in known],
        hovertemplate="%{y}: %{text}%{customdata}<extra></extra>",
    )
    palette.finish(figure, height=70 + 38 * len(ordered), bargap=0.35)
    figure.update_xaxes(title="probability", range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    return figure
