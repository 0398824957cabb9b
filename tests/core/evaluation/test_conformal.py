"""Class-conditional prediction sets: by hand, and the coverage that they promise."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.conformal import ClassConditional, ConformalError, class_conditional

CLASSES = ("a", "b")


def calibration(n: int) -> tuple[np.ndarray, np.ndarray]:
    """n images a class; the true class has probability 0.5, 0.5 + 0.5 / n, ..."""
    true = 0.5 + 0.5 * np.arange(n) / n
    return np.concatenate([np.stack([true, 1 - true], 1), np.stack([1 - true, true], 1)]), np.repeat([0, 1], n)


def test_by_hand():
    found = class_conditional(*calibration(19), CLASSES)
    assert found.levels() == pytest.approx([0.05, 0.05])
    # Nothing of class a is as improbable as 0.4: 1 in 20. All of it is at most as probable as 1: 20 in 20.
    assert found.p_values([[0.4, 0.6], [1.0, 0.0]])[:, 0] == pytest.approx([0.05, 1.0])
    # 0.5 is there once, and so is counted: 2 in 20.
    assert found.p_values([0.5, 0.5]) == pytest.approx(np.array([[0.1, 0.1]]))
    assert found.members([[0.4, 0.6], [0.5, 0.5], [0.45, 0.45]]).tolist() == [[False, True], [True, True], [False] * 2]


def test_few_images_vouch_for_less():
    found = class_conditional(*calibration(9), CLASSES)
    assert found.levels() == pytest.approx([0.1, 0.1])
    assert found.least(0, 0.02) == pytest.approx((0.5, 0.9))  # the least probable image: 9 of 10 new ones lie above
    many = class_conditional(*calibration(99), CLASSES)
    assert many.least(1, 0.02) == pytest.approx((0.5 + 0.5 / 99, 0.98))


def test_too_few_are_refused():
    with pytest.raises(ConformalError, match="a 8, b 8"):
        class_conditional(*calibration(8), CLASSES)
    with pytest.raises(ConformalError, match="a 0"):
        class_conditional([[0.2, 0.8]] * 20, [1] * 20, CLASSES)
    with pytest.raises(ConformalError, match="alpha is 1"):
        class_conditional(*calibration(20), CLASSES, alpha=1)


def test_the_promise_is_kept_on_average_over_calibration_sets():
    rng = np.random.default_rng(0)
    held, least = [], []
    for _ in range(2000):
        known = tuple(np.sort(rng.beta(5, 2, 30)) for _ in CLASSES)
        found, new = ClassConditional(known), rng.beta(5, 2, 20)
        held.append(found.members(np.stack([new, 1 - new], 1))[:, 0].mean())
        least.append((new >= found.least(0, 0.05)[0]).mean())
    assert 0.955 < np.mean(held) < 0.978  # 30 images: 1 of 31 may lie below, 0.968
    assert 0.955 < np.mean(least) < 0.978
