"""The comparison behind the soak finds what is missing, doubled or other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.epochs import epoch_payload
from benchmarks.verify import journal_problems, store_problems
from core.learning.settings import TrialSettings
from store.database import store_file
from store.journal import JournalWriter, journal_folder
from store.maintain import rebuild

SEARCH = "s-20260101-000000-abcdef"
TRIAL = f"{SEARCH}.00-initial"
IDS = {"search_id": SEARCH, "trial_id": TRIAL}


def record(home: Path, change: Callable[[dict[str, Any]], None] = lambda _: None, epochs: tuple[int, ...] = (1, 2)):
    """A home with a finished search of one trial; `change` may alter the payload of epoch 2."""
    controller = JournalWriter(journal_folder(home, SEARCH), "controller")
    controller.append(
        "search", search_id=SEARCH, name="x", origin="own", objective="val_accuracy", patience=2, settings={},
        command="", environment={},
    )  # fmt: skip
    fact = {"position": 0, "cycle": 0, "coordinate": "initial", "learning_rate": 0.01, "batch_size": 10, "epochs": 2}
    fact |= {"seed": 0, "de_count": 0, "from_trial_id": None, "reused_epochs": 0, "settings": TrialSettings().to_json()}
    controller.append("trial", **IDS, **fact)
    worker = JournalWriter(journal_folder(home, SEARCH), "00-initial")
    for number in epochs:
        payload = epoch_payload(number)
        if number == 2:
            change(payload)
        worker.append("epoch", **IDS, **payload)
    splits = {"test": epoch_payload(9)["splits"]["val"]}
    predictions = {"test": epoch_payload(9)["predictions"]["val"]}
    worker.append("evaluation", **IDS, epoch=2, splits=splits, predictions=predictions)
    worker.append("trial_event", **IDS, attempt=1, status="COMPLETE", error=None, pid=1, host="here")
    controller.append(
        "search_event", search_id=SEARCH, attempt=1, status="COMPLETE", de_count=1, best_trial_id=TRIAL,
        model_trial_id=TRIAL, stop_reason="x", message=None,
    )  # fmt: skip
    for journal in (controller, worker):
        journal.close()
    return home


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    return record(tmp_path / "twin")


def problems(twin: Path, home: Path) -> tuple[list[str], list[str]]:
    rebuild(home)
    return journal_problems(twin, home, SEARCH), store_problems(twin, home, SEARCH)


def test_equal_homes_have_no_problem(twin: Path, tmp_path: Path) -> None:
    assert problems(twin, record(tmp_path / "home")) == ([], [])


def test_one_bit_of_a_loss_is_found_in_journal_and_store(twin: Path, tmp_path: Path) -> None:
    def nudge(payload: dict[str, Any]) -> None:
        payload["splits"]["val"]["loss"] *= 1 + 2**-52

    in_journal, in_store = problems(twin, record(tmp_path / "home", nudge))
    assert any(line.startswith("00-initial, val loss:") for line in in_journal)
    assert any(line.startswith("00-initial epoch 2 val, loss:") for line in in_store)


def test_another_probability_is_found(twin: Path, tmp_path: Path) -> None:
    def other(payload: dict[str, Any]) -> None:
        payload["predictions"] = epoch_payload(7)["predictions"]

    in_journal, _ = problems(twin, record(tmp_path / "home", other))
    assert any(line.startswith("00-initial epoch 2, predictions:") for line in in_journal)


def test_a_missing_epoch_is_found(twin: Path, tmp_path: Path) -> None:
    in_journal, in_store = problems(twin, record(tmp_path / "home", epochs=(2,)))
    assert "00-initial epoch 1 is only in undisturbed" in in_journal
    assert {"00-initial epoch 1 train is only in undisturbed", "00-initial epoch 1 val is only in undisturbed"} <= set(
        in_store
    )


def test_an_epoch_recorded_twice_is_found(twin: Path, tmp_path: Path) -> None:
    in_journal, in_store = problems(twin, record(tmp_path / "home", epochs=(1, 1, 2)))
    assert in_journal == ["00-initial epoch 1 is recorded 2 times"]
    assert in_store == []  # the store takes one of them


def test_a_store_that_lost_an_epoch_is_found(twin: Path, tmp_path: Path) -> None:
    home = record(tmp_path / "home")
    rebuild(home)
    with duckdb.connect(str(store_file(home))) as connection:
        connection.execute("DELETE FROM epoch_split WHERE epoch = 1 AND split = 'val'").fetchall()
    assert store_problems(twin, home, SEARCH) == ["00-initial epoch 1 val is only in undisturbed"]
