"""Images from elsewhere judged: only classes that are present, each source by itself, intervals as elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from core.evaluation.elsewhere import UNKNOWN_SOURCE, by_source, outcome_of
from core.evaluation.intervals import wilson

NAMES = ("a", "b", "c", "d")


def test_a_small_set_by_hand():
    true = [0, 0, 0, 0, 2, 2]
    predicted = [0, 3, 3, 1, 2, 2]
    found = outcome_of(true, predicted, NAMES)
    a, c = found.classes
    assert (a.name, a.support, a.right, a.sensitivity, a.mistaken_for, a.mistaken) == ("a", 4, 1, 0.25, "d", 2)
    assert (a.low, a.high) == wilson(1, 4)
    assert (c.name, c.sensitivity, c.mistaken_for, c.mistaken) == ("c", 1.0, None, 0)
    assert found.absent == ("b", "d")
    assert (found.n, found.right, found.accuracy) == (6, 3, 0.5)
    assert (found.low, found.high) == wilson(3, 6)
    assert found.macro is not None
    assert found.macro.value == pytest.approx((0.25 + 1) / 2)
    assert 0 < found.macro.low < found.macro.value < found.macro.high <= 1


def test_without_images_nothing_is_claimed():
    found = outcome_of([], [], NAMES)
    assert (found.n, found.accuracy, found.macro, found.classes, found.absent) == (0, None, None, (), NAMES)
    assert (found.low, found.high) == (0.0, 1.0)


def test_sources_are_judged_apart():
    true, predicted = [0, 0, 1, 1, 1], [0, 1, 1, 0, 0]
    found = by_source(true, predicted, ["munich", "munich", "barcelona", None, ""], NAMES)
    assert list(found) == ["barcelona", "munich", UNKNOWN_SOURCE]
    assert [one.right for one in found.values()] == [1, 1, 0]
    assert [one.n for one in found.values()] == [1, 2, 2]
    assert found["munich"].absent == ("b", "c", "d")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["x", "y", None])), min_size=1))
def test_sources_add_up_and_the_macro_average_is_sklearns(images: list[tuple[int, int, str | None]]):
    true, predicted, sources = (list(column) for column in zip(*images, strict=True))
    whole = outcome_of(true, predicted, NAMES)
    parts = by_source(true, predicted, sources, NAMES).values()
    assert sum(one.n for one in parts) == whole.n == len(images)
    assert sum(one.right for one in parts) == whole.right == int(np.equal(true, predicted).sum())
    assert whole.macro is not None
    mean = recall_score(true, predicted, labels=sorted(set(true)), average="macro", zero_division=0)
    assert whole.macro.value == pytest.approx(mean)
    assert whole.macro.low - 1e-9 <= whole.macro.value <= whole.macro.high + 1e-9
