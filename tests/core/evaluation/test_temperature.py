"""Temperature scaling: found again where it is known, never worse, and a probability at any temperature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from core.evaluation.temperature import RANGE, cross_entropy, fit_temperature, tempered


def drawn(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident (or shy) probabilities, and labels drawn from what they are at this temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (n, 4))
    right = softmax(logits / temperature, axis=1)
    return softmax(logits, axis=1), (right.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature: float):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.04)


def test_it_is_the_minimum_of_the_cross_entropy():
    p, labels = drawn(2.0, 500)
    best = fit_temperature(p, labels)
    least = cross_entropy(tempered(p, best), labels)
    for other in np.geomspace(*RANGE, 40):
        assert cross_entropy(tempered(p, float(other)), labels) >= least - 1e-9


def test_images_that_are_all_called_right_give_no_certainty():
    p = np.tile([[0.9, 0.05, 0.05]], (150, 1))
    found = tempered(p, fit_temperature(p, [0] * 150))
    assert found[0, 0] == pytest.approx(1 - 1 / 152, abs=1e-3)


def test_platts_targets_by_hand():
    assert cross_entropy(np.array([[0.5, 0.25, 0.25]]), np.array([0])) == pytest.approx(
        -(2 / 3 * np.log(0.5) + 1 / 3 * np.log(0.25))
    )


def test_by_hand():
    assert tempered([0.8, 0.2], 2.0) == pytest.approx([2 / 3, 1 / 3])  # 4 : 1 becomes its square root, 2 : 1
    assert tempered([1.0, 0.0], 1.0) == pytest.approx([1.0, 0.0])


def test_without_images_there_is_nothing_to_fit():
    with pytest.raises(ValueError, match="cannot be calibrated"):
        fit_temperature(np.empty((0, 3)), [])
    with pytest.raises(ValueError, match="cannot be calibrated"):
        fit_temperature([[0.5, 0.5]], [0, 1])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda one: sum(one) > 0.01), st.floats(0.05, 20))
def test_any_temperature_leaves_a_distribution_in_the_same_order(numbers: list[float], temperature: float):
    p = np.array(numbers) / sum(numbers)
    found = tempered(p, temperature)
    assert found.sum() == pytest.approx(1)
    assert found[p.argmax()] == found.max()
