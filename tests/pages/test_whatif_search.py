"""The page What-if: the search: what it says of the published search, of made-up ones, and of trials off the path."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation.objectives import OBJECTIVES
from core.locks import try_lock
from core.paths import log_file, search_lock
from core.search.commands import CommandError
from core.search.replay import point_key
from core.search.stability import Count
from pages.components.whatif_search_noise import _up_to, uncertainty
from pages.components.whatif_search_words import not_judged
from store.published import SEARCH_ID as PUBLISHED
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


def test_shares_of_redraws_tell_their_uncertainty_and_what_is_undecided():
    assert round(uncertainty(1000), 1) == 3.1
    assert round(uncertainty(200), 1) == 6.9
    assert _up_to(Count(same=90, another=10)) == "10.0%"
    assert _up_to(Count(same=60, another=10, undecided=30)) == "10.0%, up to 40.0% should all 30 undecided ones do so"


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
    assert "Not all is as it was when the search began: " in text(app)  # the made-up machine is another
    assert "processor made up then" in text(app)
    app.button(key="whatif_yes").click().run()
    assert asked == [(search_id, MISSING)]
    assert "starts" in app.toast[0].value
    assert "Points of this search are in training already." in text(app)  # until its process holds the lock
    assert "starting: Python and PyTorch are being loaded" in text(app)
    log = log_file(home, search_id, "what-if")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("The folder /cells is not there any more.\n\n")
    monkeypatch.setattr("pages.components.whatif_search_training._STARTING_SECONDS", 0.0)
    app.run()
    assert "Its last word: The folder /cells is not there any more." in text(app)


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
    assert "Epochs saved" not in figures(app)
    assert figures(app)["Epochs more"][0] == "11"  # cycle 5: 5, 1 (of 6, of which 5 are continued) and 5
    path = table(app, "DE_COUNT after")
    assert path["trial"].iloc[-1] == "what-if-batch_size-30-epochs-5-learning_rate-1e-05"
    # Without a change of rules they play no part.
    assert "Both go the same way to the end" in text(open_page("whatif_search", search=search_id))


def test_scores_of_trials_trained_with_other_packages_are_named(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=5, n_val=225, seed=5)
    write_what_if(home, search_id, MISSING[0], settings={"changed": "torch 1 then, 2 now"})
    shown = text(open_page("whatif_search", search=search_id, patience="3"))
    assert "1 of the 14 scores comes from a trial trained later with other code or packages: " in shown
    assert "(torch 1 then, 2 now)" in shown


def test_finished_trials_that_cannot_be_judged_are_told_apart():
    keys = [point_key(point) for point in MISSING]
    assert not_judged([], [], "loss") == []
    one, other = not_judged(keys, keys[:1], "sensitivity")
    assert one == "2 finished trials have no predictions on record, so the sensitivity cannot judge them."
    assert other.startswith("1 finished trial has predictions of other validation images")


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


def test_a_path_that_its_scores_do_not_explain_is_told(open_page: OpenPage, home: Path):
    search_id = write_search(home, epochs=2, trials=4, seed=4)  # said to be complete, a cycle too early
    sentence = "its recorded path does not follow from its scores"
    assert sentence in text(open_page("whatif_search", search=search_id))
    assert sentence not in text(open_page("whatif_search", search=search_id, objective="loss"))
    assert sentence not in text(open_page("whatif_search", search=PUBLISHED))


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
