"""Every listed point once, as one cycle."""

from __future__ import annotations

import pytest

from core.search.every import Every
from core.search.gseca import FAILED
from core.search.space import Add, Choose, SearchSpace

SPACE = SearchSpace((Add("batch_size", 10, 10, 60), Choose("backbone", ("a", "b")), Choose("recipe", ("x", "y", "z"))))


def test_all_combinations_are_asked_once_and_the_best_is_chosen() -> None:
    every = Every(SPACE)
    asked = every.ask()
    assert [candidate.coordinate for candidate in asked] == ["a-x", "a-y", "a-z", "b-x", "b-y", "b-z"]
    assert [candidate.point["batch_size"] for candidate in asked] == [10] * 6
    for candidate, score in zip(asked, (0.1, 0.5, FAILED, 0.5, 0.2, 0.3), strict=True):
        assert not every.finished
        every.tell(candidate, score)
    assert every.finished
    assert every.ask() == []
    assert every.best is not None
    assert every.best.point == {"batch_size": 10, "backbone": "a", "recipe": "y"}  # a tie: the first
    assert every.stop_reason == "all 6 points are trained"
    assert every.decisions[0].runner_up_score == 0.5


def test_told_scores_are_not_asked_again() -> None:
    every = Every(SPACE, max_trials=3)
    first = every.ask()[0]
    every.tell(first, 0.5)
    assert [candidate.coordinate for candidate in every.ask()] == ["a-y", "a-z"]
    for candidate in every.ask():
        every.tell(candidate, 0.1)
    assert every.stop_reason == "the limit of 3 trials is reached, 3 points are left out"


def test_when_all_fail_there_is_no_best() -> None:
    every = Every(SPACE, max_trials=2)
    for candidate in every.ask():
        every.tell(candidate, FAILED)
    assert every.best is None
    assert every.finished


def test_one_point_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="at least two recipes or backbones"):
        Every(SearchSpace((Add("batch_size", 10, 10, 60), Choose("recipe", ("x",)))))
