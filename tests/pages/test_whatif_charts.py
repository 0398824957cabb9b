"""The charts of the what-if pages: what they draw, and of nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation.decision import equal_thresholds
from pages.charts.decisions import decision_matrix, operating_rates, threshold_curves
from pages.charts.fusion import fusion_accuracies
from pages.components import whatif_decision_tables as decision
from tests.pages.test_whatif_tables import CLASSES, OUTPUTS


def rates() -> pd.DataFrame:
    judged = decision.judge(equal_thresholds(2), OUTPUTS, CLASSES, None)
    return pd.concat([judged.rates.assign(split=split) for split in ("validation", "test")])


def test_rates_of_both_splits_stand_in_four_panels():
    figure = operating_rates(rates())
    assert len(figure.data) == 8
    assert [trace.name for trace in figure.data if trace.showlegend] == ["validation", "test"]
    sensitivity = figure.data[0]
    assert list(sensitivity.x) == [0.8, 0.9]
    assert list(figure.layout.yaxis.ticktext) == CLASSES
    assert operating_rates(rates().iloc[:0]).layout.annotations[0].text == "No rates for this choice."


def test_a_rate_of_nothing_leaves_a_gap():
    table = rates()
    table.loc[table["measure"] == "ppv", ["value", "low", "high"]] = np.nan
    figure = operating_rates(table)
    assert np.isnan(np.array(figure.data[4].x, dtype=float)).all()


def test_curves_mark_the_chosen_threshold():
    rule = equal_thresholds(2)
    own = rates().query("split == 'test' and `class` == 'a'")
    table = decision.curves(rule, OUTPUTS, 0, None)
    figure = threshold_curves(table, own, threshold=0.5)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [trace.name for trace in lines] == ["sensitivity", "specificity", "PPV"]
    assert all(trace.line.shape == "vh" for trace in lines)  # a rate holds up to its threshold
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(trace.x[0], trace.y[0]) for trace in marks] == [(0.5, 0.8), (0.5, 0.9), (0.5, 8 / 9)]
    assert figure.layout.xaxis.type is None
    assert threshold_curves(table, own, threshold=0.5, log=True).layout.xaxis.type == "log"
    assert "No images" in threshold_curves(table.iloc[:0], own, threshold=0.5).layout.annotations[0].text


def test_the_matrix_has_a_column_for_referrals():
    figure = decision_matrix([[8, 0, 2], [0, 9, 1]], CLASSES)
    assert list(figure.data[0].x) == ["a", "b", "refer"]
    assert figure.data[0].z[0][2] == 0.2
    assert [note.text for note in figure.layout.annotations][2] == "<b>2</b>"


def test_the_fusion_stands_above_its_members():
    table = pd.DataFrame(
        {
            "split": ["validation"] * 2 + ["test"] * 2, "model": ["fusion", "x"] * 2, "value": [0.9, 0.8, 1.0, 1.0],
            "low": [0.8, 0.7, 0.95, 0.95], "high": [0.95, 0.9, 1, 1], "right": [9, 8, 10, 10], "n": [10] * 4,
        }
    )  # fmt: skip
    figure = fusion_accuracies(table)
    assert list(figure.layout.yaxis.ticktext) == ["<b>fusion</b>", "x"]
    assert figure.layout.xaxis.range[0] < 0.7
    assert "Choose members" in fusion_accuracies(table.iloc[:0]).layout.annotations[0].text
