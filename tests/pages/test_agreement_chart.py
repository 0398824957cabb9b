"""The chart of agreement by class."""

from __future__ import annotations

import pandas as pd

from core.evaluation.agreement import agreement as counted
from pages.charts.agreement import PANELS, agreement
from pages.components.history_agreement import class_shares


def row(called: str, said: str, n: int) -> dict[str, object]:
    return {"decision": "class", "decided": [called], "verdict": "correct", "expert_class": said, "readings": n}


def test_each_side_has_a_mark_for_every_class_that_it_names():
    shares = class_shares(counted([row("a", "a", 8), row("a", "lymphocyte", 2)]))
    figure = agreement(shares)
    by_panel = dict(zip(PANELS, figure.data, strict=True))
    assert list(by_panel["called"].y) == ["a"]
    assert list(by_panel["called"].x) == [0.8]
    assert list(by_panel["expert"].y) == ["a", "lymphocyte"]
    assert list(by_panel["expert"].x) == [1.0, 0.0]
    assert by_panel["expert"].marker.color[1] != by_panel["expert"].marker.color[0]
    assert by_panel["called"].error_x.arrayminus[0] > 0


def test_without_images_there_is_a_sentence():
    figure = agreement(pd.DataFrame(columns=["class", "side", "agreed", "n", "value", "low", "high"]))
    assert "has been reviewed yet" in figure.layout.annotations[0].text
