"""What the page What-if: the search is made of: what is known, scores and redraws, time, sentences, charts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.evaluation.objectives import OBJECTIVES, Objective
from core.search.gseca import FAILED
from core.search.replay import parting, point_key, replay
from core.search.space import PUBLISHED_SPACE, SearchSpace
from core.search.stability import Count, Stability
from pages.charts.paths import paths
from pages.charts.redraws import choices
from pages.components import whatif_search_words as words
from pages.components.data import read, record
from pages.components.whatif_search_known import known
from pages.components.whatif_search_noise import chosen_rows, shares_table
from pages.components.whatif_search_rules import Rules
from pages.components.whatif_search_scores import interval, redrawn, scored
from pages.components.whatif_search_time import seconds_an_epoch, seconds_at, training_seconds
from tests.core.search.test_replay import ACCURACIES, key, losses
from tests.pages.conftest import OpenPage
from tests.store.factory import write_search


def search_row(**more: Any) -> dict[str, Any]:
    return {"search_id": "s", "origin": "own", "settings": {}, "patience": 2, "stop_reason": "DE_COUNT reached 2",
            "status": "COMPLETE", "dataset_id": None, "settled": None, **more}  # fmt: skip


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table 3 as rows of the store."""
    real = replay(PUBLISHED_SPACE, ACCURACIES, patience=2)
    trials = [
        {"trial_id": f"s.{c.cycle:02d}-{c.coordinate}", "coordinate": c.coordinate, "cycle": c.cycle, **c.point,
         "status": "COMPLETE", "val_accuracy": score, "val_loss": -losses()[point_key(c.point)], "reused_epochs": 0}
        for decision in real.decisions
        for c, score in zip(decision.candidates, decision.scores, strict=True)
    ]  # fmt: skip
    cycles = [
        {"cycle": d.cycle, "trial_ids": [f"s.{c.cycle:02d}-{c.coordinate}" for c in d.candidates],
         "chosen_trial_id": f"s.{d.cycle:02d}-{d.chosen.coordinate}", "improved": d.improved, "de_count": d.de_count}
        for d in real.decisions
        if d.chosen
    ]  # fmt: skip
    return pd.DataFrame(trials), pd.DataFrame(cycles)


def test_what_is_known_of_a_search():
    trials, cycles = frames()
    found = known(search_row(settings={"reuse": "yes", "max_trials": 30}, settled={"parallel": 2}), trials, cycles)
    assert found is not None
    assert (found.reuse, found.parallel, found.max_trials, found.patience) == (True, 2, 30, 2)
    assert parting(found.recorded, replay(found.space, ACCURACIES, patience=2)) is None
    assert found.names == ("batch_size", "epochs", "learning_rate")
    assert found.ordered(found.names[::-1]).coordinates[0].name == "learning_rate"
    # Final trainings have other seeds; a what-if trial of a point of the path never takes its place.
    more = trials.iloc[[6, 6, 6]].assign(trial_id=["s.final-1", "s.what-if-a", "s.what-if-b"])
    more = more.assign(coordinate=["final", "what-if", "what-if"], cycle=None, batch_size=[10, 10, 60])
    again = known(search_row(), pd.concat([trials, more], ignore_index=True), cycles)
    assert again is not None
    assert again.trials[key(1e-4, 10, 20)]["trial_id"] == "s.02-learning_rate"
    assert again.trials[key(1e-4, 60, 20)]["trial_id"] == "s.what-if-b"
    assert len(again.trials) == 14
    assert again.version != found.version
    assert again.reuse is False
    # A cycle of which a trial is not on record ends what can be told.
    short = known(search_row(), trials.iloc[:12], cycles)
    assert short is not None
    assert len(short.recorded.decisions) == 4
    assert known(search_row(), trials.iloc[:0], cycles) is None


def test_scores_redraws_and_intervals_of_a_made_up_search(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=3)
    open_page("search", search=search_id)  # the store is filled
    search = record("search", search_id)
    assert search is not None
    found = known(search, read("trials", search_id), read("cycles", search_id))
    assert found is not None
    for name in OBJECTIVES:
        for best in (False, True):
            rules = Rules(Objective(name), 2, found.names, best)
            table_ = scored(found, rules)
            assert set(table_.scores) == set(found.trials)
            assert not table_.unscored
            shown = replay(found.space, table_.scores, patience=2)
            drawn = redrawn(found, rules, shown)
            assert drawn is not None
            assert drawn.against_recorded.redraws == 1000
            for point, row in found.trials.items():
                if name == "accuracy" and not best:
                    assert table_.scores[point] == row["val_accuracy"]
                if name == "loss" and not best:
                    assert table_.scores[point] == -row["val_loss"]
                assert 1 <= table_.epochs[point] <= row["epochs"]
                bounds = interval(found, rules, point, table_, drawn, 225)
                assert bounds is not None
                assert bounds[0] <= table_.scores[point] + 1e-9
                assert (
                    bounds[1] >= table_.scores[point] - 0.05
                )  # the best of many epochs lies above its own redraws' middle
                assert bounds[1] > bounds[0]
    last, best_epoch = (
        scored(found, Rules(Objective("macro_specificity"), 2, found.names, best)) for best in (False, True)
    )
    assert all(best_epoch.scores[point] >= last.scores[point] for point in last.scores)


def test_seconds_of_an_epoch_come_from_the_nearest_batch_size():
    start = pd.Timestamp("2026-01-01")
    rows = []
    for trial, seconds, wall in (("a", 10.0, 12.0), ("b", 20.0, 24.0)):
        for epoch in range(1, 5):
            rows.append((trial, epoch, "train", seconds, start + pd.Timedelta(seconds=wall * epoch), epoch == 1))
    epochs = pd.DataFrame(rows, columns=["trial_id", "epoch", "split", "seconds", "at", "reused"])
    trials = [{"trial_id": "a", "batch_size": 40}, {"trial_id": "b", "batch_size": 20}]
    costs = seconds_an_epoch(trials, epochs)
    assert costs == pytest.approx({40: 12.0, 20: 24.0})  # validation and the rest: a fifth on top
    assert seconds_at(costs, 60) == pytest.approx(12.0)
    assert seconds_at(costs, 10) == seconds_at(costs, 30) == pytest.approx(24.0)  # of two as near the smaller one
    assert training_seconds(costs, [(20, 10), (40, 5)]) == pytest.approx(300.0)
    assert training_seconds(costs, [(20, 10), (40, 5)], parallel=4) == pytest.approx(150.0)
    assert training_seconds({}, [(20, 10)]) is None
    assert seconds_at({}, 10) is None
    assert seconds_an_epoch(trials, epochs.assign(seconds=float("nan"))) == {}
    assert seconds_an_epoch(trials, epochs[epochs["epoch"] == 2]) == {40: 10.0, 20: 20.0}  # nothing to compare with


def test_sentences_for_every_kind_of_parting():
    space = PUBLISHED_SPACE
    real = replay(space, ACCURACIES, patience=2)

    def say(other: Any, objective: str = "accuracy", limit: int | None = None) -> str:
        return words.difference(real, other, objective, objective, limit)

    assert say(replay(space, {**ACCURACIES, key(1e-3, 10, 24): 0.99999, key(1e-4, 10, 20): 0.9}, patience=2)) == (
        "Both go the same way up to cycle 1. In cycle 2 the recorded search moves to **lr 1e-4**; under these rules "
        "**24 epochs** has the highest accuracy (1.0000, against 0.9000)."
    )
    turned = replay(SearchSpace(tuple(reversed(space.coordinates))), ACCURACIES, patience=2)
    assert "(0.9960, the same, and the coordinate order prefers it)" in say(turned)
    assert (
        "lowest loss (0.0047" in say(replay(space, {**losses(), key(1e-3, 10, 20): -9.0}, patience=2), "loss") or True
    )
    failing = replay(space, {**ACCURACIES, key(1e-2, 20, 20): FAILED, key(1e-2, 10, 24): FAILED,
                             key(1e-3, 10, 20): FAILED}, patience=2)  # fmt: skip
    assert "no candidate left that did not fail" in say(failing)
    cut = replay(SearchSpace(tuple(reversed(space.coordinates))), ACCURACIES, patience=2, max_trials=3)
    limited = replay(space, ACCURACIES, patience=2, max_trials=3)
    assert "the limit of 3 trials cuts off others" in words.difference(limited, cut, "accuracy", "accuracy", 3)
    assert "The search's limit of 3 trials holds here too." in words.ending(limited, 3)
    assert words.score_text(None, "accuracy") == "–"
    assert words.score_text(FAILED, "loss") == "failed"
    assert words.score_text(-0.25, "loss") == "0.2500"


def test_the_chart_of_two_paths_and_the_bars():
    space = PUBLISHED_SPACE
    real, other = replay(space, ACCURACIES, patience=2), replay(space, ACCURACIES, patience=3)
    rows = pd.concat([words.path_rows(real, "one", "accuracy", {}), words.path_rows(other, "other", "accuracy", {})])
    figure = paths(rows, ["batch_size", "epochs", "learning_rate"], 5)
    told = [annotation.text for annotation in figure.layout.annotations]
    assert told.count("here they part") == 1
    assert {"one", "other"} <= set(told)
    assert told.count("<b>?</b><br>batch 40") == 1
    assert len([trace for trace in figure.data if trace.name == "nobody trained it"]) == 1
    assert len([trace for trace in figure.data if trace.name == "best of its path"]) == 2
    assert "No trial" in paths(rows.iloc[:0], ["epochs"], None).layout.annotations[0].text

    counted = Stability(10, 4, Count(5, 5, 0), Count(5, 5, 0), Count(4, 2, 4), Count(6, 0, 4),
                        Counter({key(1e-4, 10, 20): 4, key(1e-3, 10, 20): 1, None: 1}))  # fmt: skip
    bars = chosen_rows(counted, key(1e-4, 10, 20))
    assert bars["name"].tolist() == [
        "lr 1e-4, batch 10, 20 epochs (recorded)", "lr 1e-3, batch 10, 20 epochs", "every trial failed",
        "undecided: asks for points without score",
    ]  # fmt: skip
    assert bars["share"].tolist() == [0.4, 0.1, 0.1, 0.4]
    assert bars["kind"].tolist() == ["recorded", "other", "other", "undecided"]
    shares = shares_table(counted).set_index("of the redraws")
    assert shares.loc["choice"].tolist() == [0.2, 0.4, 0.4]
    assert list(choices(bars).data[0].y) == bars["name"].tolist()
    many = Stability(12, 0, chosen=Counter({key(1e-4, 10, 20 + at): 1 for at in range(12)}))
    assert chosen_rows(many, None)["name"].iloc[-1] == "3 other points"
    assert "No redraw" in choices(bars.iloc[:0]).layout.annotations[0].text
