"""The labels part of the page Data: what it says before, during and after a check, and the suspected images."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.sample import make_sample
from pages.components.data_labels_gallery import A_PAGE, corrections
from store.published import DATASET_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory_data import write_label_check, write_sources

SCRIPT = "from pages.components.data_labels import section\nsection({!r})\n"


@pytest.fixture
def cells(home: Path, tmp_path: Path) -> Dataset:
    """Forty synthetic cells, eight a class, imported."""
    make_sample(tmp_path / "cells", per_class=8, size=48, seed=1)
    return import_data(home, tmp_path / "cells")


def shown(dataset_id: str, **query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT.format(dataset_id), default_timeout=60)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def other(dataset: Dataset, place: int) -> str:
    return next(name for name in dataset.classes if name != dataset.usable[place].class_)


def suspect(home: Path, dataset: Dataset, places: range) -> None:
    found = {place: (other(dataset, place), 0.01 + place / 100) for place in places}
    write_label_check(home, dataset.dataset_id, found, n=len(dataset.usable), accuracy=0.95)


def test_before_a_check_it_says_what_it_does_and_how_long_it_takes(home: Path, cells: Dataset):
    app = shown(cells.dataset_id)
    assert "The labels have not been checked yet." in app.info[0].value
    assert "fitted five times" in app.info[0].value
    assert "about a minute" in app.info[0].value
    assert not app.button(key="labels_run").disabled
    assert f"python -m core labels --dataset {cells.dataset_id} --features both" in words(app)
    app.segmented_control(key="labels_features").set_value("simple").run()
    assert "--features simple" in words(app)
    assert not app.text_input  # a simple check needs no weights


def test_pressing_starts_the_check_with_what_was_chosen(home: Path, cells: Dataset, monkeypatch: pytest.MonkeyPatch):
    started: list[tuple[str, str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda home, kind, subject, command: started.append((kind, subject, command)))
    app = shown(cells.dataset_id)
    app.text_input(key="labels_weights").set_value("some.pth").run()
    app.button(key="labels_run").click().run()
    ((kind, subject, command),) = started
    assert (kind, subject) == ("label_check", cells.dataset_id)
    assert command[:3] == ["labels", "--dataset", cells.dataset_id]
    assert command[-2:] == ["--weights", str(Path("some.pth").absolute())]


def test_a_running_check_shows_its_progress_and_no_second_button(home: Path, cells: Dataset):
    with jobs.running(home, "label_check", cells.dataset_id) as job:
        job.tell("compute features", 10, 40)
        job.record("RUNNING", None)
        app = shown(cells.dataset_id)
        keys = [button.key for button in app.button]
        assert f"cancel_label_check_{cells.dataset_id}" in keys
        assert "labels_run" not in keys


def test_what_was_chosen_is_kept_while_a_check_runs(home: Path, cells: Dataset):
    app = shown(cells.dataset_id)
    app.segmented_control(key="labels_features").set_value("simple").run()
    with jobs.running(home, "label_check", cells.dataset_id):
        assert not app.run().segmented_control
    assert app.run().segmented_control(key="labels_features").value == "simple"


def test_the_suspected_images_with_label_suggestion_and_confidence(home: Path, cells: Dataset):
    suspect(home, cells, range(3))
    app = shown(cells.dataset_id)
    assert [metric.value for metric in app.metric] == ["3", "0.9500"]
    assert app.metric[0].delta == "of 40 images"
    assert "n 40" in str(app.metric[1].delta)
    said = words(app)
    assert said.count("suggested **") == 3
    assert f"labelled **{cells.usable[0].class_}** 0.0100" in said
    assert "Images 1 to 3 of 3" in said
    assert "A weak classifier makes weak suspicions." in said
    app.button(key="label_open_1").click().run()
    assert app.query_params["image"] in ("1", ["1"])
    assert not app.warning


def test_a_caution_where_class_and_source_are_confounded(home: Path, cells: Dataset):
    suspect(home, cells, range(3))
    first = cells.classes[0]
    write_sources(home, cells.dataset_id, {image.image_id: str(image.class_ == first) for image in cells.usable})
    assert "Class and source are confounded here (Cramér's V 1.00)" in shown(cells.dataset_id).warning[0].value
    mixed = {image.image_id: str(place % 2) for place, image in enumerate(cells.usable)}
    write_sources(home, cells.dataset_id, mixed, told_by="person")
    assert not shown(cells.dataset_id).warning
    unknown: dict[int, str | None] = {image.image_id: None for image in cells.usable}
    write_sources(home, cells.dataset_id, unknown, told_by="person")
    assert "Where the images come from is not known" in shown(cells.dataset_id).warning[0].value


def test_pages_and_boxes_are_in_the_address(home: Path, cells: Dataset):
    suspect(home, cells, range(20))
    app = shown(cells.dataset_id)
    assert f"Images 1 to {A_PAGE} of 20" in words(app)
    assert "Images 13 to 20 of 20" in words(shown(cells.dataset_id, label_page="2"))
    label = str(cells.usable[0].class_)
    of_label = sum(image.class_ == label for image in cells.usable[:20])
    app = shown(cells.dataset_id, label=label)
    assert f"of {of_label}, the least believed" in words(app)
    assert words(app).count(f"labelled **{label}**") == of_label
    app.selectbox(key="suggested").set_value(label).run()
    assert "No suspected image has this label and this suggestion." in [info.value for info in app.info]


def test_the_table_says_what_a_person_needs_to_correct_the_folders(home: Path, cells: Dataset):
    suspect(home, cells, range(2))
    table = corrections(cells.dataset_id)
    first = table.iloc[0]
    assert first["path"] == cells.usable[0].path
    assert Path(first["file"]).is_file()
    assert first["move_to"] == f"{first['suggested']}/{Path(first['path']).name}"
    assert table["rank"].tolist() == [1, 2]
    assert table["split"].notna().all()


def test_nothing_suspected_is_a_result(home: Path, cells: Dataset):
    suspect(home, cells, range(0))
    app = shown(cells.dataset_id)
    assert app.success[0].value == "Nothing is suspected among 40 images."
    assert not app.selectbox


def test_weak_features_and_a_classifier_at_chance_are_said(home: Path, cells: Dataset):
    method = "simple features (16 x 16 thumbnail and 48-bin RGB histogram; as asked for); logistic regression"
    write_label_check(home, cells.dataset_id, {0: (other(cells, 0), 0.1)}, n=40, accuracy=0.2, method=method)
    said = shown(cells.dataset_id).warning[0].value
    assert "its suspicions mean nothing" in said
    assert "It rests on simple features" in said


def test_images_that_are_not_here_leave_the_list(home: Path, cells: Dataset, tmp_path: Path):
    suspect(home, cells, range(2))
    (tmp_path / "cells").rename(tmp_path / "moved")
    app = shown(cells.dataset_id)
    assert app.button(key="labels_run").disabled
    assert "not on this machine" in words(app)
    assert len(app.dataframe[0].value) == 2


def test_the_page_has_the_part_as_a_tab_and_its_address(home: Path, cells: Dataset, open_page: OpenPage):
    suspect(home, cells, range(20))
    app = open_page("data", dataset=cells.dataset_id, view="Suspected labels", label_page="2")
    assert "Images 13 to 20 of 20" in words(app)


def test_a_dataset_without_an_image_list_cannot_be_checked(home: Path):
    app = shown(PUBLISHED)
    assert "not listed" in app.info[0].value
    assert not app.button
