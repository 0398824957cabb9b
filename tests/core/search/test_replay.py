"""Replays: unchanged rules give the recorded path exactly, other rules what was computed by hand."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.search.gseca import FAILED, Gseca
from core.search.replay import (
    Parting,
    Replay,
    epochs_to_train,
    parting,
    point_key,
    recorded_path,
    remembered,
    replay,
    same_choice,
    same_points,
    ties,
)
from core.search.space import PUBLISHED_SPACE, Add, Choose, Divide, Grow, SearchSpace
from core.search.stability import stability
from store import published
from tests.core.search.test_gseca import TABLE_3

NAMES = ("batch_size", "epochs", "learning_rate")
ORDERS = list(itertools.permutations(PUBLISHED_SPACE.coordinates))


def key(rate: float, batch: int, epochs: int) -> Any:
    return point_key({"batch_size": batch, "epochs": epochs, "learning_rate": rate})


ACCURACIES = {key(*row[1:4]): row[4] for row in TABLE_3}


def losses() -> dict[Any, float]:
    """The val losses of Table 3, negated."""
    with (Path(published.__file__).parent / "published" / "table3_search.csv").open(newline="") as file:
        return {
            key(float(row["learning_rate"]), int(row["batch_size"]), int(row["epochs"])): -float(row["val_loss"])
            for row in csv.DictReader(file)
        }


def steps(path: Replay) -> list[Any]:
    """What decides a path: candidates, scores, choice, improved and DE_COUNT of each cycle, and its end."""
    return [
        [
            (
                [point_key(candidate.point) for candidate in decision.candidates],
                decision.scores,
                None if decision.chosen is None else point_key(decision.chosen.point),
                decision.improved,
                decision.de_count,
            )
            for decision in path.decisions
        ],
        None if path.best is None else point_key(path.best.point),
        path.best_score,
        path.de_count,
        path.stop_reason,
    ]


def records(search: Gseca) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A search as the store keeps it: its trials and its cycles."""
    trials, cycles = [], []
    for decision in search.decisions:
        ids = [f"s.{c.cycle:02d}-{c.coordinate}" for c in decision.candidates]
        for trial_id, candidate, score in zip(ids, decision.candidates, decision.scores, strict=True):
            failed = score == FAILED
            trials.append(
                {"trial_id": trial_id, "cycle": candidate.cycle, "coordinate": candidate.coordinate, **candidate.point,
                 "status": "FAILED" if failed else "COMPLETE", "val_accuracy": None if failed else score}
            )  # fmt: skip
        chosen = None if decision.chosen is None else ids[decision.candidates.index(decision.chosen)]
        cycles.append(
            {"cycle": decision.cycle, "trial_ids": ids, "chosen_trial_id": chosen, "improved": decision.improved,
             "de_count": decision.de_count}
        )  # fmt: skip
    return trials, cycles


def test_the_published_table_3_is_replayed_exactly() -> None:
    found = published.published_records()
    trials = [
        {**record, "status": "COMPLETE"}
        for record in found
        if record["kind"] == "trial" and record["coordinate"] != "final"
    ]
    scores = {record["trial_id"]: record["splits"]["val"]["accuracy"] for record in found if record["kind"] == "epoch"}
    rows = [{**trial, "val_accuracy": scores[trial["trial_id"]]} for trial in trials]
    cycles = [record for record in found if record["kind"] == "cycle"]
    recorded = recorded_path(rows, cycles, NAMES, "DE_COUNT reached 2: no new best in 2 cycles in a row")
    again = replay(PUBLISHED_SPACE, {point_key({n: r[n] for n in NAMES}): r["val_accuracy"] for r in rows}, patience=2)
    assert steps(again) == steps(recorded)
    assert parting(recorded, again) is None
    assert again.best is not None
    assert again.best.point == {"batch_size": 10, "epochs": 20, "learning_rate": 1e-4}
    assert [candidate.point for candidate in again.candidates] == [
        {"batch_size": batch, "epochs": epochs, "learning_rate": rate} for _, rate, batch, epochs, _ in TABLE_3
    ]
    assert ties(again) == {4: 3}  # the last cycle is a three-way tie


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4), st.none() | st.integers(1, 25), st.sampled_from(ORDERS), st.booleans(), st.randoms(),
    st.integers(1, 4),
)  # fmt: skip
def test_a_replay_with_unchanged_rules_gives_the_recorded_path_exactly(
    patience: int, most: int | None, order: Any, fails: bool, random: Any, digits: int
) -> None:
    space = SearchSpace(order)
    search = Gseca(space, patience=patience, max_trials=most or 60)
    table: dict[Any, float] = {}
    while candidates := search.ask():
        for candidate in candidates:
            score = FAILED if fails and random.random() < 0.2 else round(random.random(), digits)
            table[point_key(candidate.point)] = score
            search.tell(candidate, score)
    trials, cycles = records(search)
    recorded = recorded_path(trials, cycles, NAMES, search.stop_reason)
    again = replay(remembered(space), table, patience=patience, max_trials=most or 60)
    assert steps(again) == steps(recorded)
    assert parting(recorded, again) is None
    assert same_choice(recorded, again)
    assert same_points(recorded, again) is True
    assert not again.unknown
    # As far as it went, at any time, it is the same too.
    cut = random.randrange(len(cycles))
    known = {point_key({name: row[name] for name in NAMES}): table[point_key({name: row[name] for name in NAMES})]
             for row in trials if row["cycle"] <= cut}  # fmt: skip
    part = replay(space, known, patience=patience, max_trials=most or 60)
    assert steps(part)[0] == steps(recorded)[0][: cut + 1]
    assert parting(recorded, part) is None
    assert parting(part, recorded) is None
    assert same_points(part, recorded) is True
    assert same_points(recorded, part) is (True if part.finished else None if part.open else False)


def test_patience_one_on_table_3_stops_a_cycle_earlier() -> None:
    """Cycle 3 brings no new best (0.9987 against 1.0000), so DE_COUNT is 1: cycle 4 is never trained."""
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    path = replay(PUBLISHED_SPACE, ACCURACIES, patience=1)
    assert path.finished
    assert [decision.de_count for decision in path.decisions] == [0, 0, 0, 1]
    assert path.best is not None
    assert point_key(path.best.point) == key(1e-4, 10, 20)
    assert parting(real, path) == Parting(4, "stops")
    assert parting(path, real) == Parting(4, "goes on")
    # Cycle 4 is (1e-4, 30, 20), (1e-4, 20, 24), (1e-5, 20, 20): 64 epochs, of which the second continues 20.
    assert sum(epochs_to_train(real, reuse=False).values()) - sum(epochs_to_train(path, reuse=False).values()) == 64
    assert sum(epochs_to_train(real, reuse=True).values()) - sum(epochs_to_train(path, reuse=True).values()) == 44


def test_patience_three_on_table_3_needs_three_points_that_nobody_trained() -> None:
    """Cycle 4 is a three-way tie that batch size 30 wins as the first; DE_COUNT is 2, so cycle 5 starts from there."""
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    path = replay(PUBLISHED_SPACE, ACCURACIES, patience=3)
    assert not path.finished
    assert [point_key(candidate.point) for candidate in path.unknown] == [
        key(1e-4, 40, 20), key(1e-4, 30, 24), key(1e-5, 30, 20),
    ]  # fmt: skip
    assert parting(real, path) == Parting(5, "goes on")
    # Two of them known, the third is what is left; both worse than the best, so patience 3 is reached.
    more = {**ACCURACIES, key(1e-4, 40, 20): 0.5, key(1e-5, 30, 20): 0.6}
    assert [point_key(c.point) for c in replay(PUBLISHED_SPACE, more, patience=3).unknown] == [key(1e-4, 30, 24)]
    ended = replay(PUBLISHED_SPACE, {**more, key(1e-4, 30, 24): 0.7}, patience=3)
    assert ended.stop_reason == "DE_COUNT reached 3: no new best in 3 cycles in a row"
    assert ended.best is not None
    assert point_key(ended.best.point) == key(1e-4, 10, 20)


def test_the_loss_of_table_3_chooses_another_point_and_goes_on() -> None:
    """By loss cycle 3 has a new best: batch size 20 with 0.0047 against 0.0051; cycle 4 (0.0083) has none."""
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    path = replay(PUBLISHED_SPACE, losses(), patience=2)
    assert path.best is not None
    assert point_key(path.best.point) == key(1e-4, 20, 20)
    assert path.best_score == -0.0047
    assert [decision.de_count for decision in path.decisions] == [0, 0, 0, 0, 1]
    assert parting(real, path) == Parting(5, "goes on")
    assert not same_choice(real, path)
    ended = replay(PUBLISHED_SPACE, losses(), patience=1)
    assert ended.finished
    assert point_key(ended.best.point) == key(1e-4, 20, 20)  # type: ignore[union-attr]


def test_the_order_of_the_coordinates_decides_ties_and_what_a_limit_cuts_off() -> None:
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    turned = replay(SearchSpace(tuple(reversed(PUBLISHED_SPACE.coordinates))), ACCURACIES, patience=2)
    assert parting(real, turned) == Parting(4, "choice")  # the tie of cycle 4
    assert same_choice(real, turned)
    assert turned.decisions[-1].chosen is not None
    assert point_key(turned.decisions[-1].chosen.point) == key(1e-5, 20, 20)
    assert same_points(real, turned) is True  # what the last cycle chooses has no consequence
    limited = replay(PUBLISHED_SPACE, ACCURACIES, patience=2, max_trials=3)
    cut = replay(SearchSpace(tuple(reversed(PUBLISHED_SPACE.coordinates))), ACCURACIES, patience=2, max_trials=3)
    assert parting(limited, cut) == Parting(1, "candidates")
    # Without a tie and without a limit it changes nothing but the order of training.
    untied = {point: score + 1e-6 * at for at, (point, score) in enumerate(ACCURACIES.items())}
    paths = [replay(SearchSpace(order), untied, patience=2) for order in ORDERS]
    assert all(parting(paths[0], path) is None and path.finished for path in paths)


def test_a_failed_point_is_the_worst_and_a_running_search_is_compared_as_far_as_it_goes() -> None:
    failing = {**ACCURACIES, key(1e-3, 10, 20): FAILED}
    path = replay(PUBLISHED_SPACE, failing, patience=2)
    assert path.decisions[1].chosen is not None
    assert point_key(path.decisions[1].chosen.point) == key(1e-2, 10, 24)
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    assert parting(real, path) == Parting(1, "choice")
    running = replay(PUBLISHED_SPACE, {point: ACCURACIES[point] for point in list(ACCURACIES)[:5]}, patience=2)
    assert [point_key(c.point) for c in running.unknown] == [key(1e-3, 10, 24), key(1e-4, 10, 20)]
    assert parting(running, real) is None
    assert parting(running, replay(PUBLISHED_SPACE, ACCURACIES, patience=1)) is None
    assert parting(running, path) == Parting(1, "choice")
    assert same_points(running, real) is True
    assert same_points(running, path) is False
    assert same_points(real, running) is None
    assert same_points(real, replay(PUBLISHED_SPACE, ACCURACIES, patience=1)) is False
    assert same_points(real, replay(PUBLISHED_SPACE, ACCURACIES, patience=3)) is False
    stopped = replay(PUBLISHED_SPACE, dict.fromkeys(ACCURACIES, 0.5), patience=1)
    assert parting(running, stopped) == Parting(1, "choice")  # a tie that batch size wins


def test_epochs_are_counted_as_the_search_trains_them() -> None:
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    assert sum(epochs_to_train(real, reuse=True).values()) == 196
    assert sum(epochs_to_train(real, reuse=False).values()) == 276
    assert epochs_to_train(real, reuse=True)[key(1e-2, 10, 24)] == 4
    # A failed trial leaves nothing to continue; open candidates are counted too.
    lone = replay(PUBLISHED_SPACE, {key(1e-2, 10, 20): 0.5}, patience=2)
    assert epochs_to_train(lone, reuse=True) == {
        key(1e-2, 10, 20): 20, key(1e-2, 20, 20): 20, key(1e-2, 10, 24): 4, key(1e-3, 10, 20): 20,
    }  # fmt: skip
    failed = {**ACCURACIES, key(1e-3, 20, 20): FAILED, key(1e-4, 10, 20): FAILED, key(1e-3, 10, 24): 0.9999}
    path = replay(PUBLISHED_SPACE, failed, patience=2)
    trained = epochs_to_train(path, reuse=True)
    assert trained[key(1e-3, 20, 24)] == 24
    assert trained[key(1e-3, 10, 28)] == 4


def test_a_space_of_other_coordinates_is_replayed_too() -> None:
    space = SearchSpace((Choose("optimiser", ("adamw", "sgd")), Grow("epochs", 3, 1.2), Add("batch_size", 10, 10, 20)))
    one = {point_key(space.point((0, 0, 0))): 0.5}
    path = replay(space, one, patience=2)
    assert [candidate.coordinate for candidate in path.unknown] == ["optimiser", "epochs", "batch_size"]
    with pytest.raises(ValueError, match="patience"):
        replay(space, one, patience=0)
    assert remembered(SearchSpace((Divide("learning_rate", 1e-2, 10, 1e-3),))).point((1,)) == {"learning_rate": 1e-3}


def test_redraws_count_the_same_another_and_undecided_apart() -> None:
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    keys = list(ACCURACIES)
    same = [ACCURACIES[point] for point in keys]
    # Cycle 2 is won by 24 epochs, whose further candidates nobody trained.
    off = [0.99999 if point == key(1e-3, 10, 24) else ACCURACIES[point] - 0.01 for point in keys]
    # Cycle 3 has a new best: the same way, another choice, and on into cycle 5, which nobody trained.
    more = [1.1 if point == key(1e-4, 20, 20) else ACCURACIES[point] for point in keys]
    # Nothing beats the start: the search ends after two cycles of ties.
    flat = [0.5] * len(keys)
    start = replay(PUBLISHED_SPACE, {keys[0]: same[0]}, patience=2)  # a search that has just begun
    counted, begun = stability(PUBLISHED_SPACE, [real, start], keys, [same, same, off, more], {}, patience=2)
    assert (counted.redraws, counted.undecided) == (4, 2)
    assert (counted.path.same, counted.path.another, counted.path.undecided) == (2, 2, 0)
    assert (counted.points.same, counted.points.another, counted.points.undecided) == (2, 2, 0)
    assert (counted.choice.same, counted.choice.another, counted.choice.undecided) == (2, 0, 2)
    assert (counted.de_count.same, counted.de_count.another, counted.de_count.undecided) == (2, 0, 2)
    assert counted.chosen == {key(1e-4, 10, 20): 2}
    assert counted.missing[key(1e-4, 40, 20)] == 1
    assert counted.missing[key(1e-3, 10, 28)] == 1
    assert (begun.path.same, begun.choice.undecided, begun.de_count.undecided) == (4, 4, 4)
    fixed = dict.fromkeys([key(1e-2, 30, 20), key(1e-2, 20, 24), key(1e-3, 20, 20)], FAILED)
    [ends] = stability(PUBLISHED_SPACE, [real], keys, [flat], fixed, patience=2)
    assert (ends.path.another, ends.choice.another, ends.de_count.same, ends.undecided) == (1, 1, 1, 0)
    assert ends.chosen == {key(1e-2, 10, 20): 1}
