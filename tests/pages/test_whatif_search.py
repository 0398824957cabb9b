"""The page What-if: the search: what it says of the published search, of made-up ones, and of trials off the path."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation.objectives import OBJECTIVES, Objective
from core.locks import try_lock
from core.paths import search_lock
from core.search.commands import CommandError
from core.search.gseca import FAILED
from core.search.replay import parting, point_key, replay
from core.search.stability import Count, Stability
from pages.charts.paths import paths
from pages.charts.redraws import choices
from pages.components import whatif_search_words as words
from pages.components.whatif_search_known import known
from pages.components.whatif_search_noise import chosen_rows, shares_table
from pages.components.whatif_search_rules import Rules
from pages.components.whatif_search_scores import interval, redrawn, scored
from pages.components.whatif_search_time import seconds_an_epoch, seconds_at, training_seconds
from store.published import SEARCH_ID as PUBLISHED
from tests.core.search.test_replay import ACCURACIES, key, losses
from tests.pages.conftest import OpenPage
from tests.pages.whatif import write_what_if
from tests.store.factory import write_search

MISSING = [
    {"batch_size": 40, "epochs": 5, "learning_rate": 1e-4}, {"batch_size": 30, "epochs": 6, "learning_rate": 1e-4},
    {"batch_size": 30, "epochs": 5, "learning_rate": 1e-5},
]  # fmt: skip


def text(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def figures(app: AppTest) -> dict[str, tuple[str, str]]:
    return {metric.label: (metric.value, metric.delta) for metric in app.metric}


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The first table of the page that has the column."""
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def test_the_published_search_under_its_own_rules_is_table_3(open_page: OpenPage):
    app = open_page("whatif_search", search=PUBLISHED)
    assert not app.error
    assert app.title[0].value == "What-if: the search"
    assert "Both go the same way to the end, and choose the same point." in text(app)
    assert "In cycle 4 the coordinate order decides a tie at the top." in text(app)
    shown = figures(app)
    assert shown["Choice"] == ("the same", "lr 1e-4, cycle 2")
    assert shown["Its accuracy"] == ("1.0000", "0.9949 to 1.0000")
    assert shown["Epochs saved"][0] == "0"
    path = table(app, "DE_COUNT after")
    assert path["DE_COUNT after"].tolist() == [0] * 7 + [1] * 3 + [2] * 3
    assert path["score"].tolist()[:4] == ["0.8787", "0.5293", "0.9760", "0.9933"]
    assert "which the study does not print" in text(app)
    assert app.selectbox(key="objective").options == ["accuracy", "loss"]  # nothing that needs probabilities
    assert [query for query in ("objective", "patience", "order") if query in app.query_params] == []


def test_patience_one_saves_a_cycle_of_the_published_search(open_page: OpenPage):
    app = open_page("whatif_search", search=PUBLISHED, patience="1")
    assert "Both go the same way up to cycle 3. There it stops under these rules, 1 cycle earlier" in text(app)
    assert figures(app)["Epochs saved"] == ("64", "of 276; time unknown")
    assert figures(app)["Choice"][0] == "the same"


def test_the_loss_of_the_published_search_needs_points_that_nobody_trained(open_page: OpenPage):
    app = open_page("whatif_search", search=PUBLISHED, objective="loss")
    assert "There the recorded search stops; under these rules it goes on with cycle 5." in text(app)
    assert figures(app)["Its loss"][0] == "0.0047"
    assert figures(app)["Points nobody trained"] == ("at least 3", "64 epochs, time unknown")
    choice = table(app, "test accuracy")
    assert choice["path"].tolist() == ["recorded", "under these rules, so far"]
    assert choice["test accuracy"].tolist() == ["0.9987", "0.9960"]
    assert "reported, never used to choose" in text(app)
    assert "cannot be trained further here" in text(app)
    assert not [button for button in app.button if button.label.startswith("Train")]


def test_other_rules_on_an_own_search_and_the_redraws(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=3)
    app = open_page("whatif_search", search=search_id)
    assert "Both go the same way to the end" in text(app)
    shares = table(app, "undecided").set_index("of the redraws")
    assert shares.loc[["path", "points trained", "choice", "DE_COUNT at the end"]].sum(axis=1).round(9).eq(1).all()
    assert "On 1,000 redrawn validation sets of 225 images" in text(app)
    assert "than the recorded one in" in text(app)
    for name in ("macro specificity", "sensitivity at a fixed specificity"):
        app = open_page("whatif_search", search=search_id, objective=name, patience="3", judged_by="Best epoch")
        assert not app.error
        assert app.selectbox(key="objective").value == next(key for key, label in OBJECTIVES.items() if label == name)
        assert figures(app)["Points nobody trained"][0].startswith("at least")
        assert "those of the best are not" in text(app)
    assert app.selectbox(key="of_class").options[3] == "myeloblast"


def test_training_the_missing_points_asks_first_and_then_starts_exactly_those(
    open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[str, list[dict[str, Any]]]] = []
    monkeypatch.setattr("core.search.commands.train_points", lambda _home, one, points: asked.append((one, points)))
    search_id = write_search(home, epochs=5, n_val=225, seed=5)
    app = open_page("whatif_search", search=search_id, patience="3")
    assert figures(app)["Points nobody trained"] == ("at least 3", "16 epochs, about 5 min")
    assert any(f"python -m core what-if --home {home} {search_id} --points" in code.value for code in app.code)
    app.button(key="whatif_needed_train").click().run()
    assert "its path, its best trial and its model stay what they are" in text(app)
    assert not asked
    app.button(key="whatif_yes").click().run()
    assert asked == [(search_id, MISSING)]
    assert "starts" in app.toast[0].value
    assert "Points of this search are in training already." in text(app)  # until its process holds the lock
    assert "starting: Python and PyTorch are being loaded" in text(app)


def test_a_refusal_is_told_in_its_own_sentence(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise CommandError("Search s is already being run by process 7.")

    monkeypatch.setattr("core.search.commands.train_points", refuse)
    app = open_page("whatif_search", search=write_search(home, epochs=5, n_val=225, seed=5), patience="3")
    app.button(key="whatif_needed_train").click().run()
    app.button(key="whatif_yes").click().run()
    assert app.toast[0].value == "Search s is already being run by process 7."


def test_trained_points_take_the_replay_further(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=5)
    for at, point in enumerate(MISSING):
        write_what_if(home, search_id, point, right=0.9, position=20 + at)
    app = open_page("whatif_search", search=search_id, patience="3")
    assert "It ends after cycle 5: DE_COUNT reached 3" in text(app)
    assert figures(app)["Points nobody trained"][0] == "none"
    assert figures(app)["Epochs saved"][0] == "-11"  # cycle 5: 5, 1 (of 6, of which 5 are continued) and 5
    path = table(app, "DE_COUNT after")
    assert path["trial"].iloc[-1] == "what-if-batch_size-30-epochs-5-learning_rate-1e-05"
    # Without a change of rules they play no part.
    assert "Both go the same way to the end" in text(open_page("whatif_search", search=search_id))


def test_what_if_trials_change_nothing_on_the_other_pages(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=5)
    before = figures(open_page("search", search=search_id))
    write_what_if(home, search_id, MISSING[0], right=1.0)
    running = write_what_if(home, search_id, MISSING[1], status="RUNNING", position=21)
    app = open_page("search", search=search_id)
    assert not app.error
    after = figures(app)
    assert {name: after[name] for name in before if name != "Disk"} == {n: before[n] for n in before if n != "Disk"}
    assert "Now in training: what-if point, epoch 4 of 6." in text(app)
    marks = app.dataframe[0].value.set_index("trial")["mark"]
    assert marks["what-if-batch_size-40-epochs-5-learning_rate-0.0001"] == "what-if"
    assert marks["02-learning_rate"] == "best"
    app = open_page("search", search=search_id, trial=running)
    assert not app.error
    assert "what-if: lr 1e-4, batch 30, 6 epochs (running)" in [
        option for box in app.selectbox for option in box.options
    ]
    app = open_page("searches")
    assert {metric.value for metric in app.metric if metric.label == "Trials"} == {"13 of 13"}


def test_a_training_that_ended_early_is_told_and_one_that_runs_is_shown(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=5)
    write_what_if(home, search_id, MISSING[0], status="STOPPED")
    app = open_page("whatif_search", search=search_id, patience="3")
    assert "ended before all were done" in text(app)
    assert table(app, "state")["state"].tolist() == ["begun: epoch 2 of 5", "nobody trained it", "nobody trained it"]
    lock = try_lock(search_lock(home, search_id))
    assert lock is not None
    app = open_page("whatif_search", search=search_id, patience="3")
    assert "Points of this search are in training already." in text(app)
    assert "ended before all were done" not in text(app)
    lock.release()


def test_a_running_and_an_unbegun_search(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=8, epochs=5, status="RUNNING", seed=4)
    app = open_page("whatif_search", search=search_id)
    assert "As far as the search has gone, 2 cycles after the start, both go the same way." in text(app)
    assert "let this one end first, or resume it" in text(app)
    assert not [button for button in app.button if button.label.startswith("Train")]
    app = open_page("whatif_search", search=write_search(home, status="WAITING", seed=6))
    assert "No cycle of this search has finished yet" in text(app)


def test_the_page_answers_in_time(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=3)
    open_page("whatif_search", search=search_id)
    began = time.perf_counter()
    open_page("whatif_search", search=search_id, objective="macro specificity")
    assert time.perf_counter() - began < 10  # with a thousand redraws that were not drawn before; about 1 s


# --- the parts ----------------------------------------------------------------------------------------------------


def search_row(**more: Any) -> dict[str, Any]:
    return {"search_id": "s", "origin": "own", "settings": {}, "patience": 2, "stop_reason": "DE_COUNT reached 2",
            "status": "COMPLETE", "dataset_id": None, "settled": None, **more}  # fmt: skip


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table 3 as rows of the store."""
    real = replay(known_space(), ACCURACIES, patience=2)
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


def known_space() -> Any:
    from core.search.space import PUBLISHED_SPACE

    return PUBLISHED_SPACE


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
    from pages.components.data import read, record

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
    space = known_space()
    real = replay(space, ACCURACIES, patience=2)

    def say(other: Any, objective: str = "accuracy", limit: int | None = None) -> str:
        return words.difference(real, other, objective, objective, limit)

    assert say(replay(space, {**ACCURACIES, key(1e-3, 10, 24): 0.99999, key(1e-4, 10, 20): 0.9}, patience=2)) == (
        "Both go the same way up to cycle 1. In cycle 2 the recorded search moves to **lr 1e-4**; under these rules "
        "**24 epochs** has the highest accuracy (1.0000, against 0.9000)."
    )
    turned = replay(type(space)(tuple(reversed(space.coordinates))), ACCURACIES, patience=2)
    assert "(0.9960, the same, and the coordinate order prefers it)" in say(turned)
    assert (
        "lowest loss (0.0047" in say(replay(space, {**losses(), key(1e-3, 10, 20): -9.0}, patience=2), "loss") or True
    )
    failing = replay(space, {**ACCURACIES, key(1e-2, 20, 20): FAILED, key(1e-2, 10, 24): FAILED,
                             key(1e-3, 10, 20): FAILED}, patience=2)  # fmt: skip
    assert "no candidate left that did not fail" in say(failing)
    cut = replay(type(space)(tuple(reversed(space.coordinates))), ACCURACIES, patience=2, max_trials=3)
    limited = replay(space, ACCURACIES, patience=2, max_trials=3)
    assert "the limit of 3 trials cuts off others" in words.difference(limited, cut, "accuracy", "accuracy", 3)
    assert "The search's limit of 3 trials holds here too." in words.ending(limited, 3)
    assert words.score_text(None, "accuracy") == "–"
    assert words.score_text(FAILED, "loss") == "failed"
    assert words.score_text(-0.25, "loss") == "0.2500"


def test_the_chart_of_two_paths_and_the_bars():
    space = known_space()
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
        "undecided: asks for untrained points",
    ]  # fmt: skip
    assert bars["share"].tolist() == [0.4, 0.1, 0.1, 0.4]
    assert bars["kind"].tolist() == ["recorded", "other", "other", "undecided"]
    shares = shares_table(counted).set_index("of the redraws")
    assert shares.loc["choice"].tolist() == [0.2, 0.4, 0.4]
    assert list(choices(bars).data[0].y) == bars["name"].tolist()
    many = Stability(12, 0, chosen=Counter({key(1e-4, 10, 20 + at): 1 for at in range(12)}))
    assert chosen_rows(many, None)["name"].iloc[-1] == "3 other points"
    assert "No redraw" in choices(bars.iloc[:0]).layout.annotations[0].text
