"""The controller: the published path, reuse, failures, stop, cancel, resume, two controllers."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from core.data.sample import make_sample
from core.environment import environment
from core.learning.reuse import TROUBLE
from core.learning.settings import TrialSettings
from core.paths import search_folder, trial_folder
from core.search.controller import Controller
from core.search.pool import DEATHS_WITHOUT_PROGRESS, Stopped
from core.search.settings import SearchSettings, preset
from core.search.state import SearchState
from core.search.tables import table3
from store.journal import replay
from tests.core.search.fake import FakeLauncher, FakeWorker
from tests.core.search.test_gseca import TABLE_3

SEARCH = "s-test"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells") / "sample"
    make_sample(folder, per_class=8, size=40, seed=0)
    return folder


@pytest.fixture
def settings(cells: Path) -> SearchSettings:
    return dataclasses.replace(
        preset("published"), data=str(cells), backbone="resnet10t", weights="none", image_size=32, final_seeds=2,
        device="cpu", threads=1,
    )  # fmt: skip


def published(trial: TrialSettings) -> float:
    point = (trial.learning_rate, trial.batch_size, trial.epochs)
    return next(row[4] for row in TABLE_3 if row[1:4] == point)


def run(
    home: Path, settings: SearchSettings | None, launcher: FakeLauncher, wish: str | None = None
) -> tuple[str, SearchState]:
    controller = Controller(home, SEARCH, settings, launcher=lambda _device: launcher, interrupted=lambda: wish)
    return controller.run(), controller.state


def test_the_published_path_trains_196_of_276_epochs(tmp_path: Path, settings: SearchSettings) -> None:
    launcher = FakeLauncher(published)
    status, state = run(tmp_path, dataclasses.replace(settings, final_seeds=0), launcher)
    assert status == "COMPLETE"
    rows = [
        (t.fact["de_count"], t.fact["learning_rate"], t.fact["batch_size"], t.fact["epochs"]) for t in state.ordered()
    ]
    assert rows == [row[:4] for row in TABLE_3]
    assert sum(trial.fact["epochs"] for trial in state.ordered()) == 276
    assert launcher.trained_epochs == 196
    assert state.event is not None
    assert state.event["best_trial_id"] == state.event["model_trial_id"] == f"{SEARCH}.02-learning_rate"
    assert state.event["stop_reason"].startswith("DE_COUNT reached 2")
    assert not list((tmp_path / "trials").glob("*/checkpoint.pt"))  # no optimiser state is kept after the end


def test_every_listed_recipe_and_backbone_is_trained_once(tmp_path: Path, settings: SearchSettings) -> None:
    asked: list[TrialSettings] = []

    def score(trial: TrialSettings) -> float:
        asked.append(trial)
        return 0.9 if (trial.backbone, trial.recipe) == ("resnet10t", "masked-transfer") else 0.5

    listed = dataclasses.replace(
        settings, method="every", recipe="plain,masked-transfer", backbone="test_resnet,resnet10t", final_seeds=1
    )
    status, state = run(tmp_path, listed, FakeLauncher(score))
    assert status == "COMPLETE"
    assert [(trial.backbone, trial.recipe) for trial in asked] == [
        ("test_resnet", "plain"), ("test_resnet", "masked-transfer"), ("resnet10t", "plain"),
        ("resnet10t", "masked-transfer"), ("resnet10t", "masked-transfer"),
    ]  # fmt: skip
    assert asked[1].input.background == "masked"
    assert asked[0].input.background == "kept"
    assert state.event is not None
    assert state.event["best_trial_id"] == f"{SEARCH}.00-resnet10t-masked-transfer"
    assert state.event["model_trial_id"] == f"{SEARCH}.final-1"
    assert "  test_resnet  masked-transfer" in table3(state).splitlines()[2]
    again = FakeLauncher(score)
    assert run(tmp_path, None, again)[0] == "COMPLETE"  # resumed after its end: nothing to train
    assert again.started == []


def test_without_reuse_every_epoch_is_trained(tmp_path: Path, settings: SearchSettings) -> None:
    launcher = FakeLauncher(published)
    run(tmp_path, dataclasses.replace(settings, final_seeds=0, reuse="no"), launcher)
    assert launcher.trained_epochs == 276


def test_after_an_epochs_move_the_other_candidates_continue_their_siblings(
    tmp_path: Path, settings: SearchSettings
) -> None:
    def score(trial: TrialSettings) -> float:
        return {20: 0.5, 24: 0.9}.get(trial.epochs, 0.1)

    launcher = FakeLauncher(score)
    _, state = run(tmp_path, dataclasses.replace(settings, final_seeds=0, max_trials=7), launcher)
    reused = {t.fact["trial_id"].partition(".")[2]: t.fact["reused_epochs"] for t in state.ordered()}
    assert reused == {
        "00-initial": 0, "01-batch_size": 0, "01-epochs": 20, "01-learning_rate": 0,
        "02-batch_size": 20, "02-epochs": 24, "02-learning_rate": 20,
    }  # fmt: skip


def test_final_trials_use_other_seeds_and_size_and_the_best_on_validation_is_the_model(
    tmp_path: Path, settings: SearchSettings
) -> None:
    def score(trial: TrialSettings) -> float:
        return published(trial) if trial.seed == 0 else {1: 0.97, 2: 0.99}[trial.seed]

    status, state = run(tmp_path, dataclasses.replace(settings, final_image_size=40), FakeLauncher(score))
    assert status == "COMPLETE"
    finals = [trial for trial in state.ordered() if trial.fact["coordinate"] == "final"]
    assert [(t.fact["seed"], t.fact["settings"]["image_size"], t.fact["cycle"]) for t in finals] == [
        (1, 40, None),
        (2, 40, None),
    ]
    assert state.event is not None
    assert state.event["model_trial_id"] == f"{SEARCH}.final-2"
    assert "final, seed 2" in table3(state)


def test_stopped_anywhere_and_resumed_it_ends_the_same(tmp_path: Path, settings: SearchSettings) -> None:
    whole = run(tmp_path / "whole", settings, FakeLauncher(lambda t: published(t) if t.seed == 0 else 0.9))[1]
    home, left = tmp_path / "cut", [1, 2, 5]
    state = None
    for attempt in range(4):
        allowed = left[attempt] if attempt < len(left) else 99

        class Limited(FakeLauncher):
            def start(self, *args: Any) -> FakeWorker:
                if len(self.started) >= allowed:  # noqa: B023
                    raise KeyboardInterrupt  # the process dies here
                return super().start(*args)

        limited = Limited(lambda t: published(t) if t.seed == 0 else 0.9)
        try:
            _, state = run(home, settings if attempt == 0 else None, limited)
        except KeyboardInterrupt:
            continue
    assert state is not None
    keep = (
        "trial_id",
        "position",
        "cycle",
        "de_count",
        "epochs",
        "batch_size",
        "learning_rate",
        "from_trial_id",
        "reused_epochs",
    )
    pick = [
        [{name: t.fact[name] for name in keep} | {"val": t.metric("val", "accuracy")} for t in s.ordered()]
        for s in (whole, state)
    ]
    assert pick[0] == pick[1]
    assert state.cycles.keys() == whole.cycles.keys()


def test_a_failed_trial_is_recorded_and_the_search_goes_on(tmp_path: Path, settings: SearchSettings) -> None:
    def score(trial: TrialSettings) -> float | str:
        return "The loss became nan." if trial.batch_size == 20 else published(trial)

    status, state = run(tmp_path, dataclasses.replace(settings, final_seeds=0, max_trials=4), FakeLauncher(score))
    assert status == "COMPLETE"
    failed = state.trials[f"{SEARCH}.01-batch_size"]
    assert (failed.status, failed.error) == ("FAILED", "The loss became nan.")


def test_a_search_without_one_good_trial_has_failed_and_says_why(tmp_path: Path, settings: SearchSettings) -> None:
    status, state = run(tmp_path, settings, FakeLauncher(lambda _: "Memory ran out at batch size 10."))
    assert status == "FAILED"
    assert state.event is not None
    assert "Memory ran out at batch size 10." in state.event["message"]


def test_a_process_that_dies_is_started_again_and_given_up_without_progress(
    tmp_path: Path, settings: SearchSettings
) -> None:
    launcher = FakeLauncher(lambda _: -9)
    status, state = run(tmp_path, settings, launcher)
    assert status == "FAILED"
    assert launcher.started == ["00-initial"] * DEATHS_WITHOUT_PROGRESS
    assert "was ended by signal 9" in str(state.trials[f"{SEARCH}.00-initial"].error)


def test_a_full_disk_stops_the_search_without_a_verdict(tmp_path: Path, settings: SearchSettings) -> None:
    status, state = run(tmp_path, settings, FakeLauncher(lambda _: TROUBLE))
    assert status == "STOPPED"
    assert state.event is not None
    assert "Free some disk space, then resume." in state.event["message"]
    assert not state.trials[f"{SEARCH}.00-initial"].finished
    assert run(tmp_path, None, FakeLauncher(lambda t: published(t) if t.seed == 0 else 0.9))[0] == "COMPLETE"


@pytest.mark.parametrize(("word", "told"), [("stop", "stop"), ("cancel", "kill")])
def test_stop_lets_the_epoch_end_and_cancel_does_not(
    tmp_path: Path, settings: SearchSettings, word: str, told: str
) -> None:
    launcher = FakeLauncher(published)
    launcher.hang = True

    def start(*args: Any) -> FakeWorker:
        worker = FakeLauncher.start(launcher, *args)
        search_folder(tmp_path, SEARCH).mkdir(parents=True)
        (search_folder(tmp_path, SEARCH) / word).touch()
        return worker

    launcher.start = start  # type: ignore[method-assign]
    status, _ = run(tmp_path, settings, launcher)
    assert status == "STOPPED"
    assert launcher.workers[0].told == [told]
    assert not (search_folder(tmp_path, SEARCH) / word).exists()
    assert trial_folder(tmp_path, f"{SEARCH}.00-initial").exists()


def test_bad_data_fail_the_search_with_one_sentence(tmp_path: Path, settings: SearchSettings) -> None:
    status, state = run(
        tmp_path, dataclasses.replace(settings, data=str(tmp_path / "nowhere")), FakeLauncher(published)
    )
    assert status == "FAILED"
    assert state.event is not None
    assert "nowhere" in state.event["message"]


def test_a_search_resumed_with_other_versions_says_so(
    tmp_path: Path, settings: SearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(settings, final_seeds=0)
    run(tmp_path, settings, FakeLauncher(published), wish="stop")
    then = environment()
    for torch, host in ((then["packages"]["torch"], "elsewhere"), ("9.9", "here")):
        now = {**then, "host": host, "packages": {**then["packages"], "torch": torch}}
        monkeypatch.setattr("core.search.controller.environment", lambda now=now: now)
        run(tmp_path, None, FakeLauncher(published), wish="stop")
    began = [
        record["message"]
        for record in replay(tmp_path, SEARCH)
        if record["kind"] == "search_event" and record["status"] == "RUNNING" and record["seq"] < 5
    ]
    assert began == [None, None, f"Resumed with torch {then['packages']['torch']} then, 9.9 now."]


def test_the_command_that_repeats_it_is_recorded_with_what_was_settled(
    tmp_path: Path, settings: SearchSettings
) -> None:
    settings = dataclasses.replace(settings, final_seeds=0, max_trials=1, threads=0, device="auto")
    _, state = run(tmp_path, settings, FakeLauncher(published))
    assert state.data is not None
    settled = state.data["settled"]
    assert f"--threads {settled['threads']}" in state.data["command"]
    assert f"--device {settled['device']}" in state.data["command"]
    assert settled["threads"] >= 1


def test_resuming_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="There is no search s-none"):
        Controller(tmp_path, "s-none", None)


def test_stopped_while_the_images_are_read_it_is_stopped_not_failed(tmp_path: Path, settings: SearchSettings) -> None:
    launcher = FakeLauncher(published)
    status, state = run(tmp_path, settings, launcher, wish="stop")
    assert status == "STOPPED"
    assert state.event is not None
    assert state.event["message"] == "stopped by the person while the images were read"
    assert not launcher.started


def test_the_disk_that_trials_take_is_told_anew_when_checkpoints_go(tmp_path: Path, settings: SearchSettings) -> None:
    run(tmp_path, dataclasses.replace(settings, final_seeds=0, max_trials=1), FakeLauncher(published))
    [told] = [record for record in replay(tmp_path, SEARCH) if record["kind"] == "files"]
    folder = trial_folder(tmp_path, f"{SEARCH}.00-initial")
    assert told["bytes"] == sum(file.stat().st_size for file in folder.iterdir())


def test_candidates_of_a_cycle_run_side_by_side_and_the_path_is_the_same(
    tmp_path: Path, settings: SearchSettings
) -> None:
    alone = run(tmp_path / "alone", dataclasses.replace(settings, final_seeds=0), FakeLauncher(published))[1]
    slots: list[int] = []

    class Slots(FakeLauncher):
        def start(self, spec_file: Path, log: Path, slot: int, threads: int) -> FakeWorker:
            slots.append(slot)
            return super().start(spec_file, log, slot, threads)

    pairs = dataclasses.replace(settings, final_seeds=0, parallel=2)
    together = run(tmp_path / "together", pairs, Slots(published))[1]
    assert set(slots) == ({0, 1} if (os.cpu_count() or 1) > 1 else {0})
    rows = [
        [(t.fact["trial_id"], t.fact["reused_epochs"], t.metric("val", "accuracy")) for t in s.ordered()]
        for s in (alone, together)
    ]
    assert rows[0] == rows[1]
