"""Recall and precision of boxes, against what a hand computes."""

import math

import numpy as np
import pytest

from core.evaluation.detection import Detection, iou, judge, match

SQUARE = (0.0, 0.0, 10.0, 10.0)


def test_overlap_by_hand():
    others = [SQUARE, (5.0, 0.0, 15.0, 10.0), (0.0, 0.0, 10.0, 5.0), (10.0, 0.0, 20.0, 10.0), (2.0, 2.0, 2.0, 9.0)]
    # the half shifted: 50 of 150; the half of it: 50 of 100; side by side: none; an empty box: none
    assert np.allclose(iou([SQUARE], others), [[1, 1 / 3, 1 / 2, 0, 0]])
    assert iou([], [SQUARE]).shape == (0, 1)
    assert iou([SQUARE], []).shape == (1, 0)


def test_each_box_is_matched_once():
    twice = [SQUARE, (0.0, 0.0, 10.0, 9.0)]
    assert match(twice, [SQUARE], 0.5) == [(0, 0)]
    assert match([SQUARE], [], 0.5) == match([], [SQUARE], 0.5) == []


def test_as_many_pairs_as_possible_are_matched():
    """The best pair alone (found 1 with true 0, 9 / 11) would leave the other two without one."""
    true = [(0.0, 0.0, 10.0, 1.0), (6.0, 0.0, 16.0, 1.0)]
    found = [(-3.0, 0.0, 7.0, 1.0), (1.0, 0.0, 11.0, 1.0)]
    assert np.allclose(iou(found, true), [[7 / 13, 1 / 19], [9 / 11, 5 / 15]])
    assert match(found, true, 0.3) == [(0, 0), (1, 1)]
    assert match(found, true, 0.5) == [(1, 0)]


def test_counts_add_up_over_fields():
    shifted = (5.0, 0.0, 15.0, 10.0)  # IoU 1/3
    fields = [([SQUARE, (50.0, 50.0, 60.0, 60.0)], [SQUARE]), ([shifted], [SQUARE]), ([], [SQUARE]), ([SQUARE], [])]
    assert judge(fields, 0.3) == Detection(matched=2, false=2, missed=1)
    assert judge(fields, 0.5) == Detection(matched=1, false=3, missed=2)


def test_recall_precision_and_f1_with_wilson_intervals():
    found = Detection(matched=8, false=2, missed=0)
    assert (found.recall.value, found.precision.value) == (1.0, 0.8)
    assert found.f1 == pytest.approx(2 * 1.0 * 0.8 / 1.8)
    # Wilson at 8 of 10 by hand: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.96
    assert (found.precision.low, found.precision.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert found.recall.low == pytest.approx(8 / (8 + 1.96**2), abs=1e-4)


def test_nothing_found_and_nothing_there():
    nothing = judge([([], [])], 0.5)
    assert all(math.isnan(one) for one in (nothing.recall.value, nothing.precision.value, nothing.f1))
    assert (nothing.recall.low, nothing.recall.high) == (0, 1)
