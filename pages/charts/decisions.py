"""Charts of an operating point: rates with intervals, one class against its threshold, the matrix of decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from pages.charts import palette
from pages.charts.panels import Trace, row_of_panels

PANELS = {"sensitivity": "sensitivity", "specificity": "specificity", "ppv": "PPV", "npv": "NPV"}
SPLIT_LOOK: dict[str, dict[str, Any]] = {
    "validation": {"color": palette.VALIDATION, "symbol": "diamond", "offset": -0.13},
    "test": {"color": palette.SERIES[2], "symbol": "circle-open", "offset": 0.13},
}
MEASURE_LOOK = {
    "sensitivity": {"color": palette.SERIES[0], "dash": "solid", "symbol": "circle"},
    "specificity": {"color": palette.SERIES[2], "dash": "dash", "symbol": "square"},
    "ppv": {"color": palette.SERIES[3], "dash": "dot", "symbol": "diamond"},
}


def operating_rates(rates: pd.DataFrame) -> go.Figure:
    """`rates` has a row a split ("validation", "test"), class and measure (a key of PANELS): value, low, high, n."""
    if rates.empty:
        return palette.empty("No rates for this choice.", height=300)
    classes = list(dict.fromkeys(rates["class"]))
    traces = [
        [
            _marks(rows.set_index("class").reindex(classes), str(split), measure)
            for split, rows in rates[rates["measure"] == measure].groupby("split", sort=False)
        ]
        for measure in PANELS
    ]
    y = {
        "range": [len(classes) - 0.5, -0.5], "tickvals": list(range(len(classes))), "ticktext": classes,
        "showgrid": False,
    }  # fmt: skip
    x = [_reach(rates.loc[rates["measure"] == measure, "low"].min()) for measure in PANELS]
    figure = row_of_panels(traces, list(PANELS.values()), spacing=0.025, x=x, y=y)
    return palette.finish(
        figure, height=130 + 52 * len(classes), margin={"l": 8, "r": 8, "t": 80, "b": 8}, showlegend=True,
        legend={"y": 1.14},
    )  # fmt: skip


def _reach(low: float) -> Trace:
    """The x axis of a panel whose lowest interval ends there: a PPV may be low where a specificity is all but 1."""
    least = 0.0 if np.isnan(low) else max(0.0, float(low))
    span = 1 - least
    return {"range": [least - 0.06 * span, 1 + 0.06 * span], "nticks": 5}


def _marks(rows: pd.DataFrame, split: str, measure: str) -> Trace:
    """`rows` has a row a class, in the order of the classes."""
    look = SPLIT_LOOK[split]
    return {
        "type": "scatter",
        "x": rows["value"],
        "y": [index + look["offset"] for index in range(len(rows))],
        "mode": "markers",
        "name": split,
        "legendgroup": split,
        "showlegend": measure == next(iter(PANELS)),
        "marker": {
            "size": 9,
            "color": look["color"],
            "symbol": look["symbol"],
            "line": {"width": 2, "color": look["color"]},
        },
        "error_x": {
            **palette.error_bars(rows["value"], rows["low"], rows["high"]),
            "color": palette.faded(look["color"], 0.75),
            "thickness": 2,
            "width": 4,
        },
        "customdata": np.c_[rows.index, rows[["low", "high", "n"]].to_numpy()],
        "hovertemplate": (
            f"%{{customdata[0]}}, {split}<br>{PANELS[measure]} %{{x:.4f}}"
            "<br>95 % interval %{customdata[1]:.4f} to %{customdata[2]:.4f}"
            "<br>%{customdata[3]} images<extra></extra>"
        ),
    }


def threshold_curves(curves: pd.DataFrame, points: pd.DataFrame, *, threshold: float, log: bool = False) -> go.Figure:
    """One class's rates against its threshold, the chosen one marked.

    `curves` has threshold, measure (a key of MEASURE_LOOK), value; `points` the rates at the chosen threshold: measure,
    value, low, high.
    """
    if curves.empty:
        return palette.empty("No images to draw this from.", height=330)
    figure = go.Figure()
    for measure, look in MEASURE_LOOK.items():
        rows = curves[curves["measure"] == measure]
        figure.add_scatter(
            x=rows["threshold"],
            y=rows["value"],
            mode="lines",
            name=PANELS[measure],
            legendgroup=measure,
            line={"color": look["color"], "width": 2.5, "dash": look["dash"], "shape": "vh"},
            hovertemplate=f"{PANELS[measure]} %{{y:.4f}} at threshold %{{x:.4f}}<extra></extra>",
        )
        point = points[points["measure"] == measure]
        figure.add_scatter(
            x=[threshold] * len(point),
            y=point["value"],
            mode="markers",
            legendgroup=measure,
            showlegend=False,
            marker={"size": 10, "color": look["color"], "symbol": look["symbol"]},
            error_y={
                **palette.error_bars(point["value"], point["low"], point["high"]),
                "color": palette.faded(look["color"], 0.7),
                "thickness": 2,
                "width": 5,
            },
            customdata=point[["low", "high"]].to_numpy(),
            hovertemplate=(
                f"{PANELS[measure]} %{{y:.4f}}<br>95 % interval %{{customdata[0]:.4f}} to %{{customdata[1]:.4f}}"
                "<extra></extra>"
            ),
        )
    palette.upright(figure, threshold, {"color": palette.QUIET, "width": 1.5, "dash": "dot"})
    palette.finish(figure, height=340, showlegend=True, hovermode="closest")
    least = float(curves["threshold"].min())
    if log:
        figure.update_xaxes(
            type="log", range=[np.log10(max(least, 1e-4)) - 0.05, 0.03], tickvals=[1e-4, 1e-3, 1e-2, 0.1, 1],
            ticktext=["0.0001", "0.001", "0.01", "0.1", "1"],
        )  # fmt: skip
    else:
        figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_xaxes(title="threshold")
    figure.update_yaxes(title="rate", range=[-0.03, 1.05])
    return figure


def decision_matrix(matrix: ArrayLike, classes: list[str]) -> go.Figure:
    """Images (C, C + 1) of each true class by decision, the last one the referral; shade = share of the true class."""
    counts = np.asarray(matrix, dtype=np.int64)
    decisions = [*classes, "refer"]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    figure = go.Figure()
    figure.add_heatmap(
        z=shares, x=decisions, y=classes, zmin=0, zmax=1, xgap=3, ygap=3, showscale=False, customdata=counts,
        colorscale=[[0, palette.faded(palette.ACCENT, 0.06)], [1, palette.faded(palette.ACCENT, 1)]],
        hovertemplate="true %{y}<br>decision %{x}<br>%{customdata} images, %{z:.1%} of the true class<extra></extra>",
    )  # fmt: skip
    notes = []
    for row, true in enumerate(classes):
        for column, decided in enumerate(decisions):
            count, strong = int(counts[row, column]), shares[row, column] > 0.5
            notes.append(
                {
                    "x": decided, "y": true, "text": f"<b>{count}</b>" if count else "0", "showarrow": False,
                    "font": {"size": 14, "color": "#ffffff"} if strong else {"size": 14},
                    "opacity": 1 if count else 0.45,
                }
            )  # fmt: skip
    figure.update_layout(annotations=notes)
    palette.finish(figure, height=max(300, 90 + 54 * len(classes)))
    figure.update_xaxes(title="decision", showgrid=False)
    figure.update_yaxes(title="true", autorange="reversed", showgrid=False)
    return figure
