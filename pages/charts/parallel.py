"""Parallel coordinates: one line a trial through its hyper-parameters to its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette
from pages.charts.wording import value

MOST_TICKS = 12


@dataclass(frozen=True)
class Axis:
    """One axis: a column of the table, what it is called, and whether its numbers are laid out by their logarithm."""

    column: str
    label: str
    log: bool = False


def parallel(table: pd.DataFrame, axes: Sequence[Axis], score: str) -> go.Figure:
    """`table` has a row a trial and a column for each axis, without gaps; `score` names the column that colours a line.

    Text columns get a place a value. Dragging along an axis leaves only the trials in that range; one chart draws
    thousands of trials.
    """
    if table.empty:
        return palette.empty("None of these trials has a score yet.", height=380)
    scores = table[score].to_numpy(float)
    low, high = float(np.nanquantile(scores, 0.1)), float(scores.max())
    figure = go.Figure()
    figure.add_parcoords(
        dimensions=[_dimension(table[axis.column], axis) for axis in axes],
        line={
            "color": scores, "cmin": low if low < high else high - 1e-6, "cmax": high, "showscale": False,
            "colorscale": [[0, palette.QUIET], [0.5, palette.SERIES[2]], [1, palette.WARM]],
        },
        unselected={"line": {"opacity": 0.06}},
        labelfont={"size": 13}, tickfont={"size": 12}, rangefont={"size": 1, "color": "rgba(0,0,0,0)"},
    )  # fmt: skip
    palette.finish(figure, height=420, margin={"l": 70, "r": 70, "t": 60, "b": 24})
    return figure


def _dimension(column: pd.Series, axis: Axis) -> dict[str, Any]:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        names = sorted({str(entry) for entry in column})
        places = column.astype(str).map({name: place for place, name in enumerate(names)})
        return {"label": axis.label, "values": places, "tickvals": list(range(len(names))), "ticktext": names,
                "range": [-0.5, len(names) - 0.5]}  # fmt: skip
    numbers = column.to_numpy(float)
    if axis.log and numbers.min() > 0:
        ticks = np.unique(numbers)
        if len(ticks) > MOST_TICKS or axis.column.endswith("loss"):
            ticks = _round(ticks[0], ticks[-1])
        places = np.log10(numbers)
        return {"label": axis.label, "values": places, "tickvals": np.log10(ticks), "range": _range(places),
                "ticktext": [value(axis.column, float(tick)) for tick in ticks]}  # fmt: skip
    dimension: dict[str, Any] = {"label": axis.label, "values": numbers, "range": _range(numbers)}
    few = np.unique(numbers)
    if len(few) <= MOST_TICKS and axis.column not in ("val_accuracy", "test_accuracy"):
        dimension |= {"tickvals": few, "ticktext": [value(axis.column, float(tick)) for tick in few]}
    return dimension


def _round(low: float, high: float) -> np.ndarray:
    """1, 2 and 5 times the powers of ten between two numbers; of a wide span the powers alone."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = np.array([1.0] if len(powers) > 4 else [1.0, 2.0, 5.0])
    ticks = np.sort((10.0 ** powers[:, None] * steps).ravel())
    return ticks[(ticks >= low * 0.999) & (ticks <= high * 1.001)]


def _range(numbers: np.ndarray) -> list[float]:
    low, high = float(np.min(numbers)), float(np.max(numbers))
    return [low, high] if low < high else [low - 0.5, high + 0.5]
