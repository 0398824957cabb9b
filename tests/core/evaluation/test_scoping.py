"""The out-of-scope score of a trial: fitted and judged once, recorded, gone on with after a cancel or a kill."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import jobs
from core.data.cache import open_cache
from core.data.dataset import Dataset
from core.data.external import ExternalError
from core.data.importing import import_data
from core.data.outside import OutsideError
from core.data.sample import make_sample
from core.evaluation import scope_features, scoping
from core.evaluation.scope import ScopeError, p_values
from core.evaluation.scope_file import ARRAYS, FACTS, load_scope, whole_scope
from core.evaluation.scoping import PARTS, Known, known, measure
from core.jobs import Job, JobCancelled
from core.learning.settings import ModelError
from core.paths import trial_folder
from core.prediction.predictor import TorchPredictor, load
from core.search.commands import delete
from store import queries
from store.ingest import Ingestor
from store.journal import replay
from tests.core.evaluation.elsewhere import SIZE, finished_search, sample
from tests.store.processes import Process
from tests.store.tools import empty_store

TRIAL = "s-1.final-1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset, Dataset]:
    """A home with a finished search and a set out of scope; tests copy it."""
    home = tmp_path_factory.mktemp("scope") / "home"
    own = sample(home, "own", per_class=20)
    finished_search(home, own)
    return home, own, strange(home)


@pytest.fixture
def home(made: tuple[Path, Dataset, Dataset], tmp_path: Path) -> Path:
    shutil.copytree(made[0], tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def own(made: tuple[Path, Dataset, Dataset]) -> Dataset:
    return made[1]


@pytest.fixture
def outside(made: tuple[Path, Dataset, Dataset]) -> Dataset:
    return made[2]


def strange(home: Path) -> Dataset:
    """Noise, and cells under another name, one of which the model's data have too."""
    folder = home.parent / "strange"
    make_sample(folder, per_class=6, size=40, seed=9)
    for name in ("basophil", "erythroblast", "monocyte", "myeloblast"):
        shutil.rmtree(folder / name)
    (folder / "seg_neutrophil").rename(folder / "band")
    (folder / "noise").mkdir()
    rng = np.random.default_rng(0)
    for at in range(6):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(folder / "noise" / f"{at}.png")
    own = home.parent / "own"
    shutil.copy(sorted(own.glob("seg_neutrophil/*.png"))[0], folder / "band" / "copy.png")
    return import_data(home, folder, held_out=True)


def run(home: Path, outside: Dataset | None = None, trial_id: str = TRIAL) -> Known:
    with jobs.running(home, "scope", trial_id) as job:
        return measure(home, trial_id, job, None if outside is None else outside.dataset_id)


def kinds(home: Path) -> list[str]:
    return [r["kind"] for r in replay(home, "s-1") if r["kind"].startswith("scope")]


def test_scores_are_those_of_the_networks_own_features(home: Path, own: Dataset, outside: Dataset):
    found = run(home, outside)
    assert found.new == 2
    model, scope = load(home, TRIAL), load_scope(trial_folder(home, TRIAL))
    assert scope is not None
    ids = [image.image_id for image in own.usable if image.split == "test"]
    assert found.fitted["test_ids"] == ids
    squares = open_cache(own, SIZE, home / "cache")[ids]
    expected = scope.scores(*model.features_and_logits(squares))
    for method in ("mahalanobis", "energy"):
        assert found.fitted[f"test_{method}"] == pytest.approx(expected[method], rel=1e-3)
        assert found.fitted[f"calibration_{method}"] == scope.calibration[method].tolist()
    split = [image.split for image in own.usable]
    assert (found.fitted["n_train"], scope.n) == (split.count("train"), split.count("calibration"))
    result = found.results[outside.dataset_id]
    assert (result["classes"].count("noise"), result["classes"].count("band")) == (6, 6)  # the shared image is left out
    noise = np.array(result["mahalanobis"])[np.array(result["classes"]) == "noise"]
    assert noise.min() > max(found.fitted["test_mahalanobis"])  # nothing like a cell
    assert not (trial_folder(home, TRIAL) / PARTS).exists()


def test_the_store_has_a_row_an_image_with_p_values(home: Path, own: Dataset, outside: Dataset):
    found = run(home, outside)
    connection = empty_store()
    Ingestor(connection, home).poll()
    assert queries.damage(connection.cursor()).empty
    rows = queries.scope_scores(connection.cursor(), TRIAL, outside.dataset_id)
    parts = {name: part.set_index("image_id") for name, part in rows.groupby("part")}
    assert {name: len(part) for name, part in parts.items()} == {
        "calibration": found.scope.n, "test": len(found.fitted["test_ids"]), "outside": 12
    }  # fmt: skip
    for method in ("mahalanobis", "energy"):
        expected = p_values(found.fitted[f"calibration_{method}"], parts["outside"][method])
        assert parts["outside"][f"{method}_p"].to_numpy() == pytest.approx(expected)
        assert parts["test"][f"{method}_p"].between(0, 1).all()
        assert parts["calibration"][f"{method}_p"].isna().all()
    some = found.fitted["test_ids"][0]
    assert parts["test"].loc[some, ["path", "class"]].tolist() == [own.usable[some].path, own.usable[some].class_]
    assert set(parts["outside"]["class"]) == {"band", "noise"}
    (fitted,) = queries.scope_fits(connection.cursor(), [TRIAL]).to_dict("records")
    assert (fitted["n_calibration"], fitted["n_features"], fitted["fit"]) == (found.scope.n, 512, found.scope.fit_id)
    (result,) = queries.scope_results(connection.cursor(), [TRIAL]).to_dict("records")
    assert (result["outside_id"], result["name"], result["n"]) == (outside.dataset_id, "strange", 12)
    taken = connection.execute("SELECT bytes FROM trial_files WHERE trial_id = ?", [TRIAL]).fetchall()
    assert taken[0][0] == sum(file.stat().st_size for file in trial_folder(home, TRIAL).iterdir())


def test_what_is_recorded_is_skipped(home: Path, outside: Dataset, monkeypatch: pytest.MonkeyPatch):
    assert run(home).new == 1  # the fit alone
    first = known(home, TRIAL)
    assert run(home, outside).new == 1  # the set alone
    monkeypatch.setattr(scoping, "_Run", None)  # nothing is loaded
    again = run(home, outside)
    assert again.new == 0
    assert first is not None
    assert again.fitted == first.fitted
    assert kinds(home) == ["scope_fit", "scope_result"]


def test_a_damaged_or_foreign_file_is_made_anew(home: Path, outside: Dataset):
    folder = trial_folder(home, TRIAL)
    found = run(home, outside)
    (folder / ARRAYS).write_bytes(b"")
    with pytest.raises(ScopeError, match=r"does not match its scope\.json; make it anew"):
        load_scope(folder)
    assert whole_scope(folder) is None
    again = run(home, outside)
    assert again.scope.fit_id == found.scope.fit_id  # the same images and weights
    assert again.new == 1  # what rests on the same fit stands
    facts = (folder / FACTS).read_text()
    (folder / FACTS).write_text(facts.replace('"version": 1', '"version": 0'))
    with pytest.raises(ScopeError, match="another version"):
        load_scope(folder)
    (folder / FACTS).write_text(facts.replace(FACTS, "")[:40])
    with pytest.raises(ScopeError, match="cannot be read"):
        load_scope(folder)
    (folder / FACTS).write_text(facts)
    shutil.copy(trial_folder(home, "s-1.00-initial") / "weights.json", folder / "weights.json")
    with pytest.raises(ScopeError, match="for other weights"):
        load_scope(folder)
    assert load_scope(trial_folder(home, "s-1.00-initial")) is None


def test_a_cancelled_run_keeps_what_it_has_read(home: Path, outside: Dataset, monkeypatch: pytest.MonkeyPatch):
    whole = run(home, outside)
    shutil.rmtree(trial_folder(home, TRIAL))
    shutil.copytree(trial_folder(home, "s-1.00-initial"), trial_folder(home, TRIAL))
    monkeypatch.setattr(scope_features, "PART", 32)
    asked = 0

    def tell(job: Job, stage: str, done: int, _total: int) -> None:
        if "calibration" in stage:
            jobs.cancel(home, "scope", TRIAL)

    with monkeypatch.context() as patch:
        patch.setattr(Job, "tell", tell)
        with pytest.raises(JobCancelled):
            run(home, outside)
    assert len(list((trial_folder(home, TRIAL) / PARTS / "train").iterdir())) == 2  # 60 images
    read = TorchPredictor.features_and_logits

    def counted(self: TorchPredictor, squares: np.ndarray) -> Any:
        nonlocal asked
        asked += len(squares)
        return read(self, squares)

    monkeypatch.setattr(TorchPredictor, "features_and_logits", counted)
    found = run(home, outside)
    assert asked == len(found.fitted["test_ids"]) + 12  # no training image and no calibration image anew
    assert found.scope.fit_id != whole.scope.fit_id  # other weights


KILLED = """
import os, signal, sys
from pathlib import Path
from core import jobs
from core.evaluation import scope_features
from core.evaluation.scoping import measure

scope_features.PART = 32
home, trial_id, outside_id = Path(sys.argv[1]), *sys.argv[2:]

def tell(stage, done, total):
    if "training" in stage and done:
        os.kill(os.getpid(), signal.SIGKILL)

with jobs.running(home, "scope", trial_id) as job:
    measure(home, trial_id, job, outside_id, tell)
"""


def test_a_killed_run_goes_on_and_gives_the_same(
    home: Path, outside: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scope_features, "PART", 32)
    other = tmp_path / "uninterrupted"
    shutil.copytree(home, other)
    process = Process(KILLED, home, TRIAL, outside.dataset_id)
    _, errors = process.popen.communicate(timeout=120)
    assert process.popen.returncode == -signal.SIGKILL, errors
    assert len(list((trial_folder(home, TRIAL) / PARTS / "train").iterdir())) == 1
    found, whole = run(home, outside), run(other, outside)
    assert kinds(home) == ["scope_fit", "scope_result"]
    for method in ("mahalanobis", "energy"):
        assert found.fitted[f"test_{method}"] == pytest.approx(whole.fitted[f"test_{method}"], rel=1e-4)
        ours, theirs = (one.results[outside.dataset_id][method] for one in (found, whole))
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_what_cannot_be_done_is_said(home: Path, own: Dataset, outside: Dataset, tmp_path: Path):
    for trial_id, words in (
        ("s-9.final-1", "There is no search s-9"),
        ("s-1.final-9", "Search s-1 has no trial final-9"),
    ):
        with pytest.raises(ScopeError, match=words):
            run(home, None, trial_id)
    with pytest.raises(ExternalError, match="There is no data set d-none"), jobs.running(home, "scope", "x") as job:
        measure(home, TRIAL, job, "d-none")
    with pytest.raises(OutsideError, match="own is the data set that is trained on"):
        run(home, own)
    mixed = sample(home, "mixed", per_class=1, seed=7, held_out=True)
    with pytest.raises(OutsideError, match="has classes that the model knows"):
        run(home, mixed)
    assert kinds(home) == []
    (trial_folder(home, TRIAL) / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"does not match its weights\.json"):
        run(home)
    (trial_folder(home, TRIAL) / "weights.json").unlink()
    with pytest.raises(ScopeError, match=r"The weights of trial s-1\.final-1 are not here"):
        run(home)
    delete(home, "s-1")
    with pytest.raises(ScopeError, match="There is no search s-1"):
        run(home)


def test_without_a_calibration_split_there_is_no_p_value(home: Path):
    fractions = {"train": 0.7, "calibration": 0.0, "val": 0.15, "test": 0.15}
    make_sample(home.parent / "published", per_class=8, size=40, seed=3)
    published = import_data(home, home.parent / "published", fractions=fractions)
    finished_search(home, published, "s-2")
    with pytest.raises(ScopeError, match=r"have no calibration images .* train with --preset own"):
        run(home, None, "s-2.final-1")
