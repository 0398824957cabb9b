"""What a score says of images out of scope, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.evaluation.intervals import wilson
from core.evaluation.scope import ScopeError
from core.evaluation.scope_summary import level_words, verdict


def test_the_area_is_that_of_scikit_learn_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    test, outside = rng.normal(size=70), rng.normal(1.2, size=40)
    found = verdict(rng.normal(size=50), test, outside, ["a"] * 40, 0.05)
    expected = roc_auc_score(np.r_[np.zeros(70), np.ones(40)], np.r_[test, outside])
    assert found.area is not None
    assert found.area.value == pytest.approx(expected)
    assert found.area.low < expected < found.area.high


def test_flagged_images_and_false_alarms_by_hand():
    calibration = np.arange(1, 20)  # 19 images: p is 0.05 for a score above all, 0.1 for one above all but one
    found = verdict(calibration, [20, 3, 4, 5], [30, 18.5, 2, 30], ["band", "band", "band", "smudge"], 0.05)
    assert (found.flagged.flagged, found.flagged.n, found.flagged.share) == (2, 4, 0.5)
    assert [(one.name, one.flagged, one.n) for one in found.classes] == [("band", 1, 3), ("smudge", 1, 1)]
    assert (found.alarms.flagged, found.alarms.n) == (1, 4)
    assert (found.alarms.low, found.alarms.high) == wilson(1, 4)
    assert found.can_alarm
    assert verdict(calibration, [20], [30, 18.5], ["a", "a"], 0.1).flagged.flagged == 2
    never = verdict(calibration, [20], [30], ["a"], 0.04)
    assert not never.can_alarm
    assert (never.flagged.flagged, never.alarms.flagged) == (0, 0)


def test_without_test_images_there_is_no_area_and_no_alarm():
    found = verdict([1, 2], [], [3], ["a"], 0.5)
    assert found.area is None
    assert found.alarms.share is None
    assert found.alarms.words() == "0 of 0 (unknown; 95 % 0.0000 to 1.0000)"


def test_what_the_number_of_calibration_images_allows_is_said():
    assert level_words(19, 0.05).startswith("With 19 calibration images the least p-value is 0.0500; at a level below")
    assert "at the level 0.05 nothing can ever be flagged" in level_words(18, 0.05)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_a_level_that_is_none_is_refused(alpha: float):
    with pytest.raises(ScopeError, match="must lie between 0 and 1"):
        verdict([1], [1], [1], ["a"], alpha)
