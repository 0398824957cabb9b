"""Final models judged by images from elsewhere: what is recorded, what is skipped, what a kill or a cancel leaves."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.data.dataset import Dataset
from core.data.external import ExternalError, register_external, remove_external
from core.data.importing import import_data
from core.data.intake import decode_image
from core.data.sample import make_sample
from core.evaluation import external as external_module
from core.evaluation.external import (
    Pair,
    finished_on,
    judge,
    models_of,
    recorded,
    start_where_registered,
)
from core.evaluation.external_command import predictions
from core.jobs import Job, JobCancelled
from core.paths import trial_folder
from core.prediction.predictor import load
from core.search.commands import delete
from core.search.state import SearchState
from store import queries
from store.ingest import Ingestor
from tests.core.evaluation.elsewhere import finished_search, sample
from tests.store.processes import Process
from tests.store.tools import empty_store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def own(home: Path) -> Dataset:
    return sample(home, "own")


@pytest.fixture
def elsewhere(home: Path, own: Dataset) -> Dataset:
    """Three classes of the model's, one that it does not know, and a copy of one of its own images."""
    folder = home.parent / "elsewhere"
    make_sample(folder, per_class=6, size=40, seed=9)
    shutil.rmtree(folder / "basophil")
    (folder / "monocyte").rename(folder / "platelet")
    shutil.copy(own.root / own.usable[-1].path, folder / own.usable[-1].class_ / "copy.png")
    rows = [f"{path.relative_to(folder)},{'abc'[at % 3]}" for at, path in enumerate(sorted(folder.glob("*/*.png")))]
    (folder / "manifest.csv").write_text("\n".join(["file,source", *rows]))
    return import_data(home, folder, held_out=True)


def run(home: Path, *searches: str, trials: tuple[str, ...] = ()) -> list[Pair]:
    with jobs.running(home, "external", "test") as job:
        return judge(home, searches, job, trials)


def test_what_a_model_says_of_each_image_is_recorded(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    assert run(home, search_id) == [
        Pair("s-1.final-1", elsewhere.dataset_id)
    ]  # the trial on the path is no final model
    connection = empty_store()
    Ingestor(connection, home).poll()
    rows = queries.external_predictions(connection.cursor(), "s-1.final-1", elsewhere.dataset_id)
    assert rows["true_class"].value_counts().to_dict() == {"erythroblast": 6, "myeloblast": 6, "seg_neutrophil": 6}
    assert set(rows["source"]) == {"a", "b", "c"}
    predictor = load(home, "s-1.final-1")
    for row in rows.to_dict("records"):
        image = decode_image((elsewhere.root / row["path"]).read_bytes())
        assert row["probabilities"] == pytest.approx(predictor.predict(image).probabilities, abs=1e-6)
    (counted,) = queries.external_sets(connection.cursor(), own.dataset_id).to_dict("records")
    assert (counted["usable"], counted["counted"], counted["unknown"], counted["shared"]) == (25, 18, 6, 1)
    (result,) = queries.external_results(connection.cursor(), ["s-1.final-1"]).to_dict("records")
    right = int((np.stack(rows["probabilities"].to_list()).argmax(axis=1) == rows["true_index"]).sum())
    assert (result["n"], result["n_right"], result["registered"], result["name"]) == (18, right, True, "elsewhere")


def test_what_is_recorded_is_skipped_and_a_new_set_or_search_is_not(home: Path, own: Dataset, elsewhere: Dataset):
    first = finished_search(home, own, finals=2)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    assert len(run(home, first)) == 2
    assert run(home, first) == []
    before = recorded(home, first)
    other = sample(home, "other", per_class=1, seed=5, held_out=True)
    register_external(home, own.dataset_id, other.dataset_id)
    second = finished_search(home, own, "s-2", finals=0)  # without a final training its best trial is the model
    new = run(home, *finished_on(home, own.dataset_id))
    assert {pair.external_id for pair in new if pair.trial_id.startswith(first)} == {other.dataset_id}
    assert [pair.trial_id for pair in new if pair.trial_id.startswith(second)] == ["s-2.00-initial"] * 2
    assert all(recorded(home, first)[pair] == record for pair, record in before.items())


def test_a_search_without_weights_does_not_keep_the_others_from_being_judged(
    home: Path, own: Dataset, elsewhere: Dataset
):
    first, second = finished_search(home, own), finished_search(home, own, "s-2")
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    (trial_folder(home, f"{first}.final-1") / "weights.json").unlink()
    (trial_folder(home, f"{first}.00-initial") / "weights.json").unlink(missing_ok=True)
    with pytest.raises(ExternalError, match="Search s-1 has no model with its weights here"):
        run(home, first, second)
    assert list(recorded(home, second)) == [Pair("s-2.final-1", elsewhere.dataset_id)]


def test_a_cancelled_run_keeps_whole_pairs_and_goes_on(
    home: Path, own: Dataset, elsewhere: Dataset, monkeypatch: pytest.MonkeyPatch
):
    search_id = finished_search(home, own, finals=2)
    register_external(home, own.dataset_id, elsewhere.dataset_id)

    def tell(job: Job, stage: str, done: int, _total: int) -> None:
        if stage.startswith("final-2 reads") and done:  # in the middle of the second model
            jobs.cancel(home, "external", "test")

    monkeypatch.setattr(Job, "tell", tell)
    with pytest.raises(JobCancelled):
        run(home, search_id)
    assert list(recorded(home, search_id)) == [Pair("s-1.final-1", elsewhere.dataset_id)]
    monkeypatch.undo()
    assert run(home, search_id) == [Pair("s-1.final-2", elsewhere.dataset_id)]


KILLED = """
import os, signal, sys
from pathlib import Path
from core import jobs
from core.evaluation.external import judge

def tell(stage, done, total):
    if stage.startswith("final-2 reads") and done:
        os.kill(os.getpid(), signal.SIGKILL)

home, search_id = Path(sys.argv[1]), sys.argv[2]
with jobs.running(home, "external", search_id) as job:
    judge(home, [search_id], job, tell=tell)
"""


def test_a_killed_run_keeps_whole_pairs_and_goes_on(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own, finals=2)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    process = Process(KILLED, home, search_id)
    _, errors = process.popen.communicate(timeout=120)
    assert process.popen.returncode == -signal.SIGKILL, errors
    assert list(recorded(home, search_id)) == [Pair("s-1.final-1", elsewhere.dataset_id)]
    assert run(home, search_id) == [Pair("s-1.final-2", elsewhere.dataset_id)]


def test_one_damaged_model_does_not_keep_the_others_from_being_judged(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own, finals=2)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    (trial_folder(home, "s-1.final-1") / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ExternalError, match=r"does not match its weights\.json"):
        run(home, search_id)
    assert [pair.trial_id for pair in recorded(home, search_id)] == ["s-1.final-2"]


def test_trials_can_be_named(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    assert [pair.trial_id for pair in run(home, search_id, trials=("00-initial",))] == ["s-1.00-initial"]
    with pytest.raises(ExternalError, match="No finished trial 07-epochs has its weights here"):
        run(home, search_id, trials=("07-epochs",))


def test_what_cannot_be_judged_is_said(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own)
    with pytest.raises(ExternalError, match="No data set is registered as external to"):
        run(home, search_id)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    with pytest.raises(ExternalError, match="There is no search s-9"):
        run(home, "s-9")
    running = finished_search(home, own, "s-2", status="STOPPED")
    with pytest.raises(ExternalError, match="s-2 has not finished"):
        run(home, running)
    assert finished_on(home, own.dataset_id) == [search_id]
    delete(home, search_id)
    with pytest.raises(ExternalError, match="There is no search s-1"):
        run(home, search_id)
    assert finished_on(home, own.dataset_id) == []


def test_a_model_without_weights_is_none(home: Path, own: Dataset):
    search_id = finished_search(home, own)
    shutil.rmtree(trial_folder(home, "s-1.final-1"))
    state = SearchState(home, search_id)
    state.update()
    with pytest.raises(ExternalError, match="has no model with its weights here"):
        models_of(home, state)


def test_a_finished_search_starts_it_where_a_set_is_registered(
    home: Path, own: Dataset, elsewhere: Dataset, monkeypatch: pytest.MonkeyPatch
):
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        external_module.jobs, "start", lambda _home, kind, subject, arguments: started.append((subject, arguments))
    )
    search_id = finished_search(home, own)
    assert start_where_registered(home, search_id) == 0
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    assert start_where_registered(home, search_id) == 1
    assert started == [(search_id, ["external", "--search", search_id])]
    remove_external(home, own.dataset_id, elsewhere.dataset_id)
    assert start_where_registered(home, search_id) == 0


def test_a_record_reads_back(home: Path, own: Dataset, elsewhere: Dataset):
    search_id = finished_search(home, own)
    register_external(home, own.dataset_id, elsewhere.dataset_id)
    run(home, search_id)
    (record,) = recorded(home, search_id).values()
    true, predicted = predictions(record, 5)
    assert [elsewhere.usable[image_id].class_ for image_id in record["image_ids"]] == [own.classes[i] for i in true]
    assert len(predicted) == 18
