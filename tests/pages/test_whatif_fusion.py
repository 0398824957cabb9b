"""What-if: fusion. Members, weights and rule are in the address; the best ensemble is validation's; saved ones open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation.fusion import fuse
from core.search.commands import delete
from pages.components.data import read
from pages.components.models import trial_outputs
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.pages.test_whatif_decision import _key, address
from tests.store.factory import write_search

SIZES = {"epochs": 1, "n_val": 100, "n_test": 120, "n_calibration": 0}


@pytest.fixture
def search_id(home: Path) -> str:
    return write_search(home, trials=4, final=False, **SIZES)


def _paired(app: AppTest) -> list[str]:
    """The sentences on the paired test."""
    return [str(text.value) for text in app.markdown if "The fusion" in str(text.value)]


def accuracy(members: dict[str, float], split: str, rule: str = "average") -> str:
    outputs = trial_outputs(tuple(members), split)
    p = fuse(np.stack([one.probabilities for one in outputs]), list(members.values()), rule)
    return f"{(p.argmax(axis=1) == outputs[0].true).mean():.4f}"


def test_an_empty_store_says_what_is_needed(open_page: OpenPage):
    app = open_page("whatif_fusion")
    assert app.title[0].value == "What-if: fusion"
    assert "needs finished trials of a search of your own" in words(app)


def test_it_begins_with_the_three_best_on_validation(open_page: OpenPage, search_id: str):
    app = open_page("whatif_fusion", search=search_id)
    assert not app.error
    trials = read("trials", search_id).sort_values("val_accuracy", ascending=False, kind="stable")
    best = trials["trial_id"].tolist()[:3]
    assert app.multiselect(key=_key(app.multiselect, "fusion_members")).value == best
    shown = [metric.value for metric in app.metric if metric.label == "Accuracy"]
    assert shown == [accuracy(dict.fromkeys(best, 1.0), split) for split in ("val", "test")]
    assert [metric.value for metric in app.metric if metric.label == "Images"] == ["100", "120"]
    assert "Test: reported, never used to choose" in words(app)
    assert "All 14 sets of up to 3 of 4 trials were compared" in words(app)
    assert "partly so by luck" in words(app)
    table = next(frame.value for frame in app.dataframe if "model" in frame.value.columns)
    assert table["model"].tolist()[0] == "fusion"
    assert table["val accuracy"].iloc[1:].tolist() == trials["val_accuracy"].tolist()[:3]


def test_weights_and_rule_stand_in_the_address(open_page: OpenPage, search_id: str):
    one, two = f"{search_id}.00-initial", f"{search_id}.01-batch_size"
    app = open_page("whatif_fusion", search=search_id, members=f"{one}~{two}")
    app.slider[0].set_value(3).run()
    assert address(app, "w") == "3_1"
    assert figures(app)["Accuracy"] == accuracy({one: 3, two: 1}, "val")
    app.segmented_control(key=_key(app.segmented_control, "fusion_rule")).set_value("vote").run()
    assert address(app, "rule") == "vote"
    assert figures(app)["Accuracy"] == accuracy({one: 3, two: 1}, "val", "vote") == accuracy({one: 1}, "val")
    assert figures(app)["Loss"] == "–"
    app.multiselect(key=_key(app.multiselect, "fusion_members")).set_value([two, one, f"{search_id}.01-epochs"]).run()
    assert address(app, "w") == "1_3_1"  # a member keeps its weight
    link = {name: address(app, name) for name in ("members", "w", "rule")}
    again = open_page("whatif_fusion", search=search_id, **link)
    assert _paired(again) == _paired(app)
    assert figures(again) == figures(app)


def test_the_best_ensemble_is_validations_and_is_saved_as_such(open_page: OpenPage, search_id: str):
    app = open_page("whatif_fusion", search=search_id, members=f"{search_id}.01-batch_size")
    app.text_input(key="fusion_name").set_value("mine").run()
    app.button(key="fusion_save").click().run()
    app.button(key="use_best").click().run()
    members = address(app, "members").split("~")
    assert app.button(key="use_best").disabled
    every = [accuracy({one: 1.0}, "val") for one in read("trials", search_id)["trial_id"]]
    assert figures(app)["Accuracy"] >= max(every)
    app.text_input(key="fusion_name").set_value("best").run()
    app.button(key="fusion_save").click().run()
    assert not app.error
    saved = {row["name"]: row for row in read("fusions").to_dict("records")}
    assert {name: row["chosen_by"] for name, row in saved.items()} == {"mine": "person", "best": "validation"}
    assert list(saved["best"]["trial_ids"]) == members
    assert saved["best"]["dataset_id"] == read("search", search_id)["dataset_id"].iloc[0]


def test_a_saved_fusion_is_opened_and_removed(open_page: OpenPage, search_id: str, home: Path):
    one, two = f"{search_id}.00-initial", f"{search_id}.01-epochs"
    app = open_page("whatif_fusion", search=search_id, members=f"{one}~{two}", w="1_3", rule="vote")
    app.button(key="fusion_save").click().run()
    assert "A fusion needs a name." in words(app)
    app.text_input(key="fusion_name").set_value("pair").run()
    app.button(key="fusion_save").click().run()
    assert not app.error
    fresh = open_page("whatif_fusion", search=search_id)
    fresh.button(key="fusion_open").click().run()
    assert [address(fresh, name) for name in ("members", "w", "rule")] == [f"{one}~{two}", "1_3", "vote"]
    assert figures(fresh) == figures(app)
    fresh.button(key="fusion_remove_yes").click().run()
    assert read("fusions").empty
    assert "No fusion is saved yet." in words(fresh)


def test_trials_of_two_searches_on_the_same_data(open_page: OpenPage, search_id: str, home: Path):
    twin = write_search(home, search_id="s-20261124-101500-00twin", trials=2, final=False, **SIZES)
    members = f"{search_id}.00-initial~{twin}.01-batch_size"
    app = open_page("whatif_fusion", searches=f"{search_id}~{twin}", members=members)
    assert not app.error
    assert figures(app)["Accuracy"] == accuracy(dict.fromkeys(members.split("~"), 1.0), "val")
    app.text_input(key="fusion_name").set_value("across").run()
    app.button(key="fusion_save").click().run()
    delete(home, twin)
    alone = open_page("whatif_fusion", search=search_id)
    alone.button(key="fusion_open").click().run()
    assert f"The search {twin} was deleted" in words(alone)
    gone = open_page("whatif_fusion", searches=f"{search_id}~{twin}", members=members)
    assert "A search in this link is not here any more" in words(gone)
    assert "none of these searches' finished trials" in words(gone)


def test_searches_on_other_data_are_refused(open_page: OpenPage, search_id: str, home: Path):
    other = write_search(home, seed=5, trials=1, epochs=1, final=False)
    app = open_page("whatif_fusion", searches=f"{search_id}~{other}")
    assert "were made on different images or splits, so their trials cannot be fused" in app.error[0].value
    assert not app.metric


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"members": ""}, "Choose members, or the best small ensemble."),
        ({"members": "{0}.00-initial", "w": "0"}, "Give at least one member a weight above 0."),
        ({"searches": ""}, "Choose at least one search."),
    ],
)
def test_nothing_to_fuse_is_told(open_page: OpenPage, search_id: str, query: dict[str, str], said: str):
    app = open_page("whatif_fusion", **{name: value.format(search_id) for name, value in query.items()})
    assert said in words(app)
    assert not app.error
    assert not [metric for metric in app.metric if metric.label == "Accuracy"]
