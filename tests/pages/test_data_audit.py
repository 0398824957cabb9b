"""The audit on the page Data: baselines, classes, sources, what cannot be known; running it; naming sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.evaluation.intervals import wilson
from pages.charts import audit as charts
from pages.components import data_audit_tables as tables
from pages.components.data_sources import chosen_by_name
from store import queries
from store.owner import shared
from store.published import DATASET_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import CLASSES, write_search
from tests.store.factory_data import write_audit, write_sources

DATA = "d-000000-360-5"  # what `write_search` calls the data of seed 0
SCRIPT = "from pages.components.data_audit import section\nsection({!r})\n"


@pytest.fixture
def data(home: Path) -> str:
    """A dataset of 360 images, 72 a class, in the order of its classes."""
    write_search(home, status="WAITING")
    return DATA


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every job that a page starts; none runs."""
    found: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda home, kind, subject, arguments: found.append([kind, subject, *arguments]))
    return found


def shown(dataset_id: str) -> AppTest:
    app = AppTest.from_string(SCRIPT.format(dataset_id), default_timeout=60).run()
    assert not app.exception
    return app


def two_sources(home: Path, **options: str) -> None:
    named = {image_id: "Barcelona" if image_id < 216 else "Munich_LMU" for image_id in range(360)}
    write_sources(home, DATA, named, **options)  # type: ignore[arg-type]


def told(home: Path) -> pd.DataFrame:
    return queries.image_sources(shared(home).cursor(), DATA).set_index("image_id")


def test_fewer_folds_than_usual_are_explained(home: Path, data: str):
    write_audit(home, DATA, folds=3)
    assert "3 folds, not 5: the rarest class has only 3 groups of images" in words(shown(data))


def test_before_the_audit_it_says_so_and_starts_it(data: str, started: list[list[str]]):
    app = shown(data)
    assert "has not been audited yet" in app.info[0].value
    assert f"python -m core audit --dataset {data}" in words(app)
    assert not app.get("plotly_chart")
    app.button(key="audit_run").click().run()
    assert started == [["audit", data, "audit", "--dataset", data]]


def test_the_published_data_cannot_be_audited(home: Path):
    app = shown(PUBLISHED)
    assert "the study publishes no images" in app.info[0].value
    assert not app.button


def test_figures_are_those_of_the_store(home: Path, data: str):
    write_audit(home, data, source_accuracies={"histogram": 0.9, "file": 1.0})
    two_sources(home)
    app = shown(data)
    assert "Colour alone predicts the class with accuracy 0.950 (chance 0.200)." in words(app)
    assert "High: the accuracy alone says little about cells." in words(app)
    table = next(one.value for one in app.dataframe if "sees" in one.value.columns).set_index("baseline")
    assert list(table.index) == list(tables.NAMES.values())
    low, high = wilson(285, 300)
    assert table.loc["Colour histogram", "class 95 %"] == f"{low:.4f} to {high:.4f}"
    assert table.loc["Colour histogram", ["class", "class images", "source", "source images"]].tolist() == [
        0.95, 300, 0.9, 120,
    ]  # fmt: skip
    assert np.isnan(table.loc["Border", "source"])
    cells = next(one.value for one in app.dataframe if "sensitivity" in one.value.columns)
    row = cells.query("baseline == 'Four corners' and label == 'monocyte'").iloc[0]
    assert row[["sensitivity", "right", "n"]].tolist() == [0.45, 27, 60]
    assert len(app.get("plotly_chart")) == 4
    assert "Synthetic sample cells" in words(app)


def test_sources_how_they_are_known_and_what_cannot_be(home: Path, data: str):
    write_audit(home, data)
    two_sources(home)
    app = shown(data)
    table = next(one.value for one in app.dataframe if "told by" in one.value.columns).set_index("source")
    assert list(table.columns) == ["told by", *CLASSES, "all"]
    assert table.loc["Barcelona"].tolist() == ["a guess from names and sizes", 72, 72, 72, 0, 0, 216]
    assert table.loc["Munich_LMU", "all"] == 144
    said = words(app)
    assert "Class and source are fully confounded" in said
    assert "cannot be known from these data" in said
    assert "no split here is known to be patient-disjoint" in said
    assert "Munich\\_LMU" in said  # a person's name is no Markdown


def test_a_source_audit_without_sources_says_why(home: Path, data: str):
    write_audit(home, data)
    assert "fewer than two sources are known here" in words(shown(data))


def test_guessed_sources_are_said_to_be_guessed(home: Path, data: str):
    write_audit(home, data, source_accuracies={"file": 1.0})
    two_sources(home)
    assert "Sources here are guessed" in words(shown(data))
    two_sources(home, told_by="person")
    assert "Sources here are guessed" not in words(shown(data))


def test_while_it_runs_there_is_progress_and_cancel(home: Path, data: str):
    with jobs.running(home, "audit", data) as job:
        job.tell("read images", 30, 360)
        job.record("RUNNING", None)
        app = shown(data)
        assert [button.label for button in app.button if button.key.startswith("cancel")] == ["Cancel"]
        assert not [button for button in app.button if button.key == "audit_run"]
        assert not app.info
        app.button(key=f"cancel_audit_{data}").click().run()
        assert job.cancelled()


def test_a_finished_audit_can_be_done_anew_and_a_cancelled_one_continued(
    home: Path, data: str, started: list[list[str]]
):
    write_audit(home, data)
    with jobs.running(home, "audit", data):
        pass
    app = shown(data)
    assert app.button(key="audit_run").label == "Run the audit again"
    app.button(key="audit_run").click().run()
    with pytest.raises(jobs.JobCancelled), jobs.running(home, "audit", data):
        raise jobs.JobCancelled
    app = shown(data)
    assert "Cancelled. What was done before is kept." in words(app)
    app.button(key="audit_run").click().run()
    assert started == [["audit", data, "audit", "--dataset", data, *more] for more in (["--again"], [])]


def test_a_source_is_renamed_and_the_audit_is_then_out_of_date(home: Path, data: str, started: list[list[str]]):
    write_audit(home, data)
    two_sources(home)
    app = shown(data)
    assert not app.warning
    app.selectbox(key="source_old").set_value("Munich_LMU").run()
    app.button(key="source_save").click().run()
    assert app.warning[0].value.startswith("Type where these images come from")
    app.text_input(key="source_name").set_value("Munich").run()
    assert app.button(key="source_save").label == "Save for 144 images"
    app.button(key="source_save").click().run()
    assert told(home).loc[216:, ["source", "told_by"]].drop_duplicates().to_numpy().tolist() == [["Munich", "person"]]
    assert set(told(home).loc[:215, "source"]) == {"Barcelona"}
    assert "The sources have changed since the audit" in words(app)
    app.button(key="audit_run").click().run()
    assert started == [["audit", data, "audit", "--dataset", data]]


def test_images_by_file_name_get_a_source_or_lose_it(home: Path, data: str):
    two_sources(home)
    app = shown(data)
    app.segmented_control(key="source_by").set_value("names").run()
    assert app.button(key="source_save").disabled
    assert "No image fits yet." in words(app)
    app.text_input(key="source_pattern").set_value("monocyte/*").run()
    assert "72 images: `monocyte` 72" in words(app)
    app.text_input(key="source_name").set_value("not known").run()
    app.button(key="source_save").click().run()
    assert set(told(home).query("`class` == 'monocyte'")["source"].isna()) == {True}
    assert "Of 72 images the source is not known." in words(app)


def test_patterns_fit_names_or_whole_paths():
    images = pd.DataFrame({"image_id": range(4), "path": ["a/BA_1.jpg", "a/BA_2.png", "b/ba_3.jpg", "b/x[1].jpg"]})

    def ids(pattern: str) -> list[int]:
        return chosen_by_name(images, pattern)["image_id"].tolist()

    assert ids("BA_*") == [0, 1]
    assert ids(" BA_?.jpg ") == [0]
    assert ids("b/*") == [2, 3]
    assert ids("*.jpg") == [0, 2, 3]
    assert ids("x[[]1].jpg") == [3]
    assert ids("") == ids("nothing") == []
    assert tables.beginnings(images) == [("BA_", 2), ("ba_", 1), ("x", 1)]


def test_the_unknown_source_comes_last_and_classes_in_their_order():
    images = pd.DataFrame({
        "class": ["b", "a", "b", "new"], "source": [None, "z", "y", "y"],
        "told_by": [None, "manifest", "person", "guess"],
    })  # fmt: skip
    table = tables.source_table(images, ["b", "a", "unused"])
    assert table.columns.tolist() == ["source", "told by", "b", "a", "new", "all"]
    assert table.to_numpy().tolist() == [
        ["y", "a guess from names and sizes, a person", 1, 0, 1, 2],
        ["z", "a manifest", 0, 1, 0, 1],
        ["not known", "nobody", 1, 0, 0, 1],
    ]


def test_charts_have_chance_and_every_baseline():
    rows = pd.DataFrame(
        {"name": ["one", "two"], "accuracy": [0.9, 0.3], "low": [0.85, 0.2], "high": [0.94, 0.41], "chance": [0.2, 0.2],
         "n": [100, 100], "n_right": [90, 30]}
    )  # fmt: skip
    figure = charts.baselines(rows, title="accuracy")
    assert [shape.x0 for shape in figure.layout.shapes] == [0.2]
    marks = figure.data[1]
    assert list(marks.x) == [0.9, 0.3]
    assert np.allclose(marks.error_x.arrayminus, [0.05, 0.1])
    assert "No baseline" in charts.baselines(rows.iloc[:0], title="").layout.annotations[0].text
    cells = pd.DataFrame(
        {"name": ["one", "one"], "label": ["a", "b"], "sensitivity": [0.5, 1.0], "right": [5, 7], "n": [10, 7]}
    )
    figure = charts.sensitivities(cells, ["one"], ["a", "b"])
    assert np.asarray(figure.data[0].z).tolist() == [[0.5, 1.0]]
    assert [note.text for note in figure.layout.annotations] == ["50%", "100%"]


@pytest.mark.parametrize("tab_named_in", ["view", "tab"])  # an address, and a link of another page
def test_the_tab_of_the_page_shows_it(open_page: OpenPage, home: Path, data: str, tab_named_in: str):
    write_audit(home, data)
    app = open_page("data", dataset=data, **{tab_named_in: "Shortcut audit"})
    assert "How far does one get without looking at the cell?" in words(app)
    assert len(app.get("plotly_chart")) == 2
