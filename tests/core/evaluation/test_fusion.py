"""Fusions by hand, and members that cannot answer together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.fusion import FusionError, Outputs, fuse, fuse_outputs, mean_loss
from core.evaluation.metrics import class_loss

ONE = [[0.6, 0.4, 0.0], [0.5, 0.5, 0.0]]
TWO = [[0.1, 0.9, 0.0], [0.0, 0.2, 0.8]]
THREE = [[0.6, 0.3, 0.1], [0.4, 0.3, 0.3]]


def test_an_average_by_hand():
    assert fuse([ONE, TWO], [3, 1])[0] == pytest.approx([0.475, 0.525, 0])
    assert fuse([ONE, TWO], [0, 2]) == pytest.approx(np.array(TWO))


def test_a_vote_by_hand():
    votes = fuse([ONE, TWO, THREE], [1, 1, 1], "vote")
    assert votes[0] == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-5)
    assert fuse([ONE, TWO, THREE], [1, 3, 1], "vote")[0].argmax() == 1


def test_an_even_vote_is_decided_by_the_probabilities():
    votes = fuse([ONE, TWO], [1, 1], "vote")
    assert votes[0].argmax() == 1  # 0.35 against 0.65, although class 0 comes first
    assert votes[1].argmax() == 2  # 0.25, 0.35, 0.4: of the two that were called, the likelier


@given(st.integers(0, 2**32 - 1), st.sampled_from(["average", "vote"]))
def test_answers_sum_to_one_and_one_member_answers_as_itself(seed: int, rule: str):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.5, 0.5, 0.5, 0.5], (3, 7))
    fused = fuse(p, rng.uniform(0.1, 1, 3), rule)
    assert fused.sum(axis=1) == pytest.approx(np.ones(7))
    assert (fused >= 0).all()
    alone = fuse(p[:1], [0.3], rule)
    assert (alone.argmax(axis=1) == p[0].argmax(axis=1)).all()
    if rule == "average":
        assert alone == pytest.approx(p[0])


@pytest.mark.parametrize(
    ("weights", "rule", "said"),
    [
        ([1, 1], "product", "no fusion rule 'product'"),
        ([0, 0], "average", "weight above 0"),
        ([2, -1], "average", "weight above 0"),
        ([1], "average", "1 weights for 2 models"),
    ],
)
def test_what_is_no_fusion_is_refused(weights: list[float], rule: str, said: str):
    with pytest.raises(FusionError, match=said):
        fuse([ONE, TWO], weights, rule)


def outputs(ids: list[int], true: list[int], p: list) -> Outputs:
    return Outputs(np.array(ids), np.array(true), np.array(p))


def test_members_must_speak_of_the_same_images():
    one = outputs([1, 2], [0, 1], ONE)
    fused = fuse_outputs([one, outputs([1, 2], [0, 1], TWO)], [1, 1])
    assert fused.n == 2
    assert fused.image_ids.tolist() == [1, 2]
    with pytest.raises(FusionError, match="not judged on the same images"):
        fuse_outputs([one, outputs([1, 3], [0, 1], TWO)], [1, 1])
    with pytest.raises(FusionError, match="not judged on the same images"):
        fuse_outputs([one, outputs([1, 2], [0, 2], TWO)], [1, 1])
    with pytest.raises(FusionError, match="different numbers of classes"):
        fuse_outputs([one, outputs([1, 2], [0, 1], [[0.5, 0.5], [0.5, 0.5]])], [1, 1])
    with pytest.raises(FusionError, match="at least one model"):
        fuse_outputs([], [])


def test_the_loss_is_the_mean_over_images():
    true, p = np.array([0, 0, 1]), np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    each = class_loss(true, p)
    assert mean_loss(true, p) == pytest.approx((2 * each[0] + each[1]) / 3)
    assert np.isfinite(mean_loss([0], [[0.0, 1.0]]))
