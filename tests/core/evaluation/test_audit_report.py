"""The sentence of an audit in the report that ends a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.sample import make_sample
from core.evaluation.audit_report import audit_sentence
from core.search.state import SearchState, TrialState
from core.search.tables import model_accuracy
from core.search.terminal import _print_summary
from core.statements import set_sources
from store import queries
from store.ingest import Ingestor
from tests.store.factory_data import write_audit, write_sources
from tests.store.tools import empty_store


@pytest.fixture
def cells(tmp_path: Path) -> Dataset:
    make_sample(tmp_path / "cells", per_class=4, size=32, seed=1)
    return import_data(tmp_path, tmp_path / "cells")


def state(home: Path, dataset: Dataset, **accuracies: float) -> SearchState:
    """A finished search with one trial of these accuracies, by split."""
    found = SearchState(home, "s")
    found.data = {"dataset_id": dataset.dataset_id}
    found.event = {"best_trial_id": "s.00-initial", "model_trial_id": None}
    fact = {
        "trial_id": "s.00-initial", "position": 0, "coordinate": "initial", "de_count": 0, "learning_rate": 0.01,
        "batch_size": 10, "epochs": 1, "seed": 0, "reused_epochs": 0,
    }  # fmt: skip
    trial = TrialState(fact, status="COMPLETE")
    splits = {name: {"accuracy": value, "loss": 1.0} for name, value in accuracies.items()}
    trial.epochs[1] = {"splits": splits}
    trial.evaluation = {"splits": splits} if "test" in splits else None
    found.trials["s.00-initial"] = trial
    return found


def test_the_latest_audit_counts_against_the_models_accuracy(tmp_path: Path, cells: Dataset):
    assert audit_sentence(tmp_path, cells, 1.0) is None
    write_audit(tmp_path, "d-another")
    assert audit_sentence(tmp_path, cells, 1.0) is None
    write_audit(tmp_path, cells.dataset_id, accuracies={"histogram": 0.9})
    write_audit(tmp_path, cells.dataset_id, accuracies={"histogram": 0.4, "thumbnail": 0.99})
    said = audit_sentence(tmp_path, cells, 1.0)
    assert said == (
        "25 % of this model's lead over chance can be had from colour alone (histogram 0.400, chance 0.200, model "
        "1.000)."
    )
    assert (
        audit_sentence(tmp_path, cells, None) == "Colour alone predicts the class with accuracy 0.400 (chance 0.200)."
    )


def test_one_source_a_class_is_told(tmp_path: Path, cells: Dataset):
    write_audit(tmp_path, cells.dataset_id)
    set_sources(tmp_path, cells.dataset_id, {one.image_id: str(one.class_) for one in cells.usable})
    assert "Each class comes from one source only" in str(audit_sentence(tmp_path, cells, 0.99))


def test_a_guessed_source_is_no_fact(tmp_path: Path, cells: Dataset):
    write_audit(tmp_path, cells.dataset_id)
    write_sources(tmp_path, cells.dataset_id, {one.image_id: str(one.class_) for one in cells.usable}, told_by="guess")
    assert "Each class comes from one source only" not in str(audit_sentence(tmp_path, cells, 0.99))
    connection = empty_store()
    Ingestor(connection, tmp_path).poll()
    assert not queries.audited(connection.cursor())["confounded"].any()


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [({"val": 0.8, "test": 0.7}, (0.7, "test")), ({"val": 0.8}, (0.8, "val")), ({}, (None, ""))],
)
def test_the_accuracy_is_that_of_the_model_on_test_else_on_val(
    tmp_path: Path, cells: Dataset, accuracies: dict[str, float], expected: tuple[float | None, str]
):
    found = state(tmp_path, cells, **accuracies)
    accuracy, measured = model_accuracy(found)
    assert (accuracy, measured.rpartition(" on ")[2]) == expected
    found.event = {"best_trial_id": None, "model_trial_id": None}
    assert model_accuracy(found) == (None, "")


def test_the_report_ends_with_it(tmp_path: Path, cells: Dataset, capsys: pytest.CaptureFixture[str]):
    found = state(tmp_path, cells, val=0.7, train=0.9)
    _print_summary(tmp_path, found)
    assert f"python -m core audit --dataset {cells.dataset_id}" in capsys.readouterr().out
    write_audit(tmp_path, cells.dataset_id, accuracies={"histogram": 0.6})
    _print_summary(tmp_path, found)
    said = capsys.readouterr().out
    assert "80 % of this model's lead over chance can be had from colour alone" in said
    assert "python -m core audit" not in said
