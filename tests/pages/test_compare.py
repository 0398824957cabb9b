"""Compare: choice and address, tables against the store's single queries, the paired test, the published trials."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation.paired import Paired, mcnemar
from pages.components import compare_choice, compare_curves, compare_names, compare_pairs
from pages.components.compare_facts import MANY, Chosen, chosen_rows, scores
from pages.components.compare_matrices import disagreements
from pages.components.compare_metrics import metrics_table
from pages.components.compare_parallel import coordinates
from pages.components.compare_settings import differing, marks, settings_of, settings_table
from pages.components.data import read
from store.owner import shared
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.store.factory import write_search

FIRST, SECOND = "s-20261124-101500-000001", "s-20261124-101500-000002"
AGAIN = "s-20261125-101500-000001"  # the same data as FIRST
FINAL = f"{PUBLISHED}.final-0"


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def address(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two searches, written and read into a store once."""
    folder = tmp_path_factory.mktemp("written")
    write_search(folder, search_id=FIRST, trials=7, epochs=3, seed=1)
    write_search(folder, search_id=SECOND, trials=4, epochs=3, seed=2)
    shared(folder).close()
    return folder


@pytest.fixture
def filled(home: Path, written: Path) -> Path:
    shutil.copytree(written, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def chosen(filled: Path) -> Chosen:
    """Two trials of one search, one of another, and the published model."""
    ids = [f"{FIRST}.00-initial", f"{FIRST}.02-learning_rate", f"{SECOND}.final-3", FINAL]
    return Chosen(chosen_rows(ids), ids[0], "val")


def test_nothing_chosen_offers_ways_to_begin(open_page: OpenPage, filled: Path):
    app = open_page("compare")
    assert "Nothing is chosen yet" in words(app)
    trials = read("trial_names")
    ideas = compare_choice.ideas(read("searches"), trials)
    titles = [idea.title for idea in ideas]
    assert titles[0] == "The best trials of the newest 2 searches"
    assert "Best trial and model of Made-up search 1" in titles
    assert titles[-2:] == ["Made-up search 2 beside the published model", "All trials of He & Zhou 2025"]
    for idea in ideas:  # each leads to trials that are there
        ids = compare_choice.expanded(idea.trials, trials)
        assert ids
        assert idea.baseline in ("", *ids)
    app.button(key="idea_Made-up search 2 beside the published model").click().run()
    assert address(app, "trials") == f"{FINAL},{SECOND}.final-3"
    assert address(app, "baseline") == FINAL
    assert "reported, never used to choose" in words(app)


def test_an_empty_store_offers_the_published_search(open_page: OpenPage):
    assert "Nothing is chosen yet" in words(open_page("compare"))
    app = open_page("compare", trials=PUBLISHED)
    assert not app.error
    table = app.dataframe[0].value
    assert table["accuracy"].iloc[:4].tolist() == [0.8787, 0.5293, 0.9760, 0.9933]
    assert table["images"].iloc[0] == 750
    assert table["Δ accuracy"].iloc[3] == pytest.approx(0.9933 - 0.8787)
    assert "It cannot be tested against trial 1 image by image" in words(app)
    assert "data sets" not in words(app)
    assert "as far as the study prints numbers" in words(app)


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("Overview", "Best on validation: **trial 7 of Made-up search 1**; its validation accuracy is 1.0000"),
        ("Curves", "Of a published trial only the last epoch is known."),
        ("Classes", "No per-class results on validation of final of He & Zhou 2025."),
        ("Two trials", "**trial 7 of Made-up search 1** less the baseline"),
        ("Paired test", "Final of He & Zhou 2025 has no predictions of single validation images"),
        ("Parallel coordinates", "3 trials, coloured by validation accuracy"),
    ],
)
def test_every_view_of_a_mixed_choice(open_page: OpenPage, filled: Path, view: str, shown: str):
    ids = [f"{FIRST}.00-initial", f"{FIRST}.02-learning_rate", f"{SECOND}.final-3", FINAL]
    app = open_page("compare", trials=",".join(ids), view=view)
    assert not app.error
    assert shown in words(app)
    assert ("judged on the images of 3 data sets" in words(app)) == (view == "Overview")


def test_test_images_are_marked_and_the_published_matrix_is_subtracted(open_page: OpenPage, filled: Path):
    ids = f"{FINAL},{FIRST}.final-2"
    app = open_page("compare", trials=ids, view="Two trials", images="Test")
    assert "reported, never used to choose" in words(app)
    assert "in percentage points of each true class, since the two rest on other images" in words(app)
    assert "no paired test is possible" in words(app)


def test_a_running_trial_is_compared_as_far_as_it_is(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=3, epochs=3, status="RUNNING")
    app = open_page("compare", trials=search_id)
    assert not app.error
    assert app.dataframe[0].value["status"].tolist() == ["complete", "complete", "running"]
    assert app.dataframe[0].value["epochs done"].iloc[-1] == 2


def test_wrong_entries_are_left_out_with_a_sentence(open_page: OpenPage, filled: Path):
    app = open_page("compare", trials=f"s-gone.00-initial,{FIRST}.00-initial", baseline="s-gone.00-initial")
    assert "Not here, perhaps deleted, and left out: s-gone.00-initial." in words(app)
    assert app.dataframe[0].value["trial"].tolist() == ["◇ trial 1"]
    assert "baseline" not in app.query_params


def test_the_choice_stands_in_the_address(open_page: OpenPage, filled: Path):
    app = open_page("compare", trials=f"{FIRST}.00-initial")
    box = app.multiselect[0]
    labels = compare_names.choices(read("trial_names"))
    assert box.value == [f"{FIRST}.00-initial"]
    box.select(labels[SECOND]).run()
    assert address(app, "trials") == f"{FIRST}.00-initial,{SECOND}"
    assert len(app.dataframe[0].value) == 1 + 5
    app.selectbox[0].select(f"{SECOND}.01-epochs").run()
    assert address(app, "baseline") == f"{SECOND}.01-epochs"
    assert app.dataframe[0].value.set_index("trial").loc["◇ trial 3 of Made-up search 2", "Δ loss"] is not None
    app.multiselect[0].set_value([]).run()
    assert "trials" not in app.query_params
    assert "Nothing is chosen yet" in words(app)


def test_the_page_of_a_search_leads_to_its_comparison(open_page: OpenPage, filled: Path):
    assert "Compare all" in [link.label for link in page_links(open_page("search", search=FIRST))]
    app = open_page("search", search=FIRST, trial=f"{FIRST}.01-epochs")
    (link,) = [link for link in page_links(app) if link.label.startswith("Compare")]
    assert link.label == "Compare with the best"
    best = f"{FIRST}.02-learning_rate"
    assert link.query_string == f"trials={best}%2C{FIRST}.01-epochs&baseline={best}"


def page_links(app: AppTest) -> list[object]:
    return [element.proto for element in app.get("page_link")]


# --- tables ----------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_store(chosen: Chosen):
    own = scores(chosen.rows, "test")
    assert own.loc[FINAL, ["accuracy", "n"]].tolist() == [0.992, 750]
    assert own.loc[FINAL, "specificity"] == pytest.approx(0.998)
    assert own.loc[FINAL, "auc"] == pytest.approx(1.0)
    assert np.isnan(own.loc[FINAL, "loss"])
    for trial_id in chosen.ids[:3]:
        for split in ("val", "test"):
            report = read("class_report", trial_id, split)
            row = scores(chosen.rows, split).loc[trial_id]
            assert row["n"] == 60
            assert row["specificity"] == pytest.approx(report["specificity"].mean())
            assert row["recall"] == pytest.approx(report["recall"].mean())
            assert row["f1"] == pytest.approx(report["f1"].mean())
            assert row["auc"] == pytest.approx(report["auc"].mean())
            assert row["low"] < row["accuracy"] <= row["high"]
    assert scores(chosen.rows, "val").loc[FINAL].isna().all()


def test_differences_are_to_the_baseline(chosen: Chosen):
    own = scores(chosen.rows, "val")
    table = metrics_table(chosen, own)
    assert np.isnan(table.loc[chosen.baseline, "Δ accuracy"])
    other = chosen.ids[1]
    assert table.loc[other, "Δ loss"] == pytest.approx(own.loc[other, "loss"] - own.loc[chosen.baseline, "loss"])
    assert table.loc[other, "Δ s"] == 0
    assert table.loc[other, "test accuracy"] == chosen.rows.loc[other, "test_accuracy"]
    assert chosen.best == other


def test_settings_that_differ_are_found_and_unknown_ones_do_not_count(chosen: Chosen):
    table = settings_table(chosen)
    differs = differing(table)
    assert differs["learning rate"]
    assert differs["data id"]
    assert differs["seed"]
    assert not differs["backbone"]
    assert not differs["image size (px)"]  # 96 px, and unknown of the published model
    marked = marks(table, chosen.names[chosen.baseline])
    assert marked.loc["learning rate", chosen.names[chosen.ids[1]]] != ""
    assert (marked.loc["image size (px)"] == "").all()
    assert (marked[chosen.names[chosen.baseline]] == "").all()


def test_settings_name_weights_augmentation_and_code():
    row = {
        "learning_rate": 1e-4, "batch_size": 20.0, "epochs": 24.0, "seed": 3.0, "coordinate": "learning_rate",
        "dataset_name": "blood5", "dataset_id": "d-1", "reused_epochs": 20, "from_trial_id": "s.00-initial",
        "settings": '{"backbone": "inception_v3", "augment": {"flip": 0.5}}',
        "search_settings": '{"learning_rate": 0.01, "optimiser": "adamw", "weights": "auto", "validation": 15}',
        "settled": '{"weights": {"origin": "timm, from the hub", "sha256": "abcdef0123456789"}}',
        "environment": '{"code": "4ebb9ff", "packages": {"torch": "2.14.1"}}',
    }  # fmt: skip
    found = settings_of(row)
    assert found["learning rate"] == "1e-4"  # the trial's own, not the search's start
    assert found["batch size"] == "20"
    assert found["initial weights"] == "timm, from the hub"
    assert found["augmentation, flip"] == "0.5"
    assert found["optimiser"] == "adamw"
    assert found["validation split (%)"] == "15"
    assert found["continues"] == "00-initial"
    assert found["package torch"] == "2.14.1"
    unsettled = settings_of({**row, "settled": None})
    assert unsettled["initial weights"] == "auto"


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_are_short_and_no_two_alike():
    common = {"learning_rate": 1e-4, "batch_size": 20, "epochs": 24, "seed": 1}
    rows = [
        {"trial_id": "s-aaaaaa.00-initial", "search_id": "s-aaaaaa", "search_name": "blood", "position": 0,
         "coordinate": "initial", "cycle": 0, **common},
        {"trial_id": "s-bbbbbb.final-1", "search_id": "s-bbbbbb", "search_name": "blood", "position": 5,
         "coordinate": "final", "cycle": None, **common},
        {"trial_id": "s-bbbbbb.what-if-1", "search_id": "s-bbbbbb", "search_name": "blood", "position": 6,
         "coordinate": "what-if", "cycle": None, **common},
    ]  # fmt: skip
    assert list(compare_names.trial_names(pd.DataFrame(rows[1:])).values()) == [
        "final, seed 1", "what-if lr 1e-4, batch 20, 24 epochs"
    ]  # fmt: skip
    names = compare_names.trial_names(pd.DataFrame(rows))
    assert names["s-aaaaaa.00-initial"] == "trial 1 of blood aaaaaa"
    assert names["s-bbbbbb.final-1"] == "final, seed 1 of blood bbbbbb"
    labels = compare_names.choices(pd.DataFrame(rows))
    assert labels["s-bbbbbb"] == "blood bbbbbb · all 2 trials"
    assert labels["s-aaaaaa.00-initial"] == "blood aaaaaa · trial 1 · start"
    assert len(set(labels.values())) == len(labels)


def test_a_search_stands_for_its_trials_and_each_counts_once():
    trials = pd.DataFrame({"trial_id": ["a.0", "a.1", "b.0"], "search_id": ["a", "a", "b"]})
    assert compare_choice.tokens(" a , b.0,a,,") == ["a", "b.0"]
    assert compare_choice.expanded(["b.0", "a", "a.1", "c"], trials) == ["b.0", "a.0", "a.1"]


def test_of_very_many_the_baseline_and_the_best_stand_out():
    names = [f"s.{i}" for i in range(31)]
    rows = pd.DataFrame(
        {"trial_id": names, "val_accuracy": np.arange(31) / 30, "status": ["COMPLETE"] * 30 + ["FAILED"]}
    )
    many = Chosen(rows.set_index("trial_id", drop=False), "s.0", "val")  # the failed one is never the best
    assert many.bold == ["s.0", *(f"s.{i}" for i in range(24, 30))]
    assert many.best == "s.29"
    few = Chosen(rows.head(MANY).set_index("trial_id", drop=False), "s.0", "val")
    assert few.bold == few.ids


# --- paired test -----------------------------------------------------------------------------------------------------


def test_the_sentence_says_it_plainly():
    assert compare_pairs.sentence(Paired(9, 2, 750), "trial 7", "trial 4") == (
        "Trial 7 is right on 9 images where trial 4 is wrong, and wrong on 2 where it is right (of 750); p = 0.065: "
        "not shown to differ."
    )
    text = compare_pairs.sentence(Paired(1, 15, 100), "trial 7", "trial 4", adjusted=0.0016, tests=3)
    assert "is right on 1 image where" in text
    assert text.endswith("p = 0.00052; after Holm over 3 pairs, p = 0.0016: they differ.")
    assert "not shown to differ" in compare_pairs.sentence(Paired(1, 8, 100), "a", "b", adjusted=0.12, tests=3)
    assert "nothing tells them apart" in compare_pairs.sentence(Paired(0, 0, 9), "trial 7", "trial 4")
    assert [compare_pairs.p_text(p) for p in (1e-7, 0.0625, 0.5, 1)] == ["p < 0.0001", "p = 0.063", "p = 0.50", "p = 1"]


def test_pairs_are_those_of_the_predictions(chosen: Chosen):
    groups = compare_pairs.answers(chosen, chosen.ids)
    assert [group.ids for group in groups] == [chosen.ids[:2], [chosen.ids[2]]]  # other data, other images
    right = {}
    for trial_id in chosen.ids[:2]:
        rows = read("predictions", trial_id, "val")
        called = np.array(rows["probabilities"].tolist()).argmax(axis=1)
        names = list(read("dataset", chosen.rows.loc[trial_id, "dataset_id"])["classes"][0])
        right[trial_id] = np.array(names)[called] == rows["true_class"].to_numpy(str)
    first, second = right.values()
    (row,) = compare_pairs.pairs_table(chosen, groups, only_baseline=False).to_dict("records")
    assert row["first"] == chosen.ids[1]  # the one that is right more often
    assert (row["first_only"], row["second_only"]) == (int((second & ~first).sum()), int((first & ~second).sum()))
    assert row["p"] == row["p_holm"] == mcnemar(row["first_only"], row["second_only"])
    said = " ".join(compare_pairs.left_out(chosen, groups))
    assert "Final of He & Zhou 2025 has no predictions" in said
    assert "Not all saw the same images" in said


def test_a_trial_that_may_have_been_picked_is_judged_with_p_adjusted_over_all_pairs(filled: Path):
    ids = [f"{FIRST}.{name}" for name in ("00-initial", "01-learning_rate", "02-learning_rate")]
    chosen = Chosen(chosen_rows(ids), ids[0], "val")
    said = compare_pairs.told(chosen, ids[2])
    table = compare_pairs.pairs_table(chosen, compare_pairs.answers(chosen, ids), only_baseline=True).set_index("first")
    assert len(table) == 2
    assert said is not None
    assert f"after Holm over 2 pairs, {compare_pairs.p_text(table.loc[ids[2], 'p_holm'])}" in said
    on_test = compare_pairs.told(Chosen(chosen_rows(ids), ids[0], "test"), ids[2])
    assert on_test is not None
    assert "Holm" not in on_test  # nothing was picked on these images
    assert compare_pairs.told(Chosen(chosen_rows([*ids[:1], FINAL]), ids[0], "val"), FINAL) is None


def test_trials_of_two_searches_on_the_same_data_are_tested(filled: Path):
    write_search(filled, search_id=AGAIN, trials=4, epochs=3, seed=1)
    ids = [f"{FIRST}.00-initial", f"{AGAIN}.00-initial", f"{AGAIN}.01-learning_rate"]
    several = Chosen(chosen_rows(ids), ids[2], "test")
    groups = compare_pairs.answers(several, ids)
    assert [group.ids for group in groups] == [ids]
    table = compare_pairs.pairs_table(several, groups, only_baseline=False)
    assert len(table) == 3
    assert (table["p_holm"] >= table["p"]).all()
    same = table[(table["first"] == ids[0]) & (table["second"] == ids[1])]
    assert same["p"].tolist() == [1.0]  # the same predictions
    against = compare_pairs.pairs_table(several, groups, only_baseline=True)
    assert set(against["second"]) == {ids[2]}
    assert len(against) == 2


def test_images_that_only_one_has_right():
    def said(probabilities: list[list[float]]) -> pd.DataFrame:
        return pd.DataFrame(
            {"image_id": [3, 4, 5], "path": ["a/3.png", "a/4.png", None], "true_class": ["a", "a", "b"],
             "probabilities": probabilities}
        )  # fmt: skip

    table = disagreements(
        said([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), said([[0.2, 0.8], [0.6, 0.4], [0.4, 0.6]]), ["a", "b"]
    )
    (row,) = table.to_dict("records")
    assert (row["image"], row["called"], row["baseline called"], row["right"]) == ("a/3.png", "a", "b", "this trial")
    turned = disagreements(said([[0.9, 0.1]] * 3), said([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]]), ["a", "b"])
    assert turned[["image", "right"]].to_numpy().tolist() == [["5", "baseline"]]


# --- curves and coordinates ------------------------------------------------------------------------------------------


def test_curves_of_all_classes_and_of_one(chosen: Chosen):
    ids = chosen.ids
    loss = compare_curves.values(chosen, "loss", None, ["val", "train"])
    assert list(loss["trial_id"].unique()) == ids[:3]  # in the order chosen; nothing is printed of the published model
    assert list(loss["split"].unique()) == ["val", "train"]
    error = compare_curves.values(chosen, "error", None, ["val"])
    accuracy = compare_curves.values(chosen, "accuracy", None, ["val"])
    np.testing.assert_allclose(error["y"], 1 - accuracy["y"])
    recall = compare_curves.values(chosen, "recall", "monocyte", ["val"])
    last = recall[recall["trial_id"] == ids[0]].iloc[-1]
    report = read("class_report", ids[0], "val").set_index("class")
    assert last["y"] == pytest.approx(report.loc["monocyte", "recall"])


def test_smoothing_is_an_exponential_mean_of_each_curve():
    table = pd.DataFrame(
        {"trial_id": ["a"] * 3 + ["b"] * 3, "split": "val", "epoch": [1, 2, 3] * 2,
         "minutes": [1.0, 2.0, 4.0, 0.5, 1.0, np.nan], "y": [1.0, 0.0, 0.0, 5.0, 5.0, 5.0]}
    )  # fmt: skip
    lines = compare_curves.prepared(table, by_time=False, smoothing=0.5)
    np.testing.assert_allclose(lines["smooth"], [1, 1 / 3, 1 / 7, 5, 5, 5])  # weights 1, 1/2, 1/4
    assert compare_curves.prepared(table, by_time=False, smoothing=0.0)["smooth"].isna().all()
    timed = compare_curves.prepared(table, by_time=True, smoothing=0.0)
    np.testing.assert_allclose(timed["x"], [1, 2, 4, 0.5, 1])  # an epoch of unknown duration has no place


def test_training_time_counts_every_epoch_and_ends_where_it_is_unknown(chosen: Chosen, monkeypatch: pytest.MonkeyPatch):
    one = chosen.ids[0]
    rows = pd.DataFrame(
        {"trial_id": one, "split": ["val"] * 5 + ["train"] * 5, "epoch": [1, 2, 3, 4, 5] * 2,
         "seconds": [60.0, 60.0, 120.0, np.nan, 60.0] * 2, "loss": [1.0, np.nan, 0.5, 0.4, 0.3] * 2, "accuracy": 0.5}
    )  # fmt: skip

    def fake(query: str, ids: list[str], splits: list[str], *name: object) -> pd.DataFrame:
        found = rows[rows["split"].isin(splits)]
        return found if query == "epochs" else found[found["epoch"] != 2]  # classes are known from some epochs only

    monkeypatch.setattr(compare_curves, "read", fake)
    for name in (None, "monocyte"):
        table = compare_curves.values(chosen, "loss", name, ["val", "train"])
        lines = compare_curves.prepared(table, by_time=True, smoothing=0.0)
        for split in ("val", "train"):
            np.testing.assert_allclose(lines[lines["split"] == split]["x"], [1, 4])  # epoch 2 took its minute
        assert len(compare_curves.prepared(table, by_time=False, smoothing=0.0)) == 8
    hole = compare_curves.elapsed(rows[rows["epoch"] != 2])
    np.testing.assert_allclose(hole["minutes"], [1, np.nan, np.nan, np.nan])
    assert compare_curves.elapsed(rows.iloc[:0]).empty


def test_long_series_are_thinned_but_keep_their_ends():
    lines = pd.DataFrame({"trial_id": ["a"] * 1000 + ["b"] * 10, "split": "val", "x": [*range(1000), *range(10)]})
    thin = compare_curves.thinned(lines, 100)
    assert len(thin) < 110
    ends = thin.groupby("trial_id")["x"].agg(["first", "last"])
    assert ends.to_numpy().tolist() == [[0, 999], [0, 9]]
    assert compare_curves.thinned(lines, 2000) is lines


def test_coordinates_leave_out_what_is_unknown_or_the_same(chosen: Chosen):
    table, axes, unscored = coordinates(chosen.rows)
    assert unscored == 1  # the published model has no validation score
    assert [axis.column for axis in axes] == [
        "learning_rate", "batch_size", "epochs", "seed", "search_name", "val_loss", "val_accuracy"
    ]  # fmt: skip
    assert len(table) == 3
    published, axes, _ = coordinates(read("compared", [PUBLISHED]))
    assert "seed" not in [axis.column for axis in axes]
    assert len(published) == 13
