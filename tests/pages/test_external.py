"""Images from elsewhere on the pages: in the set and elsewhere side by side, each class and source, never pooled."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.data.external import registered
from core.evaluation.intervals import wilson
from pages.charts.external import sensitivities
from pages.components import data_external, evaluate_external, external_go_on
from pages.components.external_tables import IN_SET, judged, sentence, side_by_side
from store import queries
from store.journal import JournalWriter, journal_folder
from store.owner import shared
from tests.core.evaluation.elsewhere import sample
from tests.pages.conftest import OpenPage
from tests.pages.test_bundle import Bundle
from tests.pages.test_evaluate import below
from tests.pages.test_pages import figures, words
from tests.store.factory import write_search
from tests.store.factory_data import write_sources
from tests.store.factory_external import write_external

TAB = "Other sources"
SENTENCE = (
    "barcelona 0.2800 (14 of 50; 95 % 0.1747 to 0.4167), munich 0.4444 (4 of 9; 95 % 0.1888 to 0.7333); in the set "
)


def table(app: AppTest, first: str) -> pd.DataFrame:
    """The table of the page whose first columns are named so."""
    return next(frame.value for frame in app.dataframe if list(frame.value.columns)[:1] == [first])


def evaluated(open_page: OpenPage, home: Path, **options: object) -> tuple[AppTest, str]:
    search_id = write_search(home, trials=1, n_test=75)
    write_external(home, search_id, ("final-1",), **options)  # type: ignore[arg-type]
    return open_page("evaluate", search=search_id, trial=f"{search_id}.final-1", view=TAB), search_id


def test_evaluate_shows_the_set_and_elsewhere_side_by_side(open_page: OpenPage, home: Path):
    app, search_id = evaluated(open_page, home, unknown=2)
    assert not app.exception
    assert not app.error
    shown, under = figures(app), below(app)
    assert shown["Elsewhere, all sources"] == f"{18 / 59:.4f}"
    assert under["Elsewhere: barcelona"] == "{:.4f} to {:.4f}, n 50".format(*wilson(14, 50))
    assert (shown["Elsewhere: barcelona"], shown["Elsewhere: munich"]) == ("0.2800", "0.4444")
    assert shown["In the set"] == shown["Accuracy"]  # the test images of the same trial
    assert shown["Elsewhere: macro"] == f"{(1 / 3 + 1 / 2 + 14 / 50) / 3:.4f}"
    said = words(app)
    assert "of the 59 of elsewhere, 50 are seg_neutrophil" in said
    assert "no image of erythroblast, myeloblast" in said
    assert "2 of classes that the model does not know" in said
    assert "Images 1 to 12 of 41" in said
    rows = table(app, "class").set_index(["class", "images from"])
    low, high = wilson(1, 3)
    basophil = rows.loc[("basophil", "elsewhere")]
    assert (basophil["source"], basophil["n"], basophil["right"]) == ("munich", 3, 1)
    assert basophil["sensitivity 95 %"] == f"{low:.4f} to {high:.4f}"
    assert (basophil["most often called"], basophil["times"]) == ("seg_neutrophil", 2)
    inside = queries.class_ends(shared(home).cursor(), [f"{search_id}.final-1"], "test").set_index("class")
    own = rows.loc[("basophil", IN_SET)]
    assert (own["right"], own["n"]) == (inside.loc["basophil", "tp"], inside.loc["basophil", "support"])
    assert any("reported, never used to choose" in badge.value for badge in app.markdown)


def test_images_that_turned_out_to_be_trained_on_do_not_count(open_page: OpenPage, home: Path):
    app, search_id = evaluated(open_page, home, again=[0, 1, 2])  # the basophils, one of them right
    assert figures(app)["Elsewhere, all sources"] == f"{17 / 56:.4f}"
    said = words(app)
    assert "3 that are in the set too, encoded anew, turned, or cropped from the same field" in said
    assert "basophil" not in table(app, "class").query("`images from` == 'elsewhere'")["class"].tolist()
    assert "have not been looked for" not in said
    dataset_id = queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0]
    said = words(open_page("data", dataset=str(dataset_id), view=TAB))
    assert "56 images count; left out: 3 in this dataset too, encoded anew" in said


def test_a_set_that_was_never_compared_says_so(open_page: OpenPage, home: Path):
    app, search_id = evaluated(open_page, home, again=None)
    assert "have not been looked for in the data that are trained on" in words(app)
    dataset_id = queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0]
    app = open_page("data", dataset=str(dataset_id), view=TAB)
    assert "Only equal files and equal pixels" in words(app)
    assert [button for button in app.button if button.key == f"external_go_on_{dataset_id}"]


def test_the_gallery_is_narrowed_by_class_and_source(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    write_external(home, search_id, ("final-1",), pictures=home / "cells")
    app = open_page("evaluate", search=search_id, trial=f"{search_id}.final-1", view=TAB,
                    external_class="monocyte", external_show="Right")  # fmt: skip
    assert not app.exception
    assert "Images 1 to 3 of 3" in words(app)
    assert words(app).count("source: munich") == 3
    app.selectbox(key="external_source").set_value("barcelona").run()
    assert "No image of this kind among 59" in words(app)


def test_evaluate_says_how_to_begin_where_nothing_is_registered(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    app = open_page("evaluate", search=search_id, view=TAB)
    dataset_id = queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0]
    assert "No images from elsewhere are registered" in words(app)
    assert app.code[0].value == f"python -m core external --of {dataset_id} --data FOLDER"


def test_a_trial_that_has_not_read_a_set_can_be_sent_to_it(
    open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(evaluate_external, "begin", lambda *asked: begun.append((*asked[:2], *asked[2])))
    search_id = write_search(home, trials=1)
    write_external(home, search_id)
    app = open_page("evaluate", search=search_id, trial=f"{search_id}.00-initial", view=TAB)
    assert "This trial has not read elsewhere" in words(app)
    app.button(key="judge_external").click().run()
    assert begun == [("external", search_id, "external", "--search", search_id, "--trial", "00-initial")]


def test_a_set_that_was_taken_back_keeps_its_results(open_page: OpenPage, home: Path):
    app, search_id = evaluated(open_page, home, registered=False)
    assert "not registered any more" in words(app)
    assert figures(app)["Elsewhere, all sources"] == f"{18 / 59:.4f}"
    assert "On other sources" not in words(open_page("search", search=search_id))


def test_the_search_page_says_it_in_one_line(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    write_external(home, search_id, ("final-1",))
    said = words(open_page("search", search=search_id)).replace("\\", "")
    assert f"**On other sources** (elsewhere): {SENTENCE}" in said


def test_judging_that_was_killed_goes_on_by_one_click(open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(external_go_on, "begin", lambda *asked: begun.append((*asked[:2], *asked[2])))
    search_id = write_search(home, trials=1)
    write_external(home, search_id)
    dataset_id = str(queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0])
    for subject in (search_id, dataset_id):
        journal = JournalWriter(journal_folder(home), f"job-{subject}", 1)
        journal.append(
            "job", job="external", subject=subject, status="RUNNING", stage="load the model", done=0, total=0,
            message=None, result=None, pid=1, host=platform.node(), started_at="2026-01-01T00:00:00+00:00",
            at="2026-01-01T00:00:00+00:00",
        )  # fmt: skip
        journal.close()
    app = open_page("search", search=search_id)
    assert "its model has not read elsewhere yet: the process that did it is gone" in words(app)
    app.button(key=f"external_go_on_{search_id}").click().run()
    app = open_page("data", dataset=dataset_id, view=TAB)
    app.button(key=f"external_go_on_{dataset_id}").click().run()
    assert begun == [
        ("external", search_id, "external", "--search", search_id),
        ("external", dataset_id, "external", "--of", dataset_id),
    ]


def test_a_model_that_has_read_every_set_has_nothing_to_go_on_with(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    write_external(home, search_id, ("final-1",))
    assert "has not read" not in words(open_page("search", search=search_id))


def test_compare_has_columns_of_it_where_a_trial_has_read_it(open_page: OpenPage, home: Path):
    without, search_id = write_search(home, trials=1), write_search(home, trials=1, seed=1)
    write_external(home, search_id, ("final-2",))
    alone = table(open_page("compare", trials=f"{without}.00-initial"), "trial")
    assert not [name for name in alone.columns if name.startswith("on ")]
    shown = table(open_page("compare", trials=f"{without}.final-1,{search_id}.final-2"), "trial")
    assert np.isnan(shown["on elsewhere"].iloc[0])
    assert shown["on elsewhere"].iloc[1] == pytest.approx(18 / 59)
    assert shown["on elsewhere, 95 %"].tolist() == ["", "0.3051 (18 of 59; 95 % 0.2025 to 0.4315)"]


def test_the_bundle_holds_classes_and_probabilities(tmp_path: Path):
    search_id = write_search(tmp_path, trials=1)
    write_external(tmp_path, search_id, ("final-1",))
    bundle = Bundle(tmp_path, search_id)
    classes, images = bundle.table("external"), bundle.table("predictions-external")
    assert classes[["class", "source", "n", "right"]].values.tolist() == [
        ["basophil", "munich", 3, 1], ["monocyte", "munich", 6, 3], ["seg_neutrophil", "barcelona", 50, 14]
    ]  # fmt: skip
    assert set(classes["trial_id"]) == {f"{search_id}.final-1"}
    assert len(images) == 59
    assert images.loc[0, "p_basophil"] == pytest.approx(0.9)
    assert "never used to choose" in re.search(r"external\.csv: (.*)", bundle.files["README.txt"])[1]  # type: ignore[index]


# --- the page Data ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own(home: Path) -> Dataset:
    return sample(home, "own")


def test_a_set_is_registered_judged_and_taken_back(
    open_page: OpenPage, home: Path, own: Dataset, monkeypatch: pytest.MonkeyPatch
):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(data_external, "begin", lambda *asked: begun.append((*asked[:2], *asked[2])))
    other = sample(home, "other", per_class=1, seed=3, held_out=True)
    app = open_page("data", dataset=own.dataset_id, view=TAB)
    assert "No dataset is registered as external" in words(app)
    assert "Never train, tune or choose" in words(app)
    (box,) = [box for box in app.selectbox if box.label == "Imported datasets"]
    box.set_value(other.dataset_id).run()
    assert "5 images in 5 classes count." in words(app)
    app.button(key="external_add").click().run()
    assert not app.exception
    assert registered(home, own.dataset_id) == [other.dataset_id]
    assert begun == [("external", own.dataset_id, "external", "--of", own.dataset_id)]
    assert "**other**" in words(app)  # at once
    app.button(key=f"external_remove_{other.dataset_id}").click().run()
    assert registered(home, own.dataset_id) == []
    assert "No dataset is registered as external" in words(app)


def test_a_folder_is_read_and_registered_in_one_go(
    open_page: OpenPage, home: Path, own: Dataset, monkeypatch: pytest.MonkeyPatch
):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(data_external, "begin", lambda *asked: begun.append((*asked[:2], *asked[2])))
    app = open_page("data", dataset=own.dataset_id, view=TAB)
    app.button(key="external_read").click().run()
    assert begun == []  # nothing was said of where the images are
    app.text_input(key=f"external_folder_{own.dataset_id}").set_value("/data/far away").run()
    assert app.code[-1].value == f"python -m core external --of {own.dataset_id} --data '/data/far away'"
    app.button(key="external_read").click().run()
    assert begun == [("external", own.dataset_id, "external", "--of", own.dataset_id, "--data", "/data/far away")]


def test_the_sources_that_a_person_has_told_count(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    external_id = write_external(home, search_id, ("final-1",))
    write_sources(home, external_id, dict.fromkeys(range(9), "lyon") | {9: ""}, told_by="person")
    app = open_page("evaluate", search=search_id, trial=f"{search_id}.final-1", view=TAB)
    assert below(app)["Elsewhere: lyon"].endswith("n 9")
    assert below(app)["Elsewhere: source not known"].endswith("n 1")
    assert below(app)["Elsewhere: barcelona"].endswith("n 49")


def test_what_does_not_fit_is_refused_on_the_page(open_page: OpenPage, home: Path, own: Dataset):
    strange = sample(home, "strange", per_class=1, seed=4, held_out=True)
    again = sample(home, "own", held_out=True)  # the same images once more
    app = open_page("data", dataset=own.dataset_id, view=TAB)
    (box,) = [box for box in app.selectbox if box.label == "Imported datasets"]
    box.set_value(again.dataset_id).run()
    assert "Every image of own is in own too" in words(app)
    assert not [button for button in app.button if button.key == "external_add"]
    assert strange.dataset_id in {option.rsplit(", ", 1)[-1].rstrip(")") for option in box.options}


def test_the_data_page_lists_what_the_models_say(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    write_external(home, search_id, ("final-1",), unknown=3)
    dataset_id = queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0]
    app = open_page("data", dataset=str(dataset_id), view=TAB)
    assert "59 images count; left out: 3 of other classes" in words(app)
    shown = table(app, "search")
    assert shown["right, by source"].tolist() == ["barcelona 14 of 50, munich 4 of 9"]
    assert shown["accuracy, all sources"].tolist() == ["0.3051 (18 of 59; 95 % 0.2025 to 0.4315)"]


# --- tables and chart -------------------------------------------------------------------------------------------------


def small(name: str, true: list[int], called: list[int], sources: list[str | None]):
    rows = pd.DataFrame({"image_id": range(len(true)), "path": "p", "source": sources})
    rows["probabilities"] = list(np.eye(3)[called])
    return judged(name, "d", rows, true, ["a", "b", "c"], registered=True)


def test_rows_are_by_class_the_set_first_and_sources_apart():
    own = small(IN_SET, [0, 1, 1], [0, 1, 0], ["x", "x", "x"])
    other = small("far", [0, 0, 2], [0, 1, 2], ["y", None, "z"])
    rows = side_by_side([own, other])
    assert rows[["class", "images from", "source", "n", "right"]].values.tolist() == [
        ["a", IN_SET, "x", 1, 1], ["a", "far", "y", 1, 1], ["a", "far", "source not known", 1, 0],
        ["b", IN_SET, "x", 2, 1], ["c", "far", "z", 1, 1],
    ]  # fmt: skip
    figure = sensitivities(rows, inside=IN_SET)
    names = [trace.name for trace in figure.data if trace.name]
    assert names == [f"{IN_SET}: x", "far: y", "far: source not known", "far: z"]
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "c"]
    (marks,) = {trace.marker.symbol for trace in figure.data if trace.name == f"{IN_SET}: x"}
    assert marks == "circle"
    heights = [place for trace in figure.data if trace.name for place in trace.y]
    assert len(set(heights)) == 5


def test_two_sources_of_the_set_have_two_marks_of_one_colour():
    own = small(IN_SET, [0, 1, 1], [0, 1, 0], ["x", "y", "y"])
    figure = sensitivities(side_by_side([own]), inside=IN_SET)
    marks = [(trace.marker.symbol, trace.marker.color) for trace in figure.data if trace.name]
    assert [symbol for symbol, _ in marks] == ["circle", "circle-open"]
    assert len({colour for _, colour in marks}) == 1


def test_sources_that_are_trained_on_too_are_told(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1)
    external_id = write_external(home, search_id, ("final-1",), pictures=home / "cells")
    (home / "cells" / "manifest.csv").write_text(
        "file,source,note\nbasophil/0000.png,munich,swapped on purpose\nbasophil/0001.png,munich,swapped on purpose\n"
    )
    dataset_id = str(queries.search(shared(home).cursor(), search_id)["dataset_id"].iloc[0])
    write_sources(home, dataset_id, dict.fromkeys(range(5), "AML (Munich, 2019)"), told_by="person")
    said = "Sources of these names also stand in the training set: munich (9 images here; there: AML (Munich, 2019), 5"
    for app in (open_page("data", dataset=dataset_id, view=TAB),
                open_page("evaluate", search=search_id, trial=f"{search_id}.final-1", view=TAB)):  # fmt: skip
        assert not app.exception
        assert said in words(app).replace("\\", "")
        assert "munich (2 images): swapped on purpose" in words(app).replace("\\", "")
    assert external_id in {link.query_string.split("&")[0].removeprefix("dataset=") for link in app.get("page_link")}


def test_one_unknown_source_needs_no_name():
    one = small("far", [0, 0], [0, 1], [None, None])
    assert sentence(one, None) == "0.5000 (1 of 2; 95 % 0.0945 to 0.9055)"


def test_an_empty_chart_says_so():
    assert "No images" in sensitivities(pd.DataFrame(), inside=IN_SET).layout.annotations[0].text
