"""Outcome and cost: the table of any backbones, its chart, the tab of Compare, and the command that prints the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from core.evaluation.intervals import wilson
from pages.charts.outcome_scatter import outcome_scatter
from pages.components import compare_command
from pages.components.compare_settings import settings_of
from pages.components.cost_tables import MEMORY, SHIFTED, SWAP, TEST, finished, outcome_table, points, weights_words
from pages.components.data import read
from store.owner import shared
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_compare import words
from tests.store.factory import write_search
from tests.store.factory_costs import write_costs
from tests.store.factory_data import write_robustness, write_scope
from tests.store.factory_external import write_external

SEARCH = "s-20261124-101500-000001"
KINDS = {
    "00-initial": ("inception_v3", "plain"), "01-batch_size": ("resnet50", "plain"),
    "01-epochs": ("googlenet", "jitter"),
}  # fmt: skip
IDS = [f"{SEARCH}.{name}" for name in KINDS]
VIEW = "Outcome and cost"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three backbones, of which two have judged images from elsewhere and one shifted ones."""
    folder = tmp_path_factory.mktemp("written")
    write_search(folder, search_id=SEARCH, trials=4, epochs=3, seed=1, final=False)
    write_costs(folder, SEARCH, KINDS)
    write_external(folder, SEARCH, ["00-initial", "01-epochs"], name="near")
    write_robustness(folder, IDS[0])
    return folder


@pytest.fixture
def filled(home: Path, written: Path) -> Path:
    shutil.copytree(written, home, dirs_exist_ok=True)
    return home


def names(ids: list[str]) -> dict[str, str]:
    return {trial_id: trial_id.partition(".")[2] for trial_id in ids}


def test_the_table_says_what_each_trial_gave_and_cost(filled: Path) -> None:
    ids = [*IDS, f"{PUBLISHED}.final-0"]
    rows = finished(read, ids)
    table = outcome_table(read, rows, names(ids))
    assert list(table["trial"]) == ["00-initial", "01-batch_size", "01-epochs", "final-0"]
    assert list(table["backbone"].iloc[:3]) == ["inception_v3", "resnet50", "googlenet"]
    assert list(table["recipe"].iloc[:3]) == ["plain", "plain", "jitter"]
    assert table[["backbone", "recipe", MEMORY]].iloc[3].isna().all()  # nothing is made up for the study
    assert list(table[SWAP].iloc[:3]) == [29 / 40, 28 / 40, 27 / 40]
    low, high = wilson(29, 40)
    assert table[f"{SWAP}, 95 %"].iloc[0] == f"29 of 40; {low:.4f} to {high:.4f}"
    assert table[f"{TEST}, 95 %"].iloc[3].startswith("744 of 750; ")
    assert table[MEMORY].iloc[1] == pytest.approx(2 * 2**30 / 1e9)
    assert table["parameters"].iloc[2] == 5_605_029
    assert table["prediction images/s"].tolist()[:3] == [10, 20, 30]
    elsewhere = [name for name in table if " on near" in name and not name.endswith("95 %")]
    assert table[elsewhere].iloc[0].to_dict() == {  # one source has one class only, so no accuracy of its own
        "accuracy, all sources together, on near": 18 / 59, "seg_neutrophil, barcelona, on near": 14 / 50,
        "accuracy, munich, on near": 4 / 9, "basophil, munich, on near": 1 / 3, "monocyte, munich, on near": 3 / 6,
    }  # fmt: skip
    assert table[elsewhere].iloc[1].isna().all()
    assert table[SHIFTED].notna().tolist() == [True, False, False, False]


def test_images_out_of_scope_have_an_area_a_score_and_set(filled: Path) -> None:
    assert not [name for name in outcome_table(read, finished(read, IDS), names(IDS)) if "out-of-scope" in name]
    write_scope(filled, IDS[1], {"d-near": {"platelet": [100.0, 5.0]}})  # test images score 0.5 to 19.5
    assert shared(filled).catch_up(60)
    table = outcome_table(read, finished(read, IDS), names(IDS))
    own = table["out-of-scope AUROC, Mahalanobis distance, near"]
    assert own.iloc[1] == (20 + 5) / 40  # pairs in which the image out of scope is the stranger one
    assert own.isna().tolist() == [True, False, True]
    assert " to " in table["out-of-scope AUROC, Energy, near, 95 %"].iloc[1]


def test_a_trial_that_has_not_finished_is_no_row(home: Path) -> None:
    search_id = write_search(home, trials=3, epochs=3, status="RUNNING")
    ids = read("trials", search_id)["trial_id"].tolist()
    assert list(finished(read, ids)["trial_id"]) == ids[:2]


def test_the_chart_shows_the_hardest_class_elsewhere_where_one_is_judged(filled: Path) -> None:
    rows = finished(read, IDS)
    drawn, upward = points(read, rows, outcome_table(read, rows, names(IDS)))
    assert upward == "sensitivity on the hardest class elsewhere"
    assert list(drawn["trial_id"]) == [IDS[0], IDS[2]]  # the other has judged none
    assert list(drawn["y"]) == [14 / 50, 14 / 50]
    assert drawn["what"].iloc[0].startswith("seg_neutrophil on near, barcelona, 14 of 50; ")
    assert list(drawn["x"]) == rows.loc[drawn["trial_id"], "test_accuracy"].tolist()
    figure = outcome_scatter(drawn, upward=upward)
    own = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.name for trace in own] == ["inception_v3, plain", "googlenet, jitter"]
    assert len({trace.marker.color for trace in own}) == len({trace.marker.symbol for trace in own}) == 2
    assert figure.layout.yaxis.title.text == upward


def test_heights_on_other_images_are_not_compared_silently(open_page: OpenPage, filled: Path) -> None:
    write_external(filled, SEARCH, ["01-batch_size"], name="far", cells=[("monocyte", "porto", "monocyte", 4)])
    assert "so their heights do not compare" in words(open_page("compare", trials=SEARCH, view=VIEW))


def test_without_images_from_elsewhere_the_chart_shows_other_looks(home: Path) -> None:
    write_search(home, search_id=SEARCH, trials=4, epochs=3, seed=1, final=False)
    write_costs(home, SEARCH, KINDS)
    rows = finished(read, IDS)
    drawn, upward = points(read, rows, outcome_table(read, rows, names(IDS)))
    assert upward == f"accuracy on {SWAP}"
    assert list(drawn["y"]) == [29 / 40, 28 / 40, 27 / 40]
    low, high = wilson(29, 40)
    assert (drawn["y_low"].iloc[0], drawn["y_high"].iloc[0]) == (low, high)


def test_a_colour_is_a_recipe_and_a_shape_a_backbone() -> None:
    kinds = [(f"network {number}", recipe) for number in range(9) for recipe in ("plain", "jitter")]
    rows = pd.DataFrame(kinds, columns=["backbone", "recipe"]).assign(
        name="n", x=0.9, x_low=0.8, x_high=0.95, y=0.5, y_low=0.4, y_high=0.6, what="w"
    )
    own = [trace for trace in outcome_scatter(rows, upward="u").data if trace.mode == "markers"]
    looks = [(trace.marker.color, trace.marker.symbol) for trace in own]
    assert len(set(looks)) == 18
    assert len({colour for colour, _ in looks}) == 2
    assert looks[0][1] == looks[1][1]
    empty = outcome_scatter(rows.iloc[:0], upward="u")
    assert "both a test accuracy" in empty.layout.annotations[0].text


def test_the_tab_opens_by_its_link_and_says_what_it_leaves_out(open_page: OpenPage, filled: Path) -> None:
    app = open_page("compare", trials=SEARCH, view=VIEW)
    assert not app.error
    (table,) = [one.value for one in app.dataframe if "backbone" in one.value]
    assert list(table["backbone"].iloc[:3]) == ["inception_v3", "resnet50", "googlenet"]
    assert "reported, never used to choose" in words(app)
    assert "Not drawn, without one of the two values: 2." in words(app)
    assert "their heights do not compare" not in words(app)
    assert "compare-outcome-and-cost" in str([one.proto for one in app.get("download_button")])


def test_the_tab_of_trials_without_other_looks_has_a_table_and_a_sentence(open_page: OpenPage, home: Path) -> None:
    search_id = write_search(home, trials=3, epochs=3, status="RUNNING")
    app = open_page("compare", trials=search_id, view=VIEW)
    assert "There is no chart yet" in words(app)
    assert "Left out, not finished: 1." in words(app)
    app = open_page("compare", trials=f"{search_id}.01-epochs", view=VIEW)
    assert "None of these trials has finished" in words(app)


def test_initial_weights_are_those_of_the_backbone() -> None:
    settled = {"weights": {"origin": "a file"}, "others": {"googlenet": {"origin": "none: random"}}}
    assert weights_words(json.dumps(settled), "googlenet") == "none: random"
    assert weights_words(json.dumps(settled), "resnet50") == "a file"
    assert weights_words(None, "resnet50") == ""
    row = {
        "settings": '{"backbone": "googlenet"}', "search_settings": None, "settled": json.dumps(settled),
        "environment": None, "coordinate": "googlenet", "dataset_name": "d", "dataset_id": "d", "reused_epochs": 0,
        "from_trial_id": None, "learning_rate": 0.1, "batch_size": 1, "epochs": 1, "seed": 0,
    }  # fmt: skip
    assert settings_of(row)["initial weights"] == "none: random"


def test_the_command_prints_the_table_and_writes_it(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    assert compare_command.main([SEARCH, "--csv", str(file), "--home", str(written)]) == 0
    told = capsys.readouterr().out
    head, first = told.splitlines()[:2]
    assert head.split()[:6] == ["trial", "backbone", "recipe", "px", "val", "swapped"]
    assert first.split()[:4] == ["00-initial", "inception_v3", "plain", "96"]
    assert "21,795,813" in first
    assert "Images from elsewhere, near: accuracies, and the sensitivity on each class (reported, never used" in told
    assert "seg_neutrophil, barcelona  accuracy, munich" in told
    assert "0.2800 (14/50)" in told
    assert "inception_v3, resnet50, googlenet: not recorded" in told
    written_table = pd.read_csv(file)
    assert list(written_table["trial_id"].iloc[:3]) == IDS
    assert written_table["parameters"].iloc[1] == 23_518_277


def test_the_command_refuses_what_is_not_there(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_command.main(["s-gone", "--home", str(home)]) == 1
    assert capsys.readouterr().err == f"There is no search s-gone in {home}.\n"
    waiting = write_search(home, status="WAITING")
    assert compare_command.main([waiting, "--home", str(home)]) == 1
    assert "has finished yet" in capsys.readouterr().err
