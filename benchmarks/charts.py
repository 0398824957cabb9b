"""How long a chart takes on the server: the layout that all charts share, and a row of panels, against plotly's own
helpers for them, interleaved in one process."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.measure import Spread, heading, ratios
from pages.charts import palette
from pages.charts.panels import row_of_panels

TITLES = ("sensitivity", "specificity", "PPV", "NPV")
CLASSES = ["basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil"]
AXIS = {"automargin": True, "fixedrange": False, "zeroline": False}
MARKS = {"x": [0.9, 0.95, 0.98, 0.99, 1.0], "y": CLASSES, "mode": "markers", "marker": {"size": 9}}


def our_layout() -> go.Figure:
    return palette.finish(go.Figure(go.Scatter(MARKS)), height=300, showlegend=True)


def plain_layout() -> go.Figure:
    figure = go.Figure(go.Scatter(MARKS))
    figure.update_layout(
        height=300, margin={"l": 8, "r": 8, "t": 8, "b": 8}, uirevision="kept", hoverlabel={"align": "left"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"}, dragmode=False,
        showlegend=True,
    )  # fmt: skip
    figure.update_xaxes(AXIS)
    figure.update_yaxes(AXIS)
    return figure


def our_panels() -> go.Figure:
    return row_of_panels(
        [[{"type": "scatter", **MARKS}] * 2 for _ in TITLES], TITLES, spacing=0.025, x=[{"range": [0.8, 1]}] * 4,
        y={"autorange": "reversed"},
    )  # fmt: skip


def plain_panels() -> go.Figure:
    figure = make_subplots(rows=1, cols=4, shared_yaxes=True, horizontal_spacing=0.025, subplot_titles=list(TITLES))
    for column in range(1, 5):
        for _ in range(2):
            figure.add_scatter(**MARKS, row=1, col=column)
        figure.update_xaxes(range=[0.8, 1], row=1, col=column)
    figure.update_yaxes(autorange="reversed")
    return figure


PAIRS = {"common layout": (our_layout, plain_layout), "row of four panels": (our_panels, plain_panels)}


def timed(make: Callable[[], go.Figure]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    make()
    return 1000 * (time.perf_counter() - started)


def report(rounds: int) -> str:
    """Both ways timed in turn, in words."""
    lines = []
    for name, (ours, plain) in PAIRS.items():
        timed(ours), timed(plain)  # plotly imports what it needs at first use
        pairs = [(timed(ours), timed(plain)) for _ in range(rounds)]
        mine, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        lines.append(
            f"{name:<18} ours {Spread.of(mine)} ms, plotly's helpers {Spread.of(theirs)} ms, "
            f"ratio {ratios(mine, theirs)}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args(argv).rounds
    print(heading("CellAscent charts"))
    print(report(rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
