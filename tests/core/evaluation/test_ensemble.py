"""The best small ensemble: what it must find, by hand and against every set."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from core.evaluation import ensemble
from core.evaluation.ensemble import best_ensemble, n_sets
from core.evaluation.fusion import FusionError, fuse, mean_loss

# Three models that are each wrong on another image of three, with less certainty than the others are right.
TRUE = np.array([0, 0, 0])
PANEL = np.array([
    [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]],
    [[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]],
    [[0.4, 0.6], [0.9, 0.1], [0.9, 0.1]],
    [[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]],
])  # fmt: skip


def test_models_that_err_on_different_images_are_fused():
    found = best_ensemble(TRUE, PANEL, 3)
    assert (found.members, found.weights, found.method) == ((0, 1, 2), (1, 1, 1), "exhaustive")
    assert found.tried == n_sets(4, 3) == 4 + 6 + 4


def test_a_vote_needs_a_majority():
    found = best_ensemble(TRUE, PANEL, 3, rule="vote")
    votes = fuse(PANEL[list(found.members)], found.weights, "vote")
    assert (votes.argmax(axis=1) == TRUE).all()


def test_one_model_is_enough_where_nothing_improves_it():
    perfect = np.array([[[1.0, 0.0]] * 3, [[0.6, 0.4]] * 3])
    assert best_ensemble(TRUE, perfect, 2).members == (0,)
    assert best_ensemble(TRUE, perfect, 2, criterion="loss").members == (0,)


def test_equals_go_to_the_first_and_the_smaller():
    same = np.repeat(PANEL[:1], 3, axis=0)
    assert best_ensemble(TRUE, same, 3).members == (0,)


@pytest.mark.parametrize("rule", ["average", "vote"])
@pytest.mark.parametrize("criterion", ["accuracy", "loss"])
def test_every_set_is_no_better(rule: str, criterion: str):
    rng = np.random.default_rng(3)
    p, true = rng.dirichlet([0.6, 0.6, 0.6], (6, 40)), rng.integers(0, 3, 40)
    found = best_ensemble(true, p, 3, rule=rule, criterion=criterion)

    def score(members: tuple[int, ...]) -> float:
        fused = fuse(p[list(members)], np.ones(len(members)), rule)
        if criterion == "loss":
            return -mean_loss(true, p[list(members)].mean(axis=0))
        return float((fused.argmax(axis=1) == true).mean())

    best = max(score(members) for size in (1, 2, 3) for members in combinations(range(6), size))
    assert score(found.members) == pytest.approx(best, abs=1e-9)


def test_the_greedy_choice_never_gets_worse_and_may_pick_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ensemble, "MOST_SETS", 0)
    rng = np.random.default_rng(8)
    true = rng.integers(0, 3, 60)
    p = rng.dirichlet([0.6, 0.6, 0.6], (30, 60))
    p[:, np.arange(60), true] += rng.uniform(0, 1, (30, 60))
    p /= p.sum(axis=2, keepdims=True)
    single = best_ensemble(true, p, 1, criterion="loss")
    losses = [mean_loss(true, member) for member in p]
    assert single.members == (int(np.argmin(losses)),)
    found = best_ensemble(true, p, 8, criterion="loss")
    assert found.method == "greedy"
    assert sum(found.weights) <= 8
    assert found.members[0] == single.members[0]
    fused = fuse(p[list(found.members)], found.weights)
    assert mean_loss(true, fused) < min(losses)


def test_a_model_that_is_picked_twice_weighs_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ensemble, "MOST_SETS", 0)
    panel = np.array([[[0.8, 0.2], [0.46, 0.54]], [[0.24, 0.76], [0.6, 0.4]]])
    found = best_ensemble(np.array([0, 0]), panel, 3)
    # One and one: 0.52 and 0.53, both right. Two and one: 0.613 and 0.507, right too, at a lower loss.
    assert (found.members, found.weights) == ((0, 1), (2, 1))
    assert found.tried == 6


def test_nothing_to_choose_from_is_told():
    with pytest.raises(FusionError, match="no model or no image"):
        best_ensemble([], np.empty((2, 0, 3)), 2)
    with pytest.raises(FusionError, match="no model or no image"):
        best_ensemble([0], np.empty((0, 1, 3)), 2)
    with pytest.raises(FusionError, match="Choose by one of"):
        best_ensemble(TRUE, PANEL, 2, criterion="luck")
