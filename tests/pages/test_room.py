"""Charts come with room for their labels, so that the browser need not draw them twice."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from pages.charts import palette
from pages.charts.room import with_room


def _chart(**layout: object) -> go.Figure:
    return palette.finish(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.6])), height=300, **layout)


def _margin(figure: go.Figure) -> dict[str, float]:
    return dict(with_room(figure).layout.margin.to_plotly_json())


def test_a_title_makes_its_margin_wider() -> None:
    plain, titled = _margin(_chart()), _margin(_chart(xaxis={"title": "epoch"}, yaxis={"title": "loss"}))

    assert titled["l"] > plain["l"] > 8
    assert titled["b"] > plain["b"] > 8
    assert titled["t"] == plain["t"] == 8


def test_long_names_on_the_y_axis_make_it_wider_and_tags_do_not_count() -> None:
    def margin(names: list[str]) -> float:
        return _margin(palette.finish(go.Figure(go.Scatter(x=[1] * len(names), y=names)), height=300))["l"]

    assert margin(["basophil", "seg_neutrophil"]) > margin(["basophil"]) > margin(["b"])
    assert margin(["<b>basophil</b>"]) == margin(["basophil"])
    assert margin(["basophil<br>of both"]) == margin(["basophil"])


def test_given_tick_texts_count_instead_of_the_values() -> None:
    given = _chart(yaxis={"tickvals": [0.5], "ticktext": ["a long name of a trial"]})

    assert _margin(given)["l"] > _margin(_chart())["l"]


@pytest.mark.parametrize(
    ("layout", "room"),
    [
        ({"showlegend": True}, True),
        ({"showlegend": False}, False),
        ({"showlegend": True, "legend": {"y": -0.16, "yanchor": "top"}}, False),
        ({"showlegend": True, "legend": {"orientation": "v"}}, False),
    ],
)
def test_a_legend_above_the_plot_has_room_there(layout: dict[str, object], room: bool) -> None:
    assert (_margin(_chart(**layout))["t"] > 8) == room


def test_wider_margins_that_a_chart_asks_for_are_kept() -> None:
    assert _margin(_chart(margin={"l": 200, "t": 90, "b": 120, "r": 50})) == {"l": 200, "t": 90, "b": 120, "r": 50}


def test_nothing_is_added_where_nothing_is_drawn_against_axes() -> None:
    assert _margin(palette.empty("No trial has finished yet.", height=230)) == {"l": 8, "r": 8, "t": 8, "b": 8}
    parallel = go.Figure(go.Parcoords(dimensions=[{"values": [1, 2]}]))
    assert _margin(palette.finish(parallel, height=300, margin={"b": 24})) == {"l": 8, "r": 8, "t": 8, "b": 24}


def test_an_axis_that_hides_its_labels_takes_no_room() -> None:
    hidden = _chart(xaxis={"showticklabels": False, "title": "epoch"}, yaxis={"showticklabels": False})

    assert _margin(hidden)["l"] == _margin(hidden)["b"] == 8


def test_an_axis_above_the_plot_takes_no_room_below_it() -> None:
    assert _margin(_chart(xaxis={"side": "top", "title": "severity"}))["b"] == 8


def test_the_last_label_has_room_only_where_the_axis_ends_with_the_data() -> None:
    assert _margin(_chart())["r"] > _margin(_chart(xaxis={"range": [0, 3]}))["r"] == 8


def test_names_count_although_the_first_is_missing() -> None:
    named = palette.finish(go.Figure(go.Scatter(x=[1, 2], y=[None, "seg_neutrophil"])), height=300)

    assert _margin(named)["l"] > _margin(_chart())["l"]
