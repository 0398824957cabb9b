"""Agreement of model and expert: kappa against statsmodels, and every reviewed image in exactly one count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from core.evaluation.agreement import NO_WIDTH, NOBODY_YET, agreement, cohen_kappa
from core.evaluation.intervals import wilson


def row(decision: Any, decided: Any, verdict: str, expert: Any, n: int = 1) -> dict[str, Any]:
    return {"decision": decision, "decided": decided, "verdict": verdict, "expert_class": expert, "readings": n}


def names(k: int) -> tuple[str, ...]:
    return tuple("abcdef"[:k])


@given(st.integers(2, 5).flatmap(lambda k: st.lists(st.integers(0, 30), min_size=k * k, max_size=k * k)))
@settings(max_examples=60, deadline=None)
def test_kappa_and_its_interval_are_those_of_statsmodels(counts: list[int]):
    k = int(len(counts) ** 0.5)
    table = np.array(counts).reshape(k, k)
    found = cohen_kappa(table, names(k))
    if found.value is None:
        assert np.count_nonzero(table.sum(0) + table.sum(1)) <= 1
        return
    theirs = cohens_kappa(table)
    assert found.value == pytest.approx(theirs.kappa)
    if found.low is None:
        assert np.nan_to_num(theirs.std_kappa) == pytest.approx(0, abs=1e-6)
    else:
        assert found.low == pytest.approx(max(-1, theirs.kappa_low), abs=1e-6)
        assert found.high == pytest.approx(min(1, theirs.kappa_upp), abs=1e-6)


def test_the_example_of_fleiss_cohen_and_everitt():
    # Table 1 of Psychol. Bull. 72 (1969) 323-327, as counts of 100: kappa 0.429
    found = cohen_kappa(np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]]), names(3))
    assert found.value == pytest.approx(0.429, abs=5e-4)


def test_nothing_reviewed_says_so():
    found = agreement([])
    assert (found.reviewed, found.overall.n, found.overall.estimate, found.classes) == (0, 0, None, ())
    assert (found.kappa.value, found.kappa.why) == (None, NOBODY_YET)


def test_one_class_alone_leaves_kappa_undefined():
    found = agreement([row("class", ["a"], "confirm", "a", 7)])
    assert found.overall.estimate is not None
    assert (found.overall.agreed, found.overall.n) == (7, 7)
    assert (found.overall.estimate.low, found.overall.estimate.high) == wilson(7, 7)
    assert found.kappa.value is None
    assert "'a' on every image" in found.kappa.why


def test_full_agreement_on_two_classes_claims_no_certainty():
    found = agreement([row("class", ["a"], "confirm", "a", 3), row("class", ["b"], "confirm", "b", 2)])
    assert found.kappa.value == pytest.approx(1)
    assert (found.kappa.low, found.kappa.why) == (None, NO_WIDTH)


def test_each_class_is_counted_from_both_sides():
    found = agreement([
        row("class", ["a"], "confirm", "a", 8), row("class", ["a"], "correct", "b", 2),
        row("class", ["b"], "confirm", "b", 5), row("class", ["b"], "correct", "lymphocyte"),
    ])  # fmt: skip
    assert found.classes == ("a", "b", "lymphocyte")
    assert found.matrix.tolist() == [[8, 2, 0], [0, 5, 1], [0, 0, 0]]
    assert [(one.class_, one.agreed, one.n) for one in found.by_called] == [
        ("a", 8, 10),
        ("b", 5, 6),
        ("lymphocyte", 0, 0),
    ]
    assert [(one.agreed, one.n) for one in found.by_expert] == [(8, 8), (5, 7), (0, 1)]
    assert found.by_called[2].estimate is None


def test_what_either_leaves_open_is_counted_apart_and_nothing_is_dropped():
    rows = [
        row("class", ["a"], "confirm", "a", 4), row("class", ["a"], "refer", None, 3),
        row("set", ["a", "b"], "confirm", "b", 6), row("set", ["a", "b"], "correct", "c", 2),
        row("set", ["a", "b"], "refer", None, 1), row("refer", [], "correct", "c", 5),
        row("refer", [], "refer", None, 7), row(None, None, "correct", "a", 9),
    ]  # fmt: skip
    found = agreement(rows)
    assert (found.overall.n, found.expert_referred) == (4, 3)
    assert (found.sets.agreed, found.sets.n, found.sets_referred) == (6, 8, 1)
    assert (dict(found.model_referred), found.both_referred, found.undecided) == ({"c": 5}, 7, 9)
    assert found.reviewed == sum(one["readings"] for one in rows)
