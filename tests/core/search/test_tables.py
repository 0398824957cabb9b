"""The tables of the terminal: Table 4 of the published matrix, failed and unfinished trials, the state's folding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.evaluation.metrics import counts_of
from core.search.state import SearchState, TrialState
from core.search.tables import summary, table3, table4
from store.journal import JournalWriter, journal_folder

CLASSES = ["basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil"]


def published_trial() -> TrialState:
    matrix = np.diag([150, 144, 150, 150, 150])
    matrix[1, 2] = 6  # 6 of 150 erythroblasts were called monocytes
    counts = {name: values.tolist() for name, values in counts_of(matrix).items()}
    trial = TrialState({"trial_id": "s.final-1", "coordinate": "final"})
    trial.evaluation = {"splits": {"test": counts | {"class_auc": [1.0] * 4 + [None]}}}
    return trial


def test_table_4_of_the_published_matrix() -> None:
    lines = table4(published_trial(), CLASSES).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:6]}
    assert rows["erythroblast"] == ["150", "1.0000", "100.00", "96.00", "97.96", "100.00"]
    # The paper prints 98.03; 300 / 306 is 98.04.
    assert rows["monocyte"] == ["150", "1.0000", "96.15", "100.00", "98.04", "99.00"]
    assert rows["basophil"] == ["150", "1.0000", "100.00", "100.00", "100.00", "100.00"]
    assert rows["seg_neutrophil"][1] == "-"  # no AUC is no number
    assert lines[-1].startswith("accuracy 0.9920 (744 of 750; 95 % Wilson interval 0.98")
    assert lines[-1].endswith("macro specificity 0.9980")


def test_a_trial_without_evaluation_says_so() -> None:
    assert table4(TrialState({"trial_id": "s.00-initial"}), CLASSES) == "s.00-initial has no evaluation on test."


def record(home: Path) -> JournalWriter:
    journal = JournalWriter(journal_folder(home, "s"), "controller")
    journal.append("search", search_id="s", name="x", settings={})
    return journal


def fact(name: str, position: int, **more: Any) -> dict[str, Any]:
    return {
        "trial_id": f"s.{name}", "search_id": "s", "position": position, "cycle": 0, "coordinate": name,
        "learning_rate": 1e-2, "batch_size": 10, "epochs": 2, "seed": 0, "de_count": 0, "from_trial_id": None,
        "reused_epochs": 0, "settings": {}, **more,
    }  # fmt: skip


def test_table_3_shows_failed_unfinished_and_continued_trials(tmp_path: Path) -> None:
    journal = record(tmp_path)
    split = {"loss": 0.5, "accuracy": 0.75}
    journal.append("trial", **fact("initial", 0))
    journal.append("epoch", trial_id="s.initial", search_id="s", epoch=1, splits={"train": split, "val": split})
    journal.append("trial_event", trial_id="s.initial", search_id="s", attempt=1, status="FAILED", error="no memory")
    journal.append("trial", **fact("epochs", 1, reused_epochs=2, epochs=3))
    journal.append("search_event", search_id="s", attempt=1, status="RUNNING", best_trial_id=None, model_trial_id=None)
    state = SearchState(tmp_path, "s")
    assert len(state.update()) == 6
    assert state.update() == []
    head, failed, waiting = table3(state).splitlines()
    assert head.split()[:2] == ["DE_COUNT", "learning"]
    assert failed.split()[:8] == ["0", "0.01", "10", "2", "0.5000", "0.7500", "0.5000", "0.7500"]
    assert failed.endswith("FAILED: no memory")
    assert "2 epochs continued" in waiting
    assert "WAITING" in waiting
    assert "epochs trained: 3 of 5 (2 continued instead of trained again)" in summary(state, CLASSES)


def test_a_search_that_an_earlier_version_began_has_no_recipe_to_tell(tmp_path: Path) -> None:
    journal = record(tmp_path)
    journal.append("trial", **fact("initial", 0, settings={"backbone": "resnet10t"}))
    journal.append("trial", **fact("epochs", 1, settings={"backbone": "resnet10t", "recipe": "plain"}))
    journal.append("trial", **fact("batch_size", 2, settings={"backbone": "resnet10t", "recipe": "jitter"}))
    state = SearchState(tmp_path, "s")
    state.update()
    rows = table3(state).splitlines()[1:]
    assert ["plain" in row for row in rows] == [True, True, False]
    assert "jitter" in rows[2]
    assert not any("resnet10t" in row for row in rows)  # the same for all


def test_the_highest_attempt_decides_a_status_whatever_file_is_read_first(tmp_path: Path) -> None:
    journal = record(tmp_path)
    # "a" sorts before "controller": the worker's records are read before the trial that they belong to.
    for attempt, status in ((2, "COMPLETE"), (1, "STOPPED")):
        worker = JournalWriter(journal_folder(tmp_path, "s"), "a", attempt)
        worker.append("trial_event", trial_id="s.initial", search_id="s", attempt=attempt, status=status, error=None)
        worker.append("epoch", trial_id="s.initial", search_id="s", epoch=attempt, splits={})
    journal.append("trial", **fact("initial", 0))
    state = SearchState(tmp_path, "s")
    state.update()
    trial = state.trials["s.initial"]
    assert trial.status == "COMPLETE"
    assert trial.finished
    assert sorted(trial.epochs) == [1, 2]
    assert trial.metric("test", "accuracy") is None


@pytest.mark.parametrize("values", [(0.98, 0.96)])
def test_the_spread_of_the_final_trainings_is_told(tmp_path: Path, values: tuple[float, float]) -> None:
    journal = record(tmp_path)
    for seed, accuracy in enumerate(values, 1):
        name = f"final-{seed}"
        split = {"loss": 0.1, "accuracy": accuracy}
        journal.append("trial", **fact(name, seed, coordinate="final", seed=seed, cycle=None))
        journal.append("evaluation", trial_id=f"s.{name}", search_id="s", epoch=2, splits={"test": split})
    state = SearchState(tmp_path, "s")
    state.update()
    assert "test accuracy 0.9700 on average, 0.9600 to 0.9800, standard deviation 0.0141, from 2 seeds" in summary(
        state, CLASSES
    )
