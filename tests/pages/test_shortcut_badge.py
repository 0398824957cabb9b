"""The shortcut badge: each level, and that it stands beside the accuracy of every page and in the bundle."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.evaluation.audit_words import lead_over_chance
from pages.components import shortcut_badge as drawing
from pages.components.bundle import write_bundle
from pages.components.shortcut import LEVELS, Audits
from store import queries
from store.owner import shared
from store.published import DATASET_ID, SEARCH_ID
from store.single import store_of
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import figures, words
from tests.store.factory import write_search
from tests.store.factory_data import write_audit, write_sources

DATA = "d-000000-360-5"  # what `write_search` calls the data of seed 0


def links(app: AppTest) -> list[Any]:
    """The badges that lead to an audit."""
    return [one.proto for one in app.get("page_link") if "Shortcut" in one.proto.label]


def expected(accuracy: float, baseline: float = 0.95, chance: float = 0.2) -> str:
    share = lead_over_chance(baseline, accuracy, chance)
    assert share is not None
    return f"Shortcut: colour, {100 if share == 1 else min(round(100 * share), 99)} % of the lead"


def known(histogram: float, *, confounded: bool = False, job: str | None = None) -> Audits:
    return Audits(
        {"d": {"histogram": histogram, "corners": 0.3, "thumbnail": 0.99}}, {"d": 0.2},
        frozenset({"d"} if confounded else ()), {"d": job} if job else {},
    )  # fmt: skip


# --- what it says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("histogram", "level"), [(0.95, "high"), (0.84, "high"), (0.6, "some"), (0.5, "low")])
def test_the_level_is_that_of_the_best_shortcut_and_never_of_the_thumbnail(histogram: float, level: str):
    found = known(histogram).badge("d", 1.0)
    assert found.level == level
    assert found.sentence.startswith(LEVELS[level])
    assert found.text == expected(1.0, histogram)


def test_one_source_a_class_is_high_whatever_the_baselines():
    found = known(0.3, confounded=True).badge("d", 0.99)
    assert (found.level, found.text.endswith("one source a class")) == ("high", True)


def test_a_worse_model_has_more_of_its_lead_from_the_shortcut():
    assert known(0.6).badge("d", 0.99).level == "some"
    assert known(0.6).badge("d", 0.65).level == "high"
    assert known(0.6).badge("d", float("nan")).text == "Shortcut: colour, accuracy 0.600"


@pytest.mark.parametrize(
    ("audits", "dataset_id", "level", "text"),
    [
        (Audits(), "d", "not audited", "has not been audited"),
        (Audits(jobs={"d": "RUNNING"}), "d", "running", "is being found out"),
        (Audits(jobs={"d": "STOPPED"}), "d", "not audited", "cancelled"),
        (Audits(jobs={"d": "FAILED"}), "d", "not audited", "failed"),
        (Audits(jobs={"d": "LOST"}), "d", "not audited", "is gone"),
        (known(0.9, job="RUNNING"), "d", "high", "being run again"),
        (known(0.9), None, "not audited", "not read yet"),
        (known(0.9), DATASET_ID, "not audited", "publishes no images"),
    ],
)
def test_what_is_not_known_is_said(audits: Audits, dataset_id: str | None, level: str, text: str):
    found = audits.badge(dataset_id, 0.9)
    assert found.level == level
    assert text in found.sentence
    assert audits.sentence(dataset_id, 0.9)


def test_every_level_has_its_own_icon_and_not_colour_alone():
    icons = [icon for icon, _ in drawing.LOOK.values()]
    assert len(set(icons)) == len(icons)
    assert {"high", "some", "low", "not audited", "running"} == set(drawing.LOOK)


# --- where it stands ----------------------------------------------------------------------------------------------


@pytest.fixture
def audited(home: Path) -> str:
    """A finished search on audited data."""
    search_id = write_search(home, trials=4, epochs=2)
    write_audit(home, DATA)
    return search_id


def test_search_and_list_show_it_for_the_best_validation_accuracy(open_page: OpenPage, audited: str):
    app = open_page("search", search=audited)
    accuracy = float(figures(app)["Best val accuracy"])
    (link,) = links(app)
    assert expected(accuracy) in link.label
    assert "synthetic sample cells" in link.help
    assert link.query_string == f"dataset={DATA}&tab=Shortcut+audit"
    assert "of this model's lead over chance can be had from colour alone" in words(app)
    assert f"best trial on val {accuracy:.3f}" in words(app)
    app = open_page("searches")
    assert [expected(accuracy) in one.label for one in links(app)] == [True]
    assert "Shortcut: no images to audit" in words(app)  # the published search's card


def test_evaluate_shows_it_for_the_split_that_is_open(open_page: OpenPage, audited: str):
    for split in ("Test", "Validation"):
        app = open_page("evaluate", search=audited, split=split, trial=f"{audited}.00-initial")
        (link,) = links(app)
        assert expected(float(figures(app)["Accuracy"])) in link.label, split


def test_compare_has_one_badge_a_dataset(open_page: OpenPage, home: Path, audited: str):
    other = write_search(home, trials=2, epochs=2, seed=1)
    app = open_page("compare", trials=f"{audited}.00-initial,{audited}.01-epochs")
    best = queries.trials(shared(home).cursor(), audited).set_index("trial_id")["val_accuracy"]
    accuracy = max(best[f"{audited}.00-initial"], best[f"{audited}.01-epochs"])
    assert [expected(accuracy) in one.label for one in links(app)] == [True]
    app = open_page("compare", trials=f"{audited}.00-initial,{other}.00-initial,{SEARCH_ID}.00-initial")
    assert ["not audited" in one.label for one in links(app)] == [False, True]
    assert "Shortcut: no images to audit" in words(app)


def test_what_if_pages_show_it_on_both_splits(open_page: OpenPage, home: Path, audited: str):
    app = open_page("whatif_decision", search=audited, trial=f"{audited}.00-initial")
    right = [float(metric.value) for metric in app.metric if metric.label == "Decided rightly"]
    assert [expected(one) in link.label for one, link in zip(right, links(app), strict=True)] == [True, True]
    members = f"{audited}.00-initial~{audited}.01-epochs"
    app = open_page("whatif_fusion", search=audited, members=members)
    right = [float(metric.value) for metric in app.metric if metric.label == "Accuracy"]
    assert len(right) == 2
    assert [expected(one) in link.label for one, link in zip(right, links(app), strict=True)] == [True, True]
    (link,) = links(open_page("whatif_search", search=audited))
    assert "Shortcut: colour" in link.label


def test_predict_shows_it_for_the_chosen_model(open_page: OpenPage, home: Path, audited: str):
    app = open_page("predict", search=audited, trial=f"{audited}.00-initial")
    trial = queries.trial(shared(home).cursor(), f"{audited}.00-initial").iloc[0]
    (link,) = links(app)
    assert expected(float(trial["test_accuracy"])) in link.label
    assert f"this model on test {trial['test_accuracy']:.3f}" in words(app)


@pytest.mark.parametrize("page", ["search", "evaluate", "compare", "whatif_search"])
def test_the_published_search_says_that_it_cannot_be_audited(open_page: OpenPage, page: str):
    app = open_page(page, search=SEARCH_ID, trials=f"{SEARCH_ID}.00-initial")
    assert "Shortcut: no images to audit" in words(app)
    assert "the study publishes no images" in words(app)
    assert not links(app)


def test_not_audited_and_running(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, epochs=2)
    (link,) = links(open_page("search", search=search_id))
    assert "Shortcut: not audited" in link.label
    assert "It can be started where this leads." in link.help
    with jobs.running(home, "audit", DATA):
        (link,) = links(open_page("search", search=search_id))
        assert "Shortcut: audit running" in link.label


def test_the_list_asks_once_for_all_its_cards(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    for seed in range(4):
        write_search(home, trials=1, epochs=1, seed=seed)
    asked: list[str] = []
    read = drawing.read
    monkeypatch.setattr(drawing, "read", lambda query, *arguments: (asked.append(query), read(query, *arguments))[1])
    monkeypatch.setattr(drawing, "record", lambda *_: pytest.fail("a card must not ask for its dataset"))
    assert len(links(open_page("searches"))) == 4
    assert sorted(asked) == ["audited", "jobs"]


# --- exports ------------------------------------------------------------------------------------------------------


def test_the_bundle_holds_the_audit_and_its_sentence(home: Path, audited: str):
    write_sources(
        home, DATA, {image_id: "Barcelona" if image_id < 216 else "Munich" for image_id in range(360)}, told_by="person"
    )
    file = io.BytesIO()
    store = store_of(home, audited)
    write_bundle(store, audited, file)
    with zipfile.ZipFile(file) as bundle:
        files = {name.removeprefix(f"{audited}/"): bundle.read(name).decode() for name in bundle.namelist()}
    accuracy = queries.trial(store, f"{audited}.final-1").iloc[0]["test_accuracy"]
    share = expected(float(accuracy)).removeprefix("Shortcut: colour, ").removesuffix(" of the lead")
    assert f"{share} of this model's lead over chance can be had from colour alone" in files["README.txt"]
    assert "Each class comes from one source only" in files["README.txt"]
    table = pd.read_csv(io.StringIO(files["audit.csv"])).set_index("feature")
    assert table.loc["histogram", "accuracy"] == 0.95
    assert sum(json.loads(table.loc["histogram", "confusion"])) == 300
    counts = pd.read_csv(io.StringIO(files["source_classes.csv"]))
    assert counts.groupby("source")["images"].sum().to_dict() == {"Barcelona": 216, "Munich": 144}
