"""A search as one zip: true to the store; of a finished, the published, a running, an empty one; page and command."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.statements import annotate
from pages.components import bundle_command
from pages.components.bundle import write_bundle
from pages.components.bundle_tables import BundleError
from store import queries
from store.published import SEARCH_ID as PUBLISHED
from store.single import store_of
from tests.pages.conftest import OpenPage
from tests.store.factory import CLASSES, write_search


class Bundle:
    """The files of a bundle, by their names below its folder."""

    def __init__(self, home: Path, search_id: str) -> None:
        self.store = store_of(home, search_id)
        file = io.BytesIO()
        write_bundle(self.store, search_id, file)
        with zipfile.ZipFile(file) as bundle:
            assert bundle.testzip() is None
            self.files = {name.removeprefix(f"{search_id}/"): bundle.read(name).decode() for name in bundle.namelist()}
            assert all(name.startswith(f"{search_id}/") for name in bundle.namelist())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(io.StringIO(self.files[f"{name}.csv"]))

    def object(self, name: str) -> Any:
        return json.loads(self.files[f"{name}.json"])

    @property
    def figures(self) -> list[str]:
        return sorted(name for name in self.files if name.endswith(".html"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    for seed, options in enumerate(({"trials": 4}, {"trials": 2, "status": "RUNNING"}, {"status": "WAITING"})):
        write_search(home, search_id=f"s-{seed}", epochs=2, seed=seed, **options)
    annotate(home, "s-0", "a *note*", ["tag"])
    return home


@pytest.fixture(scope="module")
def whole(home: Path) -> Bundle:
    return Bundle(home, "s-0")


def test_the_tables_say_what_the_store_says(whole: Bundle):
    trials = queries.trials(whole.store, "s-0")
    assert whole.table("trials")["trial_id"].tolist() == trials["trial_id"].tolist()
    assert whole.table("trials")["val_accuracy"].tolist() == trials["val_accuracy"].tolist()
    assert len(whole.table("epochs")) == len(queries.epochs(whole.store, list(trials["trial_id"])))
    model = "s-0.final-1"
    report = whole.table("class_report").query("trial_id == @model and split == 'test'").set_index("class")
    said = queries.class_report(whole.store, model, "test").set_index("class")
    for rate in ("precision", "recall", "specificity", "f1", "auc", "loss"):
        assert np.allclose(report.loc[list(CLASSES), rate], said.loc[list(CLASSES), rate]), rate
    matrix = whole.table("confusion").query("trial_id == @model and split == 'test'")
    assert matrix["count"].sum() == 60
    predictions = whole.table("predictions-test").query("trial_id == @model")
    exact = queries.predictions(whole.store, model, "test")
    assert predictions["image_id"].tolist() == exact["image_id"].tolist()
    mine = predictions[[f"p_{name}" for name in CLASSES]].to_numpy(dtype="<f4")
    assert np.array_equal(mine, np.array(exact["probabilities"].tolist(), dtype="<f4"))
    images = whole.table("images")
    assert len(images) == 361
    assert images["status"].value_counts().to_dict() == {"ok": 360, "bad": 1}
    assert whole.table("notes")["note"].tolist() == ["a *note*"]


def test_settings_machine_and_command(whole: Bundle):
    assert whole.object("settings")["backbone"] == "inception_v3"
    assert whole.object("environment")["python"] == "3.11"
    assert whole.object("search")["status"] == "COMPLETE"
    assert whole.object("search")["model_trial_id"] == "s-0.final-1"
    assert whole.object("dataset")["classes"] == list(CLASSES)
    assert whole.files["command.txt"] == "python -m core search --data made-up --seed 0\n"


def test_every_file_is_told_and_every_told_file_is_there(whole: Bundle):
    readme = whole.files["README.txt"]
    told = set(re.findall(r"^  ([\w./-]+\.(?:txt|json|csv|html)):", readme, re.MULTILINE))
    assert told == set(whole.files) - {"README.txt", "figures/plotly.min.js"}
    assert "synthetic sample cells" in readme
    assert "never used to choose" in readme
    assert "      recall: tp / (tp + fn); 0 where undefined" in readme


def test_figures_share_one_library(whole: Bundle):
    assert {"figures/trajectory.html", "figures/roc-test.html", "figures/loss-00-initial.html"} <= set(whole.figures)
    assert len(whole.files["figures/plotly.min.js"]) > 4_000_000
    for name in whole.figures:
        assert 'src="plotly.min.js"' in whole.files[name]
        assert len(whole.files[name]) < 200_000


def test_the_published_search_says_what_it_lacks(home: Path):
    bundle = Bundle(home, PUBLISHED)
    assert "images.csv" not in bundle.files
    assert (
        "predictions-test.csv: probabilities of single images: the study does not publish" in bundle.files["README.txt"]
    )
    assert "figures/confusion-test.html" in bundle.figures
    assert "figures/roc-test.html" not in bundle.figures
    report = bundle.table("class_report")
    assert report["recall"].notna().sum() == 5


@pytest.mark.parametrize(("search_id", "status"), [("s-1", "RUNNING"), ("s-2", "WAITING")])
def test_an_unfinished_search_has_a_bundle_too(home: Path, search_id: str, status: str):
    bundle = Bundle(home, search_id)
    assert f"status {status}." in bundle.files["README.txt"]
    assert ("figures/trajectory.html" in bundle.figures) == (status == "RUNNING")


def test_an_unknown_search_is_refused(home: Path):
    with pytest.raises(BundleError, match=r"^There is no search s-gone in this store\.$"):
        Bundle(home, "s-gone")


def test_the_command(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    file = tmp_path / "new" / "x.zip"
    assert main(["bundle", "s-1", str(file), "--home", str(home)]) == 0
    assert capfd.readouterr().out.startswith(f"Wrote {file}: search s-1, ")
    with zipfile.ZipFile(file) as bundle:
        assert "s-1/README.txt" in bundle.namelist()
    assert bundle_command.main(["s-1", str(file), "--home", str(home)]) == 1
    assert capfd.readouterr().err == f"{file} exists: name a new file.\n"
    assert bundle_command.main(["s-gone", str(tmp_path / "y.zip"), "--home", str(home)]) == 1
    assert not (tmp_path / "y.zip").exists()


def test_the_page_offers_it(open_page: OpenPage):
    app = open_page("search", search=PUBLISHED)
    assert [button.label for button in app.download_button if button.key == "bundle"] == ["This search as one zip"]
