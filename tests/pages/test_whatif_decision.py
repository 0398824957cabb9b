"""What-if: the decision. Controls and address agree, goals are set on validation, points are saved, opened, removed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import statements
from core.evaluation.decision import Thresholds, as_record, threshold_for_sensitivity
from core.search.commands import delete
from pages.components import models
from pages.components.data import read
from pages.components.whatif_address import compact
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import CLASSES, write_search


def address(app: AppTest, name: str) -> str | None:
    """A parameter of the page's address."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def table(app: AppTest) -> dict[tuple[str, str], dict[str, str]]:
    """The table of rates by class and split."""
    rows = next(frame.value for frame in app.dataframe if "PPV" in frame.value.columns)
    return {(row["class"], row["images"]): row for row in rows.to_dict("records")}


@pytest.fixture
def search_id(home: Path) -> str:
    return write_search(home, trials=1, epochs=1, n_val=100, n_test=120, n_calibration=0)


def test_an_empty_store_and_the_published_search_say_why(open_page: OpenPage):
    app = open_page("whatif_decision", search=PUBLISHED)
    assert app.title[0].value == "What-if: the decision"
    assert "prints no probabilities of single images" in words(app)
    assert not app.error


def test_it_begins_as_the_highest_probability(open_page: OpenPage, search_id: str):
    app = open_page("whatif_decision", search=search_id)
    assert not app.error
    assert [slider.value for slider in app.slider] == [0.2] * 5
    trial = read("trial", f"{search_id}.final-1").iloc[0]
    shown = [metric.value for metric in app.metric if metric.label == "Decided rightly"]
    assert shown == [f"{trial['val_accuracy']:.4f}", f"{trial['test_accuracy']:.4f}"]
    assert [metric.value for metric in app.metric if metric.label == "Images"] == ["100", "120"]
    assert "Test: reported, never used to choose" in words(app)
    rows = table(app)
    assert len(rows) == 10
    report = read("class_report", f"{search_id}.final-1", "test").set_index("class")
    for name in CLASSES:
        assert rows[name, "test"]["sensitivity"].startswith(f"{report.loc[name, 'recall']:.4f} (")
        assert rows[name, "test"]["PPV"].startswith(f"{report.loc[name, 'precision']:.4f} (")
    for name in ("t", "refer", "c", "cells", "rule"):
        assert address(app, name) is None


def test_a_moved_threshold_is_in_the_address_and_the_link_shows_it(open_page: OpenPage, search_id: str):
    app = open_page("whatif_decision", search=search_id)
    app.slider[3].set_value(0.9).run()
    app.slider[0].set_value(0.05).run()
    assert address(app, "t") == "0.05_0.2_0.2_0.9_0.2"
    moved = table(app)
    assert float(moved["myeloblast", "validation"]["sensitivity"][:6]) < 1
    referred = [metric.value for metric in app.metric if metric.label == "Referred"]
    assert float(referred[0]) > 0
    app.toggle(key=_key(app.toggle, "threshold_refer")).set_value(False).run()
    assert address(app, "refer") == "0"
    assert [metric.value for metric in app.metric if metric.label == "Referred"] == ["0.0000", "0.0000"]
    again = open_page("whatif_decision", search=search_id, t="0.05_0.2_0.2_0.9_0.2", refer="0")
    assert table(again) == table(app)
    assert [slider.value for slider in again.slider] == [0.05, 0.2, 0.2, 0.9, 0.2]
    again.button(key="rule_reset").click().run()
    assert address(again, "t") is None
    assert address(again, "refer") is None
    assert [slider.value for slider in again.slider] == [0.2] * 5


def test_a_goal_sets_the_threshold_on_validation(open_page: OpenPage, search_id: str):
    app = open_page("whatif_decision", search=search_id, t="0.2_0.2_0.2_0.2_0.9", **{"class": "seg_neutrophil"})
    before = float(table(app)["seg_neutrophil", "validation"]["sensitivity"][:6])
    assert before < 1
    app.number_input(key="goal_value").set_value(1.0).run()
    app.button(key="goal_set").click().run()
    outputs = models.trial_outputs((f"{search_id}.final-1",), "val")[0]
    expected = threshold_for_sensitivity(Thresholds((0.2,) * 5), outputs.true, outputs.probabilities, 4, 1.0)
    assert [slider.value for slider in app.slider] == list(expected.values)
    assert address(app, "t") == compact(expected.values)
    assert table(app)["seg_neutrophil", "validation"]["sensitivity"].startswith("1.0000 (")
    support = int((outputs.true == 4).sum())
    assert f"Of 1,000 cells, {10 * support} are seg_neutrophil: {10 * support} of them are decided so" in words(app)


def test_a_goal_out_of_reach_is_told(open_page: OpenPage, search_id: str):
    trial = f"{search_id}.00-initial"
    report = read("class_report", trial, "val")
    name = str(
        report.loc[report["recall"] < 1, "class"].iloc[0]
    )  # as all are equal, the lowest threshold is not enough
    tiny = compact([0.0001] * 5)
    app = open_page("whatif_decision", search=search_id, trial=trial, t=tiny, refer="0", **{"class": name})
    app.number_input(key="goal_value").set_value(1.0).run()
    app.button(key="goal_set").click().run()
    assert "reaches a sensitivity of 1 while the other thresholds stay" in words(app)
    assert address(app, "t") == tiny


def test_costs_decide_and_stand_in_the_address(open_page: OpenPage, search_id: str):
    cheap = compact(cost for row in range(5) for cost in [*(float(row != column) for column in range(5)), 0.05])
    app = open_page("whatif_decision", search=search_id, rule="costs", c=cheap)
    assert not app.slider
    referred = [float(metric.value) for metric in app.metric if metric.label == "Referred"]
    assert referred[0] > 0.5  # at this price nearly all are referred
    costs = [float(metric.value) for metric in app.metric if metric.label == "Cost"]
    assert 0 < costs[0] < 0.1
    app.segmented_control(key=_key(app.segmented_control, "rule_kind")).set_value("thresholds").run()
    assert address(app, "rule") is None
    assert len(app.slider) == 5


def test_another_prevalence_changes_ppv_and_not_sensitivity(open_page: OpenPage, search_id: str):
    app = open_page("whatif_decision", search=search_id, **{"class": "myeloblast"})
    before = table(app)
    app.segmented_control(key=_key(app.segmented_control, "prevalence_kind")).set_value("set").run()
    assert address(app, "cells") is not None
    app.button(key="rare").click().run()
    assert address(app, "cells").split("_")[3] == "1"
    after = table(app)
    for split in ("validation", "test"):
        assert after["myeloblast", split]["sensitivity"] == before["myeloblast", split]["sensitivity"]
    assert "Of 1,000 cells, 5 are myeloblast" in words(app)
    assert "Jeffreys posterior" in words(app)
    low = float(after["myeloblast", "test"]["PPV"].split("(")[1][:6])
    assert low < 0.6  # 24 images without an error do not make a rare class safe
    link = {"search": search_id, "class": "myeloblast", "cells": address(app, "cells")}
    assert table(open_page("whatif_decision", **link)) == after
    app.segmented_control(key=_key(app.segmented_control, "prevalence_kind")).set_value("data").run()
    assert address(app, "cells") is None
    assert table(app) == before


def test_cells_of_nothing_are_told(open_page: OpenPage, search_id: str):
    app = open_page("whatif_decision", search=search_id, cells="0_0_0_0_0")
    assert "Give at least one class some cells" in words(app)
    assert not app.error


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"t": "0_0_0_0_0", "trial": "s.gone"}, ["thresholds in this link do not fit 5", "no finished model s.gone"]),
        ({"t": "0.00001_0.2_0.2_0.2_0.2"}, ["thresholds in this link do not fit 5"]),
        ({"cells": "-1_1_1_1_1"}, []),
        ({"rule": "costs", "c": "1_2", "fusion": "f-gone"}, ["costs in this link do not fit", "no finished model f-g"]),
    ],
)
def test_a_link_that_means_nothing_is_told(open_page: OpenPage, search_id: str, query: dict[str, str], said: list[str]):
    app = open_page("whatif_decision", search=search_id, **query)
    assert all(sentence in words(app) for sentence in said)
    assert not app.error
    assert figures(app)["Images"] == "100"


def test_an_operating_point_is_saved_opened_and_removed(open_page: OpenPage, search_id: str, home: Path):
    app = open_page("whatif_decision", search=search_id, t="0.2_0.2_0.2_0.05_0.2", cells="1_1_12_1_185")
    app.button(key="operating_point_save").click().run()
    assert "An operating point needs a name." in words(app)
    app.text_input(key="operating_point_name").set_value("careful").run()
    app.button(key="operating_point_save").click().run()
    assert not app.error
    (row,) = read("operating_points", f"{search_id}.final-1").to_dict("records")
    assert json.loads(row["rule"]) == {"kind": "thresholds", "thresholds": [0.2, 0.2, 0.2, 0.05, 0.2], "refer": True}
    assert json.loads(row["prevalence"])["seg_neutrophil"] == pytest.approx(0.925)
    assert row["search_id"] == search_id
    saved = table(app)
    app.button(key="rule_reset").click().run()
    assert table(app) != saved
    app.button(key="operating_point_open").click().run()
    assert address(app, "t") == "0.2_0.2_0.2_0.05_0.2"
    assert table(app) == saved
    app.button(key="operating_point_remove_yes").click().run()
    assert read("operating_points", f"{search_id}.final-1").empty
    assert "No operating point is saved yet." in words(app)


@pytest.mark.parametrize("share", [1 / 30_000, 2e-9])
def test_a_rare_class_of_a_saved_point_stays_as_rare(open_page: OpenPage, search_id: str, home: Path, share: float):
    shares = {name: share if name == "myeloblast" else (1 - share) / 4 for name in CLASSES}
    statements.save_operating_point(
        home, "rare", f"{search_id}.final-1", CLASSES, as_record(Thresholds((0.2,) * 5)), search_id=search_id,
        prevalence=shares,
    )  # fmt: skip
    app = open_page("whatif_decision", search=search_id)
    app.button(key="operating_point_open").click().run()
    assert not app.exception
    cells = np.array([float(part) for part in address(app, "cells").split("_")])
    np.testing.assert_allclose(cells / cells.sum(), list(shares.values()), rtol=1e-11)


def test_points_of_other_models_are_not_offered(open_page: OpenPage, search_id: str, home: Path):
    other = f"{search_id}.00-initial"
    statements.save_operating_point(
        home, "of another", other, CLASSES, as_record(Thresholds((0.3,) * 5)), search_id=search_id
    )
    assert "No operating point is saved yet." in words(open_page("whatif_decision", search=search_id))
    app = open_page("whatif_decision", search=search_id, trial=other)
    assert app.selectbox(key="operating_point_box").value is not None


def test_a_fusion_decides_too_and_says_when_its_members_are_gone(open_page: OpenPage, search_id: str, home: Path):
    twin = write_search(
        home, search_id="s-20261124-101500-00twin", trials=2, epochs=1, n_val=100, n_test=120, n_calibration=0
    )
    members = {f"{search_id}.00-initial": 1.0, f"{twin}.01-batch_size": 1.0}
    dataset_id = str(read("search", search_id)["dataset_id"].iloc[0])
    fusion_id = statements.save_fusion(home, "both", dataset_id, "average", members)
    app = open_page("whatif_decision", search=search_id, fusion=fusion_id)
    assert not app.error
    assert figures(app)["Images"] == "100"
    app.text_input(key="operating_point_name").set_value("fused").run()
    app.button(key="operating_point_save").click().run()
    (row,) = read("operating_points", fusion_id).to_dict("records")
    assert row["search_id"] is None or row["search_id"] != row["search_id"]
    delete(home, twin)
    gone = open_page("whatif_decision", search=search_id, fusion=fusion_id)
    assert "its search was deleted" in gone.error[0].value


def test_switching_the_search_takes_the_model_along(open_page: OpenPage, search_id: str, home: Path):
    three = write_search(home, seed=9, classes=3, trials=1, epochs=1)
    app = open_page("whatif_decision", search=three, t="0.2_0.2_0.2_0.05_0.2")
    assert len(app.slider) == 3
    assert np.isclose([slider.value for slider in app.slider], 0.3333).all()


def _key(widgets: object, start: str) -> str:
    """The key of a held widget: it carries a generation."""
    return next(widget.key for widget in widgets if str(widget.key).startswith(start))  # type: ignore[attr-defined]
