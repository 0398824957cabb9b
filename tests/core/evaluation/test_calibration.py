"""Reliability bins and calibration error: by hand, in general, and against chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from core.evaluation.calibration import reliability


def test_by_hand():
    """Two bins: 0.4 wrong; 0.6 right, 0.8 wrong, 1.0 right."""
    found = reliability([0.4, 0.6, 0.8, 1.0], [False, True, False, True], bins=2)
    assert found.images.tolist() == [1, 3]
    assert found.right.tolist() == [0, 2]
    assert found.confidence.tolist() == pytest.approx([0.4, 0.8])
    assert found.error == pytest.approx(1 / 4 * 0.4 + 3 / 4 * abs(2 / 3 - 0.8))


def test_an_edge_belongs_to_the_bin_below_it():
    found = reliability([0.0, 0.5, 0.5000001, 1.0], [True] * 4, bins=2)
    assert found.images.tolist() == [2, 2]


images = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60)


@given(images, st.integers(1, 20))
def test_bins_add_up(cases: list, bins: int):
    confidence, right = (np.array(part) for part in zip(*cases, strict=True))
    found = reliability(confidence, right, bins)
    assert found.images.sum() == len(cases)
    assert found.right.sum() == right.sum()
    assert np.nansum(found.confidence * found.images) == pytest.approx(confidence.sum())
    full = found.images > 0
    inside = found.confidence[full]
    assert (inside <= found.edges[1:][full] + 1e-9).all()
    assert (inside >= found.edges[:-1][full] - 1e-9).all()
    assert 0 <= found.error <= 1
    gaps = np.abs(found.right[full] / found.images[full] - inside)
    assert found.error == pytest.approx((found.images[full] * gaps).sum() / len(cases))


def test_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    confidence = rng.random(500)
    right = rng.random(500) < confidence
    found = reliability(confidence, right, bins=10)
    share, mean = calibration_curve(right, confidence, n_bins=10)
    np.testing.assert_allclose(found.right / found.images, share)
    np.testing.assert_allclose(found.confidence, mean)


def test_chance_tells_a_calibrated_model_from_one_that_is_not():
    """In 200 samples of a calibrated model about 5 % lie above the bound; of an overconfident one nearly all do."""
    rng = np.random.default_rng(1)
    above = {0.0: 0, 0.15: 0}
    for _ in range(200):
        confidence = rng.uniform(0.5, 1, 100)
        for shift in above:
            found = reliability(confidence, rng.random(100) < confidence - shift)
            above[shift] += found.error > found.chance
    assert above[0.0] <= 22
    assert above[0.15] >= 120


def test_chance_is_the_same_whatever_the_parts(monkeypatch: pytest.MonkeyPatch):
    confidence = np.linspace(0.5, 1, 40)
    whole = reliability(confidence, confidence > 0.6)
    monkeypatch.setattr("core.evaluation.calibration._CELLS", 400)
    assert reliability(confidence, confidence > 0.6).chance == whole.chance


def test_nothing_to_bin():
    found = reliability([], [])
    assert found.images.sum() == 0
    assert np.isnan(found.error)
    assert np.isnan(found.chance)


@pytest.mark.parametrize(
    ("confidence", "right", "message"), [([0.5], [], "as many"), ([1.5], [True], "logits"), ([-0.1], [True], "0 to 1")]
)
def test_wrong_input_is_named(confidence: list[float], right: list[bool], message: str):
    with pytest.raises(ValueError, match=message):
        reliability(confidence, right)
