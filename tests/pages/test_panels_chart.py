"""A row of panels stands where plotly's own `make_subplots` puts it."""

from __future__ import annotations

import pytest
from plotly.subplots import make_subplots

from pages.charts.panels import row_of_panels


@pytest.mark.parametrize("titles", [["recall"], ["sensitivity", "specificity"], ["a", "b", "c", "d"]])
def test_the_panels_stand_where_make_subplots_puts_them(titles: list[str]) -> None:
    ours = row_of_panels([[] for _ in titles], titles, spacing=0.025, x=[{}] * len(titles), y={})
    theirs = make_subplots(rows=1, cols=len(titles), shared_yaxes=True, horizontal_spacing=0.025, subplot_titles=titles)

    def flat(figure: object) -> dict[str, object]:
        layout = figure.to_dict()["layout"]  # type: ignore[attr-defined]
        layout.pop("template", None)
        axes = {
            name: {**axis, "domain": pytest.approx(axis["domain"])} for name, axis in layout.items() if "axis" in name
        }
        notes = [{**note, "x": pytest.approx(note["x"])} for note in layout["annotations"]]
        return {**axes, "annotations": notes}

    assert ours.to_dict()["layout"].keys() == theirs.to_dict()["layout"].keys()
    assert flat(theirs) == {key: ours.to_dict()["layout"][key] for key in flat(theirs)}


def test_each_panel_has_its_own_traces_and_x_axis_and_all_share_the_y_axis() -> None:
    traces = [[{"type": "scatter", "y": [1]}], [{"type": "scatter", "y": [2]}, {"type": "scatter", "y": [3]}]]

    figure = row_of_panels(
        traces, ["left", "right"], spacing=0.1, x=[{"range": [0, 1]}, {"range": [0.5, 1]}], y={"showgrid": False}
    )

    assert [(list(trace.y), trace.xaxis, trace.yaxis) for trace in figure.data] == [
        ([1], "x", "y"), ([2], "x2", "y2"), ([3], "x2", "y2"),
    ]  # fmt: skip
    assert [list(axis.range) for axis in (figure.layout.xaxis, figure.layout.xaxis2)] == [[0, 1], [0.5, 1]]
    assert [axis.showgrid for axis in (figure.layout.yaxis, figure.layout.yaxis2)] == [False, False]
