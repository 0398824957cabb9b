"""Training other points of a finished search: exactly those, and nothing of the search itself changes."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import pytest

import core.search.extra
from core.data.sample import make_sample
from core.learning.reuse import STATE, TROUBLE
from core.learning.settings import TrialSettings
from core.locks import try_lock
from core.paths import search_folder, search_lock, trial_folder
from core.search import commands, terminal
from core.search.commands import CommandError, train_points, what_if_command
from core.search.controller import Controller
from core.search.extra import ExtraPoints
from core.search.points import PointError, point_name, point_text, read_point
from core.search.pool import Stopped
from core.search.settings import SearchSettings, preset
from core.search.space import PUBLISHED_SPACE, Choose, SearchSpace
from core.search.state import SearchState
from core.search.tables import summary, table3
from tests.core.search.fake import FakeLauncher, FakeWorker
from tests.core.search.test_gseca import TABLE_3

SEARCH = "s-test"
MISSING = [  # what patience 3 asks for after Table 3
    "batch_size=40,epochs=20,learning_rate=0.0001",
    "batch_size=30,epochs=24,learning_rate=0.0001",
    "batch_size=30,epochs=20,learning_rate=1e-05",
]
LONGER = "batch_size=30,epochs=28,learning_rate=0.0001"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SearchSettings:
    folder = tmp_path_factory.mktemp("cells") / "sample"
    make_sample(folder, per_class=8, size=40, seed=0)
    return dataclasses.replace(
        preset("published"), data=str(folder), backbone="resnet10t", weights="none", image_size=32, final_seeds=1,
        device="cpu", threads=1,
    )  # fmt: skip


def published(trial: TrialSettings) -> float:
    if trial.seed:
        return 0.99
    point = (trial.learning_rate, trial.batch_size, trial.epochs)
    return next((row[4] for row in TABLE_3 if row[1:4] == point), 0.9)


@pytest.fixture
def finished(tmp_path: Path, settings: SearchSettings) -> SearchState:
    """Table 3 as a search of its own, with one final training, in the home folder `tmp_path`."""
    controller = Controller(tmp_path, SEARCH, settings, launcher=lambda _device: FakeLauncher(published))
    assert controller.run() == "COMPLETE"
    return controller.state


def extra(home: Path, points: list[str], launcher: FakeLauncher, wish: str | None = None) -> ExtraPoints:
    return ExtraPoints(home, SEARCH, points, launcher=lambda _device: launcher, interrupted=lambda: wish)


def view(state: SearchState) -> Any:
    """What the search itself is: its end, cycles and path."""
    path = [(t.fact, t.status, t.metric("val", "accuracy")) for t in state.on_path()]
    return state.event, state.cycles, path


def test_exactly_the_missing_points_are_trained_and_the_search_stays_what_it_is(
    tmp_path: Path, finished: SearchState
) -> None:
    before = view(finished)
    told: list[str] = []
    launcher = FakeLauncher(published)
    trained = ["batch_size=10,epochs=20,learning_rate=0.01"]  # of the search: not again
    points = ExtraPoints(
        tmp_path, SEARCH, [*trained, *MISSING, MISSING[0]], launcher=lambda _device: launcher,
        say=lambda _state, records: told.extend(record["kind"] for record in records),
    )  # fmt: skip
    assert [trial.fact["trial_id"] for trial in points.known] == [f"{SEARCH}.00-initial"]
    points.run()
    assert sorted(launcher.started) == sorted(
        f"what-if-batch_size-{batch}-epochs-{epochs}-learning_rate-{rate}"
        for batch, epochs, rate in ((40, 20, 0.0001), (30, 24, 0.0001), (30, 20, 1e-05))
    )
    state = SearchState(tmp_path, SEARCH)
    state.update()
    assert view(state) == before
    ours = [trial for trial in state.ordered() if trial.fact["coordinate"] == "what-if"]
    assert [trial.status for trial in ours] == ["COMPLETE"] * 3
    assert [trial.fact["position"] for trial in ours] == [14, 15, 16]  # behind the final training
    assert {(trial.fact["cycle"], trial.fact["de_count"], trial.fact["seed"]) for trial in ours} == {(None, None, 0)}
    first = state.trials[f"{SEARCH}.00-initial"].fact["settings"]
    moved = {"learning_rate", "batch_size", "epochs"}
    for trial in ours:  # the same settings in all but the point
        own = trial.fact["settings"]
        assert {name: own[name] for name in own if name not in moved} == {
            name: first[name] for name in first if name not in moved
        }
    assert "search_event" not in told
    assert "cycle" not in told
    # The tables of the terminal know them and keep them apart.
    assert table3(state).count("what-if, no part of the search") == 3
    state.event = None  # these trials have no counts for Table 4
    assert "epochs trained: 196 of 276" in summary(state, [])


def test_what_is_another_than_when_the_search_began_is_recorded_with_each_trial(
    tmp_path: Path, finished: SearchState, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished.fact is not None
    now = {**finished.fact["environment"], "python": "9.9.9"}
    then = finished.fact["environment"]["python"]
    extra(tmp_path, MISSING[:1], FakeLauncher(published)).run()
    monkeypatch.setattr(core.search.extra, "environment", lambda: now)
    extra(tmp_path, MISSING[1:2], FakeLauncher(published)).run()
    state = SearchState(tmp_path, SEARCH)
    state.update()
    told = [trial.fact["settings"].get("changed") for trial in state.ordered() if trial.fact["coordinate"] == "what-if"]
    assert told == [None, f"python {then} then, 9.9.9 now"]


def test_a_resume_of_the_search_finds_nothing_to_do(tmp_path: Path, finished: SearchState) -> None:
    extra(tmp_path, MISSING, FakeLauncher(published)).run()
    launcher = FakeLauncher(published)
    controller = Controller(tmp_path, SEARCH, None, launcher=lambda _device: launcher)
    assert controller.run() == "COMPLETE"
    assert launcher.started == []
    assert controller.state.event is not None
    assert finished.event is not None
    for name in ("best_trial_id", "model_trial_id", "stop_reason", "de_count"):
        assert controller.state.event[name] == finished.event[name]


def test_longer_points_continue_shorter_ones_and_older_states_are_freed(tmp_path: Path, finished: SearchState) -> None:
    launcher = FakeLauncher(published)
    extra(tmp_path, [LONGER, MISSING[1]], launcher).run()  # 28 and 24 epochs: 24 first, then 4 more
    assert launcher.started[0].endswith("epochs-24-learning_rate-0.0001")
    assert launcher.trained_epochs == 28
    kept = {folder.parent.name for folder in (tmp_path / "trials").glob(f"*/{STATE}")}
    assert len(kept) == 2
    launcher = FakeLauncher(published)
    extra(tmp_path, ["batch_size=30,epochs=33,learning_rate=0.0001"], launcher).run()
    assert launcher.trained_epochs == 5  # of 33, from the 28 of the call before
    kept = {folder.parent.name for folder in (tmp_path / "trials").glob(f"*/{STATE}")}
    assert kept == {f"{SEARCH}.what-if-batch_size-30-epochs-33-learning_rate-0.0001"}


def test_stopped_in_the_middle_it_goes_on_with_the_same_trial(tmp_path: Path, finished: SearchState) -> None:
    before = view(finished)
    hanging = FakeLauncher(published)
    hanging.hang = True

    def start(*args: Any) -> FakeWorker:
        (search_folder(tmp_path, SEARCH) / "stop").parent.mkdir(parents=True, exist_ok=True)
        (search_folder(tmp_path, SEARCH) / "stop").touch()
        return FakeLauncher.start(hanging, *args)

    hanging.start = start  # type: ignore[method-assign]
    with pytest.raises(Stopped, match="stopped by the person"):
        extra(tmp_path, MISSING[:1], hanging).run()
    assert hanging.workers[0].told == ["stop"]
    assert not (search_folder(tmp_path, SEARCH) / "stop").exists()
    again = extra(tmp_path, MISSING[:1], launcher := FakeLauncher(published))
    assert len(again.points) == 1
    again.run()
    assert launcher.started == hanging.started
    assert view(again.state) == before
    assert extra(tmp_path, MISSING[:1], FakeLauncher(published)).points == []


def test_a_point_that_fails_has_failed_and_is_not_trained_again(tmp_path: Path, finished: SearchState) -> None:
    extra(tmp_path, MISSING[:1], FakeLauncher(lambda _: "The loss became nan.")).run()
    again = extra(tmp_path, MISSING[:1], FakeLauncher(published))
    assert again.points == []
    assert [(trial.status, trial.error) for trial in again.known] == [("FAILED", "The loss became nan.")]


def test_what_makes_no_sense_is_refused_with_a_sentence(
    tmp_path: Path, settings: SearchSettings, finished: SearchState
) -> None:
    with pytest.raises(CommandError, match="There is no search s-none"):
        ExtraPoints(tmp_path, "s-none", MISSING)
    with pytest.raises(PointError, match="epochs=23 is no value that this search can take; it has 20, 24, 28, 33"):
        extra(tmp_path, ["batch_size=10,epochs=23,learning_rate=0.01"], FakeLauncher(published))
    half = Controller(
        tmp_path / "half",
        SEARCH,
        settings,
        launcher=lambda _device: FakeLauncher(published),
        interrupted=lambda: "stop",
    )
    assert half.run() == "STOPPED"
    with pytest.raises(CommandError, match="has not finished; resume it first"):
        extra(tmp_path / "half", MISSING, FakeLauncher(published))
    with pytest.raises(Stopped):  # a full disk: the worker's sentence
        extra(tmp_path, MISSING[:1], FakeLauncher(lambda _: TROUBLE)).run()


def test_points_as_text_and_back() -> None:
    point = {"batch_size": 10, "epochs": 28, "learning_rate": 1e-05}
    assert point_text(point) == "batch_size=10,epochs=28,learning_rate=1e-05"
    assert read_point(point_text(point), PUBLISHED_SPACE) == point
    assert read_point("learning_rate=0.00001, epochs=28.0,batch_size=10", PUBLISHED_SPACE) == point
    assert point_name(point) == "batch_size-10-epochs-28-learning_rate-1e-05"
    for text in ("batch_size=10", "batch_size=10,epochs=20,learning_rate=0.01,x=1", "", "epochs=20,epochs=20,a=1"):
        with pytest.raises(PointError, match=r"is no point of this search; give batch_size=\.\.\., epochs="):
            read_point(text, PUBLISHED_SPACE)
    with pytest.raises(PointError, match="batch_size=much is no value"):
        read_point("batch_size=much,epochs=20,learning_rate=0.01", PUBLISHED_SPACE)
    words = SearchSpace((*PUBLISHED_SPACE.coordinates, Choose("optimiser", ("adamw", "sgd"))))
    assert read_point(point_text({**point, "optimiser": "sgd"}), words)["optimiser"] == "sgd"


def test_the_command_of_the_page_is_the_command_to_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    class Process:
        def wait(self) -> int:
            return 0

    monkeypatch.setattr(commands, "spawn", lambda module, *_args, **_options: calls.append(module) or Process())
    points = [read_point(text, PUBLISHED_SPACE) for text in MISSING]
    train_points(tmp_path, SEARCH, points)
    assert ["python", "-m", *calls[0]] == shlex.split(what_if_command(tmp_path, SEARCH, points))
    assert calls[0] == ["core", "what-if", "--home", str(tmp_path), SEARCH, "--points", *MISSING]
    lock = try_lock(search_lock(tmp_path, SEARCH))
    assert lock is not None
    with pytest.raises(CommandError, match="already being run by process"):
        train_points(tmp_path, SEARCH, points)
    lock.release()


def test_the_terminal_takes_the_lock_and_tells_each_trial(
    tmp_path: Path, finished: SearchState, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher = FakeLauncher(published)
    monkeypatch.setattr(core.search.extra.ExtraPoints.__init__, "__kwdefaults__", {
        **core.search.extra.ExtraPoints.__init__.__kwdefaults__, "launcher": lambda _device: launcher,
    })  # fmt: skip
    monkeypatch.setattr(terminal.signal, "signal", lambda *_: None)
    monkeypatch.setattr(terminal.KeepIngesting, "__enter__", lambda self: self)
    monkeypatch.setattr(terminal.KeepIngesting, "__exit__", lambda *_: None)
    held = try_lock(search_lock(tmp_path, SEARCH))
    assert held is not None
    assert terminal.run_points(tmp_path, SEARCH, MISSING) == 1
    assert "already being run by process" in capsys.readouterr().err
    held.release()
    with pytest.raises(CommandError, match="There is no search s-none"):
        terminal.run_points(tmp_path, "s-none", MISSING)
    assert not search_folder(tmp_path, "s-none").exists()
    assert terminal.run_points(tmp_path, SEARCH, MISSING) == 0
    text = capsys.readouterr().out
    assert "trial what-if-batch_size-40-epochs-20-learning_rate-0.0001: learning rate 0.0001, batch size 40, 20" in text
    assert "DE_COUNT" not in text
    assert trial_folder(tmp_path, f"{SEARCH}.what-if-batch_size-40-epochs-20-learning_rate-0.0001").exists()


def test_a_point_of_a_search_over_recipes_is_trained_with_its_recipe(tmp_path: Path, settings: SearchSettings) -> None:
    listed = dataclasses.replace(settings, method="every", recipe="plain,jitter,transfer", max_trials=2, final_seeds=0)
    asked: list[TrialSettings] = []

    def score(trial: TrialSettings) -> float:
        asked.append(trial)
        return 0.5

    Controller(tmp_path, SEARCH, listed, launcher=lambda _device: FakeLauncher(score)).run()
    known = "batch_size=10,epochs=20,learning_rate=0.01,recipe=jitter"
    left_out = known.replace("jitter", "transfer")
    extra(tmp_path, [known, left_out], FakeLauncher(score)).run()
    assert [trial.recipe for trial in asked] == ["plain", "jitter", "transfer"]  # the known one not again
