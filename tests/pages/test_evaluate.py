"""The page Evaluate: figures, curves, cells and their images, calibration, any epoch; and what it says of gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from streamlit.testing.v1 import AppTest

from core.evaluation.bootstrap import areas
from core.evaluation.calibration import reliability
from core.evaluation.intervals import wilson
from core.evaluation.macro import macro_rates
from pages.components import evaluate_tables, outcome
from pages.components.evaluate_calibration import verdict
from pages.components.evaluate_curves import without_images
from pages.components.evaluate_gallery import chosen
from store import queries
from store.owner import shared
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES, write_search

NAMES = ["a", "b", "c"]
CONFUSION = "Confusion and images"


def below(app: AppTest) -> dict[str, str]:
    """The line below each figure; of several with one label the first."""
    found: dict[str, str] = {}
    for metric in app.metric:
        found.setdefault(metric.label, metric.delta)
    return found


def recorded(home: Path, trial_id: str, split: str, epoch: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """True class indices (n,) and probabilities (n, C) as the store has them."""
    frame = queries.predictions(shared(home).cursor(), trial_id, split, epoch)
    return frame["true_class"].map(list(CLASSES).index).to_numpy(), np.stack(frame["probabilities"].to_list())


# --- the page -----------------------------------------------------------------------------------------------------


def test_figures_have_intervals_and_the_images_that_they_rest_on(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=4, n_test=75)
    app = open_page("evaluate", search=search_id)
    true, probabilities = recorded(home, f"{search_id}.final-1", "test")
    called = probabilities.argmax(axis=1)
    right = int((called == true).sum())
    low, high = wilson(right, 75)
    assert figures(app)["Accuracy"] == f"{right / 75:.4f}"
    assert below(app)["Accuracy"] == f"{low:.4f} to {high:.4f}, n 75"
    assert figures(app)["Macro AUC"] == f"{sk.roc_auc_score(true, probabilities, multi_class='ovr'):.4f}"
    macro = areas(true, probabilities.astype(float))[0].macro
    assert below(app)["Macro AUC"] == f"{macro.low:.4f} to {macro.high:.4f}, n 75"
    assert below(app)["Macro specificity"].endswith(", n 75")
    assert "Dirichlet posteriors of each class's decisions, with and without prior" in words(app)
    assert "reported, never used to choose" in words(app)
    assert "the search chose by these" in words(open_page("evaluate", search=search_id, split="Validation"))


def test_any_epoch_of_validation_and_only_there(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, final=False)
    trial = f"{search_id}.00-initial"
    app = open_page("evaluate", search=search_id, split="Validation", epoch="2", view=CONFUSION)
    true, probabilities = recorded(home, trial, "val", 2)
    assert figures(app)["Accuracy"] == f"{(probabilities.argmax(axis=1) == true).mean():.4f}"
    assert "After epoch 2 of 5." in words(app)
    assert f"({(probabilities.argmax(axis=1) == true).sum()} of 60;" in words(app)  # the matrix is of that epoch too
    slider = app.select_slider(key=f"epoch_of_{trial}")
    assert slider.value == 2
    slider.set_value(4).run()
    assert app.query_params["epoch"] in ("4", ["4"])
    assert "After epoch 4 of 5." in words(app)
    app.select_slider(key=f"epoch_of_{trial}").set_value(5).run()
    assert "epoch" not in app.query_params
    for asked in ("99", "x", "0"):
        assert "After epoch 5 of 5." in words(open_page("evaluate", search=search_id, split="Validation", epoch=asked))
    assert not open_page("evaluate", search=search_id, epoch="2").select_slider  # test is measured once


def test_a_running_trial_shows_what_it_has(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, epochs=6, status="RUNNING")
    app = open_page("evaluate", search=search_id)
    assert "measured once, after its last epoch" in words(app)
    app = open_page("evaluate", search=search_id, split="Validation", view="Curves")
    assert "After epoch 3 of 3." in words(app)
    assert len(app.dataframe[0].value) == 7


def test_curves_list_every_area_with_its_method(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, final=False)
    app = open_page("evaluate", search=search_id, view="Curves", split="Validation", epoch="1")
    table = app.dataframe[0].value
    assert list(table["name"]) == [*CLASSES, "micro", "macro"]
    assert set(table["AUC by"][:5]) == {"DeLong (logit scale)"}
    assert set(table["AUC by"][5:]) == {"stratified bootstrap (1,000 redraws, seed 0)"}
    assert table["images"].sum() == 60 + 60 + 60
    true, probabilities = recorded(home, f"{search_id}.00-initial", "val", 1)
    expected = sk.average_precision_score(true == 0, probabilities[:, 0])
    assert table["average precision"][0] == pytest.approx(expected)


def test_a_cell_shows_its_images_from_their_files(open_page: OpenPage, home: Path, tmp_path: Path):
    search_id = write_search(home, trials=1, final=False, pictures=tmp_path / "cells", n_train=5, n_val=80)
    link = {"search": search_id, "split": "Validation", "view": CONFUSION}
    app = open_page("evaluate", **link, true="erythroblast", called="erythroblast")
    true, probabilities = recorded(home, f"{search_id}.00-initial", "val")
    count = int(((true == 1) & (probabilities.argmax(axis=1) == 1)).sum())
    assert f"**{count} images** of class erythroblast called erythroblast" in words(app)
    assert f"Images 1 to {min(12, count)} of {count:,}." in words(app)
    assert len(app.image) == min(12, count)
    app.selectbox(key="called").set_value("").run()
    app.segmented_control(key="show").set_value("all").run()
    assert f"Images 1 to 12 of {(true == 1).sum()}." in words(app)
    app.pagination(key="page").set_value(2).run()
    assert f"Images 13 to {(true == 1).sum()} of {(true == 1).sum()}." in words(app)
    app.selectbox(key="true").set_value("monocyte").run()
    assert app.pagination(key="page").value == 1  # another choice begins with its first page


def test_a_file_that_is_gone_or_another_one_is_said_so(open_page: OpenPage, home: Path, tmp_path: Path):
    search_id = write_search(home, trials=1, final=False, pictures=tmp_path / "cells", n_train=5, n_val=60)
    files = sorted((tmp_path / "cells" / "monocyte").iterdir())
    for file in files[::2]:
        file.unlink()
    for file in files[1::2]:
        file.write_bytes(b"something else")
    app = open_page("evaluate", search=search_id, split="Validation", view=CONFUSION, show="All", true="monocyte")
    assert not app.error
    assert not app.image
    assert "The file is gone" in words(app)
    assert "it is not the image that the model saw" in words(app)


def test_an_image_opens_by_its_link(open_page: OpenPage, home: Path, tmp_path: Path):
    search_id = write_search(home, trials=1, final=False, pictures=tmp_path / "cells", n_train=5, n_val=60)
    frame = queries.predictions(shared(home).cursor(), f"{search_id}.00-initial", "val")
    row = frame.iloc[3]
    link = {"search": search_id, "split": "Validation", "view": CONFUSION}
    app = open_page("evaluate", **link, image=str(row["image_id"]))
    assert app.code[0].value == str(tmp_path / "cells" / row["path"])
    assert f"**{row['true_class']}**, called" in words(app)
    for wrong in ("999999", "x"):
        assert not open_page("evaluate", **link, image=wrong).code


def test_without_image_files_the_cell_is_a_list(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, final=False)
    app = open_page("evaluate", search=search_id, split="Validation", epoch="1", view=CONFUSION)
    assert "The images themselves cannot be shown. Their folder made-up is not on this machine." in words(app)
    table = app.dataframe[0].value
    assert (table["true_class"] != table["called"]).all()
    assert table["probability"].is_monotonic_decreasing
    assert len(table) == 12


def test_nothing_misclassified_is_said(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=13)
    app = open_page("evaluate", search=search_id, trial=f"{search_id}.02-learning_rate", view=CONFUSION)
    assert "No image is misclassified: all 60 of them are called right." in words(app)
    assert below(app)["Macro specificity"] != "1.0000 to 1.0000, n 60"  # perfect is not certain


def test_calibration_states_its_bins_and_what_chance_would_do(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, final=False)
    app = open_page("evaluate", search=search_id, view="Calibration", bins="5")
    assert below(app)["Calibration error (ECE)"] == "5 bins of equal width, n 60"
    true, probabilities = recorded(home, f"{search_id}.00-initial", "test")
    found = reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == true, 5)
    assert figures(app)["Calibration error (ECE)"] == f"{found.error:.4f}"
    assert figures(app)["By chance alone"] == f"{found.chance:.4f}"
    assert len(app.dataframe[0].value) == 5
    assert app.dataframe[0].value["images"].sum() == 60


def test_the_published_model_has_its_matrix_and_says_what_it_lacks(open_page: OpenPage):
    app = open_page("evaluate", search=PUBLISHED)
    table = app.dataframe[0].value.set_index("class")
    assert table.loc["erythroblast", "recall 95 %"] == "{:.4f} to {:.4f}".format(*wilson(144, 150))
    assert table.loc["monocyte", "precision"] == pytest.approx(150 / 156)
    assert "AUC 95 %" not in table
    assert below(app)["Macro AUC"] == "interval unknown, n 750"
    assert below(app)["Macro specificity"].startswith("0.99")
    app = open_page("evaluate", search=PUBLISHED, view=CONFUSION, true="erythroblast", called="monocyte")
    assert "**6 images** of class erythroblast called monocyte: 4.00% of erythroblast (6 of 150;" in words(app)
    assert "no image of a cell to show" in words(app)
    for view, lacking in (("Curves", "no ROC and no precision-recall curve"), ("Calibration", "no reliability")):
        assert lacking in words(open_page("evaluate", search=PUBLISHED, view=view))


# --- its tables ---------------------------------------------------------------------------------------------------


def test_table_4_carries_intervals():
    rows = pd.DataFrame(
        {"class": NAMES, "auc": [1.0, 0.9, 0.8], "support": [10, 10, 10], "tp": [9, 8, 10], "fp": [2, 1, 0],
         "tn": [18, 19, 20], "fn": [1, 2, 0]}
    )  # fmt: skip
    matrix = np.array([[9, 1, 0], [2, 8, 0], [0, 0, 10]])
    true = np.repeat([0, 1, 2], 10)
    probabilities = np.full((30, 3), 0.1) + 0.7 * np.eye(3)[true]
    plain = outcome.table4(rows)
    assert plain["AUC low"].isna().all()
    table = outcome.table4(rows, areas(true, probabilities)[0], macro_rates(matrix)).set_index("class")
    assert (table.loc["a", "recall low"], table.loc["a", "recall high"]) == wilson(9, 10)
    assert (table.loc["b", "precision low"], table.loc["b", "precision high"]) == wilson(8, 9)
    assert (table.loc["c", "specificity low"], table.loc["c", "specificity high"]) == wilson(20, 20)
    macro = table.loc["macro average"]
    assert macro["recall"] == pytest.approx(27 / 30)
    assert macro["recall low"] < 0.9 < macro["recall high"]
    assert macro["n"] == 30
    assert macro["AUC low"] < 1


def test_pairs_and_matrix_are_inverse():
    matrix = np.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(outcome.matrix_of(outcome.pairs_of(matrix, NAMES), NAMES), matrix)


@pytest.mark.parametrize("n", [40, 20_000])
def test_thinned_curves_keep_their_ends_and_their_area(n: int):
    rng = np.random.default_rng(2)
    true = rng.integers(0, 3, n)
    raw = np.exp(rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[true])
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    points = evaluate_tables.roc_points(true, probabilities, NAMES)
    assert points.groupby("name").size().max() <= 2 * evaluate_tables.POINTS + 2
    for index, name in enumerate(NAMES):
        curve = points[points["name"] == name]
        area = sk.auc(curve["false_positive_rate"], curve["true_positive_rate"])
        assert area == pytest.approx(sk.roc_auc_score(true == index, probabilities[:, index]), abs=2e-3)
        assert curve["true_positive_rate"].iloc[-1] == 1
    recall = evaluate_tables.precision_recall_points(true, probabilities, NAMES)
    assert recall.groupby("name").size().max() <= 2 * evaluate_tables.POINTS + 2
    assert set(recall["name"]) == {*NAMES, "micro"}


def test_an_absent_class_leaves_gaps_and_no_error():
    true, probabilities = np.array([0, 0, 1]), np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    table = evaluate_tables.areas_table(*areas(true, probabilities), true, NAMES)
    for figure in ("AUC", "average precision"):
        assert table[figure].isna().tolist() == [False, False, True, False, True]
        assert list(evaluate_tables.legend(table, figure)) == ["a", "b", "micro"]
    assert table["images"].tolist() == [2, 1, 0, 3, 3]
    assert set(evaluate_tables.roc_points(true, probabilities, NAMES)["name"]) == {"a", "b", "micro"}
    assert set(evaluate_tables.precision_recall_points(true, probabilities, NAMES)["name"]) == {"a", "b", "micro"}
    assert "No image is of c: no area there and no macro" in without_images(true, NAMES)
    assert without_images(np.array([0, 1, 2]), NAMES) == ""
    assert "All images are of b" in without_images(np.array([1, 1]), NAMES)


def test_images_are_sorted_by_how_sure_the_model_was_and_chosen_by_cell():
    true = np.array([0, 1, 2, 1])
    probabilities = np.array([[0.5, 0.4, 0.1], [0.9, 0.1, 0.0], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    images = pd.DataFrame({"image_id": [10, 11, 12, 13], "path": list("wxyz")})
    table = evaluate_tables.images_table(images, true, probabilities, NAMES)
    assert table["image_id"].tolist() == [11, 13, 12, 10]
    assert table["right"].tolist() == [False, True, True, True]
    assert table["of_true"].tolist() == [0.1, 0.8, 0.6, 0.5]
    assert chosen(table, "", "", "wrong", "sure")["image_id"].tolist() == [11]
    assert chosen(table, "", "", "right", "unsure")["image_id"].tolist() == [10, 12, 13]
    assert chosen(table, "b", "", "all", "sure")["image_id"].tolist() == [11, 13]
    assert chosen(table, "b", "a", "all", "sure")["image_id"].tolist() == [11]
    assert chosen(table, "", "a", "all", "sure")["image_id"].tolist() == [11, 10]
    none = evaluate_tables.images_table(images.iloc[:0], true[:0], probabilities[:0], NAMES)
    assert chosen(none, "", "", "wrong", "sure").empty


def test_the_verdict_on_calibration():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.6, 1, 400)
    right = rng.random(400) < confidence
    said = verdict(reliability(confidence, right), right.mean(), confidence.mean(), 400)
    assert "do not show that the probabilities are off" in said
    right = rng.random(400) < confidence - 0.3
    said = verdict(reliability(confidence, right), right.mean(), confidence.mean(), 400)
    assert "the probabilities are off, too sure on average" in said
    few = verdict(reliability([0.95, 0.55], [True, False]), 0.5, 0.75, 2)
    assert "2 of the bins hold fewer than 10 images" in few
