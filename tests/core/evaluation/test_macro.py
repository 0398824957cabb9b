"""Intervals of macro rates: they hold the figure, do not rise with an error, cover, and agree with redrawn images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.evaluation.intervals import wilson
from core.evaluation.macro import POSTERIOR, macro_rates
from core.evaluation.metrics import RATES, report


def with_errors(errors: int) -> np.ndarray:
    matrix = np.diag([45] * 5)
    matrix[0, 0] -= errors
    matrix[0, 1] += errors
    return matrix


def test_an_error_never_makes_a_figure_look_more_certain():
    found = [macro_rates(with_errors(errors)) for errors in range(5)]
    for name in RATES:
        lows, highs = [one[name].low for one in found], [one[name].high for one in found]
        assert lows == sorted(lows, reverse=True)
        assert highs == sorted(highs, reverse=True)
        assert highs[0] == 1
        assert highs[1] > found[1][name].value + 1e-4  # one error seen does not exclude a rarer one
        assert lows[0] < 0.995
    assert found[0]["specificity"].method == POSTERIOR


@settings(max_examples=30, deadline=None)
@given(arrays(np.int64, (4, 4), elements=st.integers(0, 30)))
def test_intervals_hold_the_figure_and_repeat(matrix: np.ndarray):
    found, plain = macro_rates(matrix), report(matrix)
    for name, one in found.items():
        assert one.value == plain.macro[name]
        assert 0 <= one.low <= one.value <= one.high <= 1
    assert macro_rates(matrix) == found


@pytest.mark.parametrize("wrong", [0.002, 0.01, 0.05, 0.3])
def test_intervals_cover(wrong: float):
    rng = np.random.default_rng(4)
    shares = np.full((5, 5), wrong / 4) + np.eye(5) * (1 - wrong - wrong / 4)
    truth = report(np.round(shares * 1e6)).macro
    inside = dict.fromkeys(RATES, 0)
    for _ in range(60):
        for name, one in macro_rates(np.stack([rng.multinomial(45, row) for row in shares])).items():
            inside[name] += one.low <= truth[name] <= one.high
    assert min(inside.values()) >= 53  # of 60; 95 % are 57


def test_many_images_agree_with_redrawn_ones():
    rng = np.random.default_rng(1)
    matrix = np.array([[300, 60, 40], [20, 350, 30], [80, 10, 110]])
    rows = [rng.multinomial(row.sum(), row / row.sum(), 2000) for row in matrix]
    drawn = [report(one).macro for one in np.stack(rows, axis=1)]
    for name, one in macro_rates(matrix).items():
        low, high = np.quantile([each[name] for each in drawn], [0.025, 0.975])
        assert (one.low, one.high) == pytest.approx((low, high), abs=0.005)


def test_a_class_without_images_and_no_image_at_all():
    found = macro_rates([[5, 1, 0], [0, 6, 0], [0, 0, 0]])
    assert found["recall"].value == pytest.approx((5 / 6 + 1 + 0) / 3)
    assert found["recall"].low < found["recall"].value <= found["recall"].high <= 2 / 3
    assert {(one.low, one.high) for one in macro_rates(np.zeros((2, 2))).values()} == {(0, 1)}


def test_two_classes_are_about_as_wide_as_wilson():
    """Of two classes with as many images the macro recall is the accuracy, up to how the rows are drawn."""
    found = macro_rates([[90, 10], [10, 90]])["recall"]
    assert (found.low, found.high) == pytest.approx(wilson(180, 200), abs=0.01)
