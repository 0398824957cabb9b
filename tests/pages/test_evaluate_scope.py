"""The tab Out of scope of Evaluate: what it says of recorded scores, how it starts a job, and what it cannot know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import jobs
from core.evaluation.intervals import wilson
from core.paths import dataset_file, trial_folder
from pages.charts.scope import INSIDE, OUTSIDE, scope_histogram
from pages.components import evaluate_scope_run
from store import queries
from store.owner import shared
from store.published import SEARCH_ID as PUBLISHED
from tests.core.evaluation.elsewhere import sample
from tests.pages.conftest import OpenPage
from tests.pages.test_evaluate import below
from tests.pages.test_pages import figures, words
from tests.store.factory import write_search
from tests.store.factory_data import write_scope

TAB = "Out of scope"
OUTSIDE_SCORES = {"band_neutrophil": [5.5, 10.5, 39.5, 37.5], "smudge_cell": [100.0, 200.0]}


@pytest.fixture
def trial(home: Path) -> str:
    """A trained trial of a finished search, with a stand-in for its weights."""
    search_id = write_search(home, trials=1, final=False, n_train=20)
    trial_id = f"{search_id}.00-initial"
    trial_folder(home, trial_id).mkdir(parents=True)
    (trial_folder(home, trial_id) / "weights.json").write_text("{}")
    return trial_id


def link(trial_id: str, **more: str) -> dict[str, str]:
    return {"search": trial_id.partition(".")[0], "trial": trial_id, "view": TAB, **more}


def test_areas_flagged_shares_and_false_alarms_of_a_judged_trial(open_page: OpenPage, home: Path, trial: str):
    write_scope(home, trial, {"d-strange": OUTSIDE_SCORES})
    app = open_page("evaluate", **link(trial))
    shown, under = figures(app), below(app)
    test = np.arange(20) + 0.5
    outside = np.array([score for scores in OUTSIDE_SCORES.values() for score in scores])
    ranked = (outside[:, None] > test).mean() + (outside[:, None] == test).mean() / 2
    assert shown["AUROC, Mahalanobis distance"] == shown["AUROC, Energy"] == f"{ranked:.4f}"
    # of 39 calibration images 1 to 39, at most one may score as high: beyond 38 the p-value is 2 / 40 or less
    assert shown["Flagged"] == f"{3 / 6:.4f}"
    assert under["Flagged"] == "{:.4f} to {:.4f}, n 6".format(*wilson(3, 6))
    assert shown["False alarms"] == "0.0000"
    assert "With 39 calibration images the least p-value is 0.0250" in words(app)
    assert "An image that is not flagged may still show none of the classes" in words(app)
    assert "used for nothing else" in words(app)
    table = app.dataframe[-1].value.set_index("class")
    assert table["Mahalanobis distance: flagged"].to_dict() == {
        "band_neutrophil": 1, "smudge_cell": 2, "all of them": 3, "test images (false alarms)": 0
    }  # fmt: skip
    assert table.loc["band_neutrophil", "Mahalanobis distance: 95 %"] == "{:.4f} to {:.4f}".format(*wilson(1, 4))


def test_the_level_and_the_score_stand_in_the_address(open_page: OpenPage, home: Path, trial: str):
    write_scope(home, trial, {"d-strange": OUTSIDE_SCORES, "d-other": {"platelet": [1000.0]}})
    app = open_page("evaluate", **link(trial, scope_alpha="0.1", scope_method="Energy", scope_set="d-other"))
    assert app.number_input(key="scope_alpha").value == 0.1
    assert figures(app)["Flagged"] == "1.0000"
    app = open_page("evaluate", **link(trial, scope_alpha="0.1"))
    assert figures(app)["Flagged"] == f"{4 / 6:.4f}"  # 37.5 has p = 3 / 40
    app = open_page("evaluate", **link(trial, scope_alpha="0.02"))
    assert "at the level 0.02 nothing can ever be flagged" in words(app)
    assert figures(app)["Flagged"] == "0.0000"


def test_before_anything_is_fitted_it_starts_a_job(open_page: OpenPage, trial: str, monkeypatch: pytest.MonkeyPatch):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(evaluate_scope_run, "begin", lambda *asked: begun.append((*asked[:2], *asked[2])))
    app = open_page("evaluate", **link(trial))
    assert "No score has been fitted for this trial yet" in words(app)
    assert f"python -m core scope --trial {trial}" in [code.value for code in app.code]
    app.button(key="scope_run").click().run()
    app.text_input(key=f"scope_folder_{trial}").set_value("/data/far away").run()
    assert f"python -m core scope --trial {trial} --out-of-scope '/data/far away'" in [code.value for code in app.code]
    app.button(key="scope_run").click().run()
    command = ("scope", trial, "scope", "--trial", trial)
    assert begun == [command, (*command, "--out-of-scope", "/data/far away")]


def test_a_fit_alone_shows_false_alarms_and_asks_for_images(open_page: OpenPage, home: Path, trial: str):
    write_scope(home, trial)
    app = open_page("evaluate", **link(trial))
    assert set(figures(app)) >= {"False alarms"}
    assert "Flagged" not in figures(app)
    assert app.button(key="scope_run").disabled  # fitted already, and no set is picked


def test_what_cannot_be_judged_is_said(open_page: OpenPage, home: Path, trial: str):
    assert "weights of the study are not public" in words(open_page("evaluate", search=PUBLISHED, view=TAB))
    (trial_folder(home, trial) / "weights.json").unlink()
    assert "The weights of this trial are not here" in words(open_page("evaluate", **link(trial)))
    other = write_search(home, trials=1, final=False, n_train=20, n_calibration=0, seed=1)
    app = open_page("evaluate", **link(f"{other}.00-initial"))
    assert "have no calibration images (the published preset makes none)" in words(app)
    assert not [button for button in app.button if button.key == "scope_run"]


def test_a_running_and_a_failed_job_are_told(open_page: OpenPage, home: Path, trial: str):
    with jobs.running(home, "scope", trial) as job:
        job.tell("final-1 reads the training images", 40, 200)
        app = open_page("evaluate", **link(trial))
        assert not [button for button in app.button if button.key == "scope_run"]
        assert [button.label for button in app.button if str(button.key).startswith("cancel_scope")]
    with pytest.raises(OSError, match="full"), jobs.running(home, "scope", trial):
        raise OSError("The disk is full.")
    assert "The disk is full." in words(open_page("evaluate", **link(trial)))


def test_a_set_of_known_classes_is_refused(open_page: OpenPage, home: Path, trial: str):
    own = sample(home, "own")
    mixed = sample(home, "mixed", per_class=1, seed=3, held_out=True)
    app = open_page("evaluate", **link(trial))
    dataset_id = queries.search(shared(home).cursor(), trial.partition(".")[0])["dataset_id"].iloc[0]
    replace(own, dataset_id=dataset_id).save(dataset_file(home, dataset_id))
    (box,) = [box for box in app.selectbox if box.label == "Images that show none of the classes"]
    box.set_value(mixed.dataset_id).run()
    assert "mixed has classes that the model knows" in words(app)
    assert app.button(key="scope_run").disabled


def test_the_histogram_counts_each_group_by_itself():
    rows = pd.DataFrame({"group": [INSIDE] * 3 + [OUTSIDE], "score": [1.0, 10.0, 10.0, 1000.0]})
    figure = scope_histogram(rows, title="distance", limit=100.0, logarithmic=True)
    inside, outside = figure.data
    assert (inside.name, outside.name) == ("test images, n 3", "images out of scope, n 1")
    assert sum(inside.y) == pytest.approx(1)
    assert sum(outside.y) == pytest.approx(1)
    assert figure.layout.shapes[0].x0 == pytest.approx(2)
    assert list(figure.layout.xaxis.ticktext) == ["1", "10", "100", "1,000"]
    assert not scope_histogram(rows, title="energy", limit=None, logarithmic=False).layout.shapes
    assert "No image has been scored" in scope_histogram(
        rows[:0], title="", limit=None, logarithmic=False
    ).layout.annotations[0].text  # fmt: skip
