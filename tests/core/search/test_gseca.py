"""GSECA against the published Table 3, hand-made cases, and random score tables."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.gseca import FAILED, Candidate, Gseca
from core.search.space import PUBLISHED_SPACE, Add, Choose, Divide, Grow, SearchSpace

# DE_COUNT while the trial ran, learning rate, batch size, epochs, validation accuracy: Table 3 of He & Zhou (2025).
TABLE_3 = [
    (0, 1e-2, 10, 20, 0.8787),
    (0, 1e-2, 20, 20, 0.5293), (0, 1e-2, 10, 24, 0.9760), (0, 1e-3, 10, 20, 0.9933),
    (0, 1e-3, 20, 20, 0.9933), (0, 1e-3, 10, 24, 0.9800), (0, 1e-4, 10, 20, 1.0000),
    (0, 1e-4, 20, 20, 0.9987), (0, 1e-4, 10, 24, 0.9960), (0, 1e-5, 10, 20, 0.9947),
    (1, 1e-4, 30, 20, 0.9960), (1, 1e-4, 20, 24, 0.9960), (1, 1e-5, 20, 20, 0.9960),
]  # fmt: skip


def values(candidate: Candidate) -> tuple[float, int, int]:
    return candidate.point["learning_rate"], candidate.point["batch_size"], candidate.point["epochs"]


def test_published_table_3_is_asked_in_order_with_its_de_count() -> None:
    search, rows = Gseca(), iter(TABLE_3)
    while candidates := search.ask():
        for candidate in candidates:
            de_count, *point, score = next(rows)
            assert (search.de_count, *values(candidate)) == (de_count, *point)
        for candidate in candidates:
            score = next(row[4] for row in TABLE_3 if row[1:4] == values(candidate))
            search.tell(candidate, score)
    assert next(rows, None) is None
    assert search.best is not None
    assert values(search.best) == (1e-4, 10, 20)
    assert search.best_score == 1.0
    assert search.stop_reason is not None
    assert "DE_COUNT reached 2" in search.stop_reason
    assert [decision.de_count for decision in search.decisions] == [0, 0, 0, 1, 2]


def test_constant_scores_stop_after_two_cycles() -> None:
    search = Gseca()
    while candidates := search.ask():
        for candidate in candidates:
            search.tell(candidate, 0.5)
    assert len(search.decisions) == 3  # the start and two cycles
    assert search.best is not None
    assert search.best.coordinate == "initial"
    # A tie goes to the first in coordinate order.
    assert [decision.chosen.coordinate for decision in search.decisions if decision.chosen] == [
        "initial", "batch_size", "batch_size",
    ]  # fmt: skip


def test_patience_one_stops_at_the_first_cycle_without_a_new_best() -> None:
    search = Gseca(patience=1)
    [start] = search.ask()
    search.tell(start, 0.9)
    for candidate in search.ask():
        search.tell(candidate, 0.9)
    assert search.finished
    assert len(search.decisions) == 2


def test_the_chosen_candidate_becomes_current_even_when_it_is_no_new_best() -> None:
    search = Gseca()
    search.tell(search.ask()[0], 0.9)
    for candidate, score in zip(search.ask(), (0.1, 0.3, 0.2), strict=True):
        search.tell(candidate, score)
    assert search.current is not None
    assert search.current.coordinate == "epochs"
    assert search.best is not None
    assert search.best.coordinate == "initial"
    assert {values(candidate) for candidate in search.ask()} == {(1e-2, 20, 24), (1e-2, 10, 28), (1e-3, 10, 24)}


def test_a_failed_trial_is_the_worst_and_an_all_failed_cycle_ends_the_search() -> None:
    search = Gseca()
    search.tell(search.ask()[0], 0.2)
    batch, epochs, rate = search.ask()
    search.tell(batch, FAILED)
    search.tell(epochs, 0.1)
    search.tell(rate, FAILED)
    assert search.current == epochs
    assert search.decisions[-1].runner_up_score is None
    for candidate in search.ask():
        search.tell(candidate, FAILED)
    assert search.stop_reason == "all candidates of a cycle failed"
    assert search.decisions[-1].chosen is None


def test_a_failed_start_ends_the_search_without_a_best() -> None:
    search = Gseca()
    search.tell(search.ask()[0], FAILED)
    assert search.finished
    assert search.best is None


def test_a_coordinate_at_its_bound_makes_no_candidate() -> None:
    space = SearchSpace((Add("batch_size", 10, 10, 20), Divide("learning_rate", 1e-2, 10, 1e-2)))
    search = Gseca(space, patience=5)
    search.tell(search.ask()[0], 0.1)
    [only] = search.ask()
    assert only.coordinate == "batch_size"
    search.tell(only, 0.2)
    assert search.stop_reason == "every coordinate is at its bound"


def test_a_categorical_fourth_coordinate_works() -> None:
    space = SearchSpace((*PUBLISHED_SPACE.coordinates, Choose("optimiser", ("adamw", "sgd"))))
    search = Gseca(space)
    search.tell(search.ask()[0], 0.5)
    *_, last = search.ask()
    assert last.point["optimiser"] == "sgd"
    for candidate in search.ask():
        search.tell(candidate, 0.9 if candidate == last else 0.1)
    assert {candidate.coordinate for candidate in search.ask()} == {"batch_size", "epochs", "learning_rate"}


def test_max_trials_cuts_the_last_cycle_short_and_judges_it() -> None:
    search, told = Gseca(max_trials=3), 0
    while candidates := search.ask():
        for candidate in candidates:
            told += 1
            search.tell(candidate, told / 10)
    assert told == 3
    assert search.best_score == 0.3
    assert search.stop_reason == "the limit of 3 trials is reached"


def test_values_compare_exactly_and_epochs_always_grow() -> None:
    rate = Divide("learning_rate", 1e-2, 10, 1e-6)
    assert [rate.value(step) for step in range(6)] == [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, None]
    assert [Grow("epochs", 20, 1.2).value(step) for step in range(4)] == [20, 24, 28, 33]
    assert [Grow("epochs", 3, 1.2).value(step) for step in range(4)] == [3, 4, 5, 6]


def test_bad_calls_are_refused_with_a_reason() -> None:
    search = Gseca()
    [start] = search.ask()
    with pytest.raises(ValueError, match="NaN"):
        search.tell(start, math.nan)
    search.tell(start, 0.5)
    search.tell(start, 0.5)  # the same again changes nothing
    with pytest.raises(ValueError, match="another score"):
        search.tell(start, 0.6)
    stranger = Candidate(7, "epochs", (0, 7, 0), {})
    with pytest.raises(ValueError, match="not an open candidate"):
        search.tell(stranger, 0.5)
    with pytest.raises(ValueError, match="patience"):
        Gseca(patience=0)
    with pytest.raises(ValueError, match="different names"):
        SearchSpace(())


scores = st.floats(0, 1) | st.just(FAILED)


@given(st.randoms(use_true_random=False), st.integers(1, 3), st.data())
def test_order_inside_a_cycle_and_a_restart_change_nothing(
    shuffler: random.Random, patience: int, data: st.DataObject
) -> None:
    """Told in any order, and replayed from its record at any time, the search goes the same way."""
    table: dict[tuple[float, int, int], float] = {}

    def score(candidate: Candidate) -> float:
        return table.setdefault(values(candidate), data.draw(scores))

    plain, shuffled = Gseca(patience=patience, max_trials=40), Gseca(patience=patience, max_trials=40)
    while candidates := plain.ask():
        for candidate in candidates:
            plain.tell(candidate, score(candidate))
        mixed = shuffled.ask()
        assert mixed == candidates
        shuffler.shuffle(mixed)
        for candidate in mixed:
            shuffled.tell(candidate, score(candidate))
        replayed = Gseca(patience=patience, max_trials=40)
        for decision in plain.decisions:
            for candidate, known in zip(decision.candidates, decision.scores, strict=True):
                replayed.tell(candidate, known)
        assert replayed.ask() == plain.ask() == shuffled.ask()
        assert (replayed.best, replayed.de_count, replayed.stop_reason) == (
            plain.best, plain.de_count, plain.stop_reason,
        )  # fmt: skip
    known = [value for decision in plain.decisions for value in decision.scores if value != FAILED]
    assert plain.best_score == max(known, default=FAILED)
    points = [values(candidate) for decision in plain.decisions for candidate in decision.candidates]
    assert len(points) == len(set(points))  # no point is ever trained twice
