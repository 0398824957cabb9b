"""The tables and sentences behind the what-if pages, by hand."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from core.evaluation.decision import Costs, Thresholds, equal_costs, equal_thresholds
from core.evaluation.fusion import Outputs
from pages.components import whatif_decision_tables as decision
from pages.components import whatif_fusion_tables as fusion
from pages.components.whatif_address import compact, joined, names, numbers, precise, unique

CLASSES = ["a", "b"]
P = np.array([[0.9, 0.1]] * 8 + [[0.3, 0.7]] * 2 + [[0.2, 0.8]] * 9 + [[0.55, 0.45]])
OUTPUTS = Outputs(np.arange(20), np.repeat([0, 1], 10), P)


def rate(judged: decision.Judged, name: str, measure: str) -> dict:
    rows = judged.rates
    return rows[(rows["class"] == name) & (rows["measure"] == measure)].to_dict("records")[0]


def test_rates_are_counts_with_wilson_intervals():
    judged = decision.judge(equal_thresholds(2), OUTPUTS, CLASSES, None)
    assert judged.matrix.tolist() == [[8, 2, 0], [1, 9, 0]]
    for measure, good, n in (("sensitivity", 8, 10), ("specificity", 9, 10), ("ppv", 8, 9), ("npv", 9, 11)):
        found = rate(judged, "a", measure)
        assert (found["successes"], found["n"], found["interval"]) == (good, n, "Wilson")
        assert (found["low"], found["high"]) == pytest.approx(proportion_confint(good, n, method="wilson"))
    assert judged.right[0] == pytest.approx(17 / 20)
    assert judged.referred == (0.0, 0.0, pytest.approx(proportion_confint(0, 20, method="wilson")[1]))
    assert judged.cost is None
    assert judged.n == 20


def test_referred_images_are_of_no_class():
    judged = decision.judge(Thresholds((0.6, 0.75)), OUTPUTS, CLASSES, None)
    assert judged.matrix.tolist() == [[8, 0, 2], [0, 9, 1]]
    assert judged.referred[0] == pytest.approx(3 / 20)
    assert (rate(judged, "b", "npv")["successes"], rate(judged, "b", "npv")["n"]) == (10, 11)


def test_a_class_that_nothing_is_decided_as_has_no_ppv():
    judged = decision.judge(Thresholds((0.01, 1.0), refer=False), OUTPUTS, CLASSES, None)
    found = rate(judged, "b", "ppv")
    assert found["n"] == 0
    assert np.isnan(found["value"])
    assert decision.wide({"validation": judged}, CLASSES)["PPV"].tolist()[1] == "–"


def test_another_prevalence_keeps_the_counts_and_says_its_method():
    judged = decision.judge(equal_costs(2), OUTPUTS, CLASSES, np.array([0.01, 0.99]))
    found = rate(judged, "a", "ppv")
    assert found["value"] == pytest.approx(0.01 * 0.8 / (0.01 * 0.8 + 0.99 * 0.1))
    assert (found["successes"], found["n"], found["interval"]) == (8, 9, decision.SIMULATED)
    assert rate(judged, "a", "sensitivity")["interval"] == "Wilson"
    assert judged.right[0] == pytest.approx(0.01 * 0.8 + 0.99 * 0.9)
    assert judged.cost[0] == pytest.approx(1 - judged.right[0])
    words = decision.of_a_thousand(judged, CLASSES, 0, np.array([0.01, 0.99]))
    assert words == "Of 1,000 cells, 10 are a: 8 of them are decided so, and so are 99 of the others."


def test_exports_hold_every_number():
    found = {split: decision.judge(Thresholds((0.6, 0.75)), OUTPUTS, CLASSES, None) for split in ("validation", "test")}
    table = pd.read_csv(io.StringIO(decision.long_csv(found)))
    assert len(table) == 2 * 2 * 4
    assert set(table.columns) == {*decision.COLUMNS, "images"}
    cells = pd.read_csv(io.StringIO(decision.matrix_csv(found, CLASSES)))
    assert cells[(cells["images"] == "test") & (cells["decision"] == "refer")]["count"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Thresholds((0.2, 0.05)), "thresholds a 0.2, b 0.05; below all: refer to an expert"),
        (Thresholds((0.2, 0.05), refer=False), "thresholds a 0.2, b 0.05; below all: the largest ratio"),
        (equal_costs(2), "costs 0 and 1"),
        (Costs(((0, 1, 0.2), (9, 0, 1))), "costs 0 and 1, but referral of a 0.2, b as a 9"),
    ],
)
def test_rules_in_words(rule: Thresholds | Costs, said: str):
    assert decision.in_words(rule, CLASSES) == said


def scores(right: list[int], loss: float = 0.5) -> fusion.Scores:
    return fusion.Scores(np.array(right, dtype=bool), np.eye(2, dtype=int), 1.0, loss)


def test_the_paired_sentence_is_mcnemars():
    one, other = scores([1] * 9 + [0] * 2 + [1] * 20), scores([0] * 9 + [1] * 2 + [1] * 20)
    said = fusion.sentence(one, other, "x")
    p = mcnemar([[20, 9], [2, 0]], exact=True).pvalue
    assert said == (
        f"The fusion is right on 9 images where x is wrong, and wrong on 2 where it is right; McNemar's exact test, "
        f"p = {p:.3g}: not shown to differ."
    )
    assert "p = 0.00195: shown to differ" in fusion.sentence(scores([1] * 10), scores([0] * 10), "x")
    assert fusion.sentence(one, one, "x") == "The fusion and x are right on the same images."
    assert "right on 1 image where" in fusion.sentence(scores([1, 1]), scores([0, 1]), "x")


def test_the_best_member_is_the_most_accurate_then_the_surest():
    members = {"a": scores([1, 1, 0]), "b": scores([1, 1, 1], 0.4), "c": scores([1, 1, 1], 0.3)}
    assert fusion.best_member(members) == "c"


def test_scores_of_outputs():
    found = fusion.scores_of(OUTPUTS)
    assert (found.hits, found.n, found.accuracy) == (17, 20, 0.85)
    assert found.interval == pytest.approx(proportion_confint(17, 20, method="wilson"))
    assert found.macro_specificity == pytest.approx((0.9 + 0.8) / 2)
    assert fusion.scores_of(OUTPUTS, vote=True).loss is None
    macro = fusion.macro_specificity(found)
    assert macro.low < macro.value < macro.high


@pytest.mark.parametrize("whole", [[1], [1, 1, 1], [3, 1], [10, 7, 1], [2, 4], [1, 10, 10]])
def test_saved_weights_open_as_whole_numbers(whole: list[int]):
    found = fusion.whole_weights([weight / sum(whole) for weight in whole], 10)
    assert [a * whole[0] for a in found] == [found[0] * b for b in whole]
    assert max(found) <= 10


def test_odd_weights_are_rounded_and_none_is_lost():
    assert fusion.whole_weights([0.999, 0.001], 10) == [10, 1]


def test_equal_proportions_are_the_same_fusion():
    assert fusion.same_proportions({"a": 2, "b": 4, "c": 0}, {"b": 2.0, "a": 1.0})
    assert not fusion.same_proportions({"a": 1, "b": 1}, {"a": 1})
    assert not fusion.same_proportions({"a": 1, "b": 1}, {"a": 1, "b": 2})
    assert not fusion.same_proportions({}, {})


def test_what_the_address_holds():
    assert compact([0.2, 0.0001, 1, 12, 49.75]) == "0.2_0.0001_1_12_49.75"
    assert precise([1 / 3, 49.75, 150, 0, 2e-9, 3e20]) == "0.333333333333_49.75_150_0_2e-09_3e20"
    assert numbers(precise([1 / 3, 2e-9, 3e20]), 3) == pytest.approx((1 / 3, 2e-9, 3e20), rel=1e-11)
    assert numbers("0.2_0.0001", 2) == (0.2, 0.0001)
    assert all(numbers(text, 2) is None for text in (None, "", "1", "1_x", "1_2_3", "1_nan", "1_inf"))
    assert names(joined(["s.1", "s.2", "s.1"])) == ["s.1", "s.2"]
    assert names("") == []
    assert unique({"1": "x", "2": "x", "3": "y"}) == {"1": "x (1)", "2": "x (2)", "3": "y"}
