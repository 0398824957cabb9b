"""The page Data: the list, one dataset's tabs, the import form and the imports that run or have failed."""

from __future__ import annotations

import platform
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.command import KIND
from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.sample import make_sample
from core.search.settings import SearchSettings
from pages.charts.dataset import size_bubbles, split_bars
from pages.components.data_images import image_facts
from pages.components.data_list import fitting, ordered
from pages.components.data_overview import size_sentence, source_table, split_table
from pages.components.launch import trainable
from store import queries
from store.journal import JournalWriter, journal_folder
from store.published import DATASET_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import write_search
from tests.store.factory_data import write_sources


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic cells, eight a class, with a file that is cut off and a picture under two labels."""
    root = make_sample(tmp_path_factory.mktemp("drawn") / "cells", per_class=8, size=48, seed=1)
    one = min((root / "basophil").glob("*.png"))
    shutil.copy(one, root / "monocyte" / "other_label.png")
    (root / "monocyte" / "cut.png").write_bytes(one.read_bytes()[:-200])
    return root


@pytest.fixture
def cells(home: Path, tmp_path: Path, drawn: Path) -> Dataset:
    """A copy of them, imported: 39 images of five classes, three files left out."""
    return import_data(home, Path(shutil.copytree(drawn, tmp_path / "cells")))


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


# --- the list ---------------------------------------------------------------------------------------------------


def test_an_empty_store_says_how_to_bring_data_in(open_page: OpenPage):
    app = open_page("data")
    assert "There are no data of yours here yet." in app.info[0].value
    assert metrics(app) == {"Images": "5,000", "Left out": "0", "Searches": "1"}
    assert "published, without images" in words(app)
    assert not app.button(key="import_data").disabled


def test_the_list_counts_images_files_left_out_and_searches(open_page: OpenPage, home: Path, cells: Dataset):
    write_search(home, trials=1, epochs=2, seed=1)
    app = open_page("data", q="cells", by="name")
    assert "2 of 3 datasets" in words(app)  # that of the study has the word too
    app = open_page("data", q=cells.dataset_id)
    assert metrics(app) == {"Images": "39", "Left out": "3", "Searches": "0"}
    assert len(app.get("image")) >= 5  # one of each class
    app = open_page("data", q="made-up")
    assert metrics(app) == {"Images": "360", "Left out": "1", "Searches": "1"}
    assert "No dataset fits" in open_page("data", q="nothing of this name").info[0].value


def test_an_unknown_dataset_leads_to_the_list(open_page: OpenPage):
    app = open_page("data", dataset="d-0000")
    assert "There is no dataset d-0000 here." in app.warning[0].value
    assert "1 of 1 dataset," in words(app)


@pytest.fixture
def some() -> pd.DataFrame:
    rows = [
        ("d-1", "beta", "/data/b", ["x", "y"], 10, 0, 2), ("d-2", "Alpha", None, ["x", "Lymphocyte"], 30, None, 0),
        ("d-3", "gamma", "/else", ["x"], 20, 5, 1),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["dataset_id", "name", "root", "classes", "images", "bad", "searches"])


@pytest.mark.parametrize(
    ("words", "found"),
    [("", ["d-1", "d-2", "d-3"]), (" ALPHA ", ["d-2"]), ("lympho", ["d-2"]), ("/data", ["d-1"]), ("d-3", ["d-3"])],
)
def test_the_filter_looks_at_name_id_folder_and_classes(some: pd.DataFrame, words: str, found: list[str]):
    assert fitting(some, words)["dataset_id"].tolist() == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", ["d-1", "d-2", "d-3"]), ("name", ["d-2", "d-1", "d-3"]), ("images", ["d-2", "d-3", "d-1"]),
        ("bad", ["d-3", "d-1", "d-2"]), ("searches", ["d-1", "d-3", "d-2"]),
    ],
)  # fmt: skip
def test_each_order(some: pd.DataFrame, sort: str, order: list[str]):
    assert ordered(some, sort)["dataset_id"].tolist() == order


# --- one dataset ------------------------------------------------------------------------------------------------


def test_overview_has_counts_sources_sizes_facts_and_searches(open_page: OpenPage, home: Path, cells: Dataset):
    app = open_page("data", dataset=cells.dataset_id)
    assert metrics(app) == {"Images": "39", "Left out": "3", "Split": "made", "Sources": "1", "Searches": "0"}
    tables = {frozenset(frame.value.columns): frame.value for frame in app.dataframe}
    splits = tables[frozenset({"class", "train", "calibration", "val", "test", "all"})].set_index("class")
    counts = cells.counts()
    assert splits.loc["basophil"].to_dict() == {**counts["basophil"], "all": 7}
    assert splits.loc["all", "all"] == 39
    facts = tables[frozenset({"fact", "value"})].set_index("fact")["value"]
    assert (facts["id"], facts["folder"], facts["seed"]) == (cells.dataset_id, str(cells.root), "0")
    assert facts["shares asked"] == "train 60%, calibration 10%, val 15%, test 15%"
    assert len(facts["split hash"]) == 16
    assert "All 39 images are 48 x 48 px." in words(app)
    assert "None yet." in words(app)
    search_id = write_search(home, trials=1, epochs=2, seed=1)
    (made,) = {row["dataset_id"] for row in _datasets(home) if row["name"] == "made-up"}
    links = [link for link in open_page("data", dataset=str(made)).get("page_link") if link.proto.label != "Open"]
    assert any(search_id in link.proto.query_string for link in links)


def _datasets(home: Path) -> list[dict[Any, Any]]:
    from store.ingest import Ingestor
    from tests.store.tools import empty_store

    connection = empty_store()
    Ingestor(connection, home).poll()
    return queries.datasets(connection.cursor()).to_dict("records")


def test_the_published_data_say_that_there_is_no_list(open_page: OpenPage):
    for view in ("Overview", "Images", "Left out", "Label conflicts"):
        app = open_page("data", dataset=PUBLISHED, view=view)
        assert "There is no list of its images" in app.info[0].value
    assert metrics(app)["Split"] == "given"
    assert "Sources" not in metrics(app)
    assert not [button for button in app.button if button.label == "New search"]


def test_images_are_filtered_and_those_that_are_gone_or_changed_say_so(open_page: OpenPage, cells: Dataset):
    asked = {"dataset": cells.dataset_id, "view": "Images"}
    app = open_page("data", **asked)
    assert "Images 1 to 24 of 39; the classes take turns." in words(app)
    shown = [caption.value.split()[0].strip("*") for caption in app.caption if caption.value.startswith("**")]
    assert shown[:5] == list(cells.classes)
    train = [image for image in cells.usable if image.class_ == "monocyte" and image.split == "train"]
    (cells.root / train[0].path).unlink()
    (cells.root / train[1].path).write_bytes((cells.root / train[2].path).read_bytes())
    app = open_page("data", **asked, **{"class": "monocyte", "split": "train"})
    assert f"Images 1 to {len(train)} of {len(train)}." in words(app)
    assert words(app).count("The file is gone or cannot be read") == 1
    assert words(app).count("The file has changed since the data were read") == 1
    assert len(app.get("image")) == len(train) - 2


def test_images_of_a_source(open_page: OpenPage, home: Path, cells: Dataset):
    write_sources(home, cells.dataset_id, {0: "Munich", 1: "Munich"}, told_by="person")
    app = open_page("data", dataset=cells.dataset_id, view="Images", source="Munich")
    assert "Images 1 to 2 of 2; the classes take turns." in words(app)
    assert metrics(app)["Sources"] == "2"


def test_a_folder_that_is_gone_leaves_the_list(open_page: OpenPage, cells: Dataset):
    shutil.rmtree(cells.root)
    app = open_page("data", dataset=cells.dataset_id, view="Images")
    assert f"There is no folder {cells.root} on this machine." in app.info[0].value
    assert len(app.dataframe[0].value) == 24
    assert f"{cells.root} (not there any more)" in set(
        open_page("data", dataset=cells.dataset_id).dataframe[-1].value["value"]
    )


def test_a_large_dataset_is_shown_by_pages(open_page: OpenPage, home: Path):
    write_search(home, trials=1, epochs=1, seed=3, n_train=12_000, n_val=30, n_test=30, n_calibration=0)
    (made,) = {str(row["dataset_id"]) for row in _datasets(home) if row["name"] == "made-up"}
    app = open_page("data", dataset=made, view="Images", sheet="500")
    assert "Images 11,977 to 12,000 of 12,060" in words(app)
    assert metrics(app)["Images"] == "12,060"


def test_files_left_out_and_label_conflicts(open_page: OpenPage, cells: Dataset):
    app = open_page("data", dataset=cells.dataset_id, view="Left out")
    assert "3 files that are not used" in words(app)
    reasons = app.dataframe[0].value.set_index("path")["reason"]
    assert "truncated" in reasons["monocyte/cut.png"]
    assert "also filed as 'basophil'" in reasons["monocyte/other_label.png"]
    app = open_page("data", dataset=cells.dataset_id, view="Label conflicts")
    assert "1 picture with several labels." in words(app)
    assert "basophil or monocyte?" in words(app)
    assert len(app.get("image")) == 2


def test_tables_of_splits_and_sources_have_sums():
    groups = pd.DataFrame(
        [("b", "train", "Munich", 3), ("a", "train", None, 2), ("a", "test", "Barcelona", 1)],
        columns=["class", "split", "source", "images"],
    )
    assert split_table(groups, ["a", "b"]).values.tolist() == [["a", 2, 1, 3], ["b", 3, 0, 3], ["all", 5, 1, 6]]
    table = source_table(groups, ["a", "b"])
    assert list(table) == ["source", "a", "b", "all"]
    assert table.values.tolist() == [["Barcelona", 1, 0, 1], ["Munich", 0, 3, 3], ["not known", 2, 0, 2]]


def test_sizes_and_facts_in_words():
    sizes = pd.DataFrame(
        [("a", 360, 363, 7), ("b", 400, 400, 2), ("b", 360, 363, 1)], columns=["class", "width", "height", "images"]
    )
    assert size_sentence(sizes) == (
        "2 sizes; the most frequent is 360 x 363 px (8 of 10 images). Sides go from 360 to 400 px."
    )
    assert "not known" in size_sentence(sizes.iloc[:0])
    image = {
        "class": "a", "split": None, "source": None, "width": None, "height": None, "status": "bad", "reason": "cut",
        "group_id": "g-1", "group_images": 2, "sha256": "00",
    }  # fmt: skip
    assert image_facts(image).set_index("fact")["value"].to_dict() == {
        "class": "a", "left out": "cut", "group": "g-1", "its group": "2 images that stay in one split",
        "SHA-256": "00",
    }  # fmt: skip


def test_only_data_that_are_here_and_have_a_train_split_are_offered_for_a_search(tmp_path: Path):
    rows = pd.DataFrame(
        [("here", str(tmp_path), '{"train": 0.6}'), ("gone", "/nowhere/at/all", '{"train": 0.6}'),
         ("held out", str(tmp_path), '{"train": 0.0, "test": 1.0}'), ("study", None, None)],
        columns=["name", "root", "fractions"],
    )  # fmt: skip
    assert trainable(rows)["name"].tolist() == ["here"]


# --- importing --------------------------------------------------------------------------------------------------


def only_the_form() -> None:
    """The script of AppTest, which knows no fragments: each run of it would close the drawer."""
    from pages.components.data_import import import_form

    import_form()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, list[str]]]:
    started: list[tuple[str, str, list[str]]] = []
    monkeypatch.setattr("pages.components.data_import.begin", lambda *asked: started.append(asked))
    return started


def test_the_form_says_what_is_wrong_and_starts_the_command(
    home: Path, tmp_path: Path, begun: list[tuple[str, str, list[str]]]
):
    app = AppTest.from_function(only_the_form, default_timeout=60).run()
    assert app.button(key="import_start").disabled
    app.text_input(key="import_path").set_value("/nowhere/at/all").run()
    assert "There is nothing at /nowhere/at/all on this machine." in app.warning[0].value
    assert app.button(key="import_start").disabled
    (tmp_path / "my cells").mkdir()
    app.text_input(key="import_path").set_value(f" {tmp_path / 'my cells'}/ ").run()
    assert "has no sub-folders" in app.warning[0].value
    (tmp_path / "my cells" / "a").mkdir()
    app.run()
    assert "has only one class folder, 'a'" in app.warning[0].value
    assert app.button(key="import_start").disabled
    app.toggle(key="import_held_out").set_value(True).run()
    assert not app.warning  # nothing is trained on images from elsewhere
    app.toggle(key="import_held_out").set_value(False).run()
    (tmp_path / "my cells" / "b").mkdir()
    app.run()
    assert not app.warning
    app.number_input(key="import_test").set_value(0.9).run()
    assert "must not be negative and must sum to 1" in app.warning[0].value
    app.number_input(key="import_test").set_value(0.2).run()
    app.number_input(key="import_seed").set_value(4).run()
    assert f"python -m core data '{tmp_path / 'my cells'}' --import --seed 4 --test 0.2" in app.code[0].value
    app.button(key="import_start").click().run()
    arguments = ["data", str(tmp_path / "my cells"), "--import", "--seed", "4", "--test", "0.2"]
    assert begun == [(KIND, str(tmp_path / "my cells"), arguments)]
    app.toggle(key="import_held_out").set_value(True).run()
    assert "--import --held-out" in app.code[0].value


def test_bloodmnist_needs_its_package(home: Path, monkeypatch: pytest.MonkeyPatch, begun: list[Any]):
    monkeypatch.setattr("pages.components.data_import.find_spec", lambda name: None)
    app = AppTest.from_function(only_the_form, default_timeout=60).run()
    app.segmented_control(key="import_way").set_value("bloodmnist").run()
    assert "pip install 'medmnist==" in app.warning[0].value
    assert app.button(key="import_start").disabled
    monkeypatch.setattr("pages.components.data_import.find_spec", lambda name: object())
    app.selectbox(key="import_size").set_value(64).run()
    app.button(key="import_start").click().run()
    arguments = ["data", "--import", "--bloodmnist", str(home / "downloads"), "--size", "64"]
    assert begun == [(KIND, "BloodMNIST, 64 px", arguments)]


def test_an_import_that_runs_shows_how_far_it_is_and_can_be_cancelled(open_page: OpenPage, home: Path):
    with jobs.running(home, KIND, "/data/cells") as job:
        job.tell("read images", 30, 60)
        job.record("RUNNING", None)
        app = open_page("data")
        assert "Import of cells" in words(app)
        assert "Read images: 30 of 60 done" in app.get("progress")[0].proto.text
        app.button(key="cancel_import_/data/cells").click().run()
        assert job.cancelled()
        assert app.button(key="cancel_import_/data/cells").disabled


def test_an_import_that_failed_says_why_until_it_is_closed(open_page: OpenPage, home: Path):
    with pytest.raises(ValueError, match="no images"), jobs.running(home, KIND, "/data/cells"):
        raise ValueError("The folder has no images.")
    app = open_page("data")
    assert [error.value for error in app.error] == ["The folder has no images."]
    assert app.button(key="again_/data/cells").label == "Try again"
    app.button(key="close_/data/cells").click().run()
    assert not app.error


@pytest.mark.parametrize(("minutes", "shown"), [(2, True), (2000, False)])
def test_an_import_whose_process_is_gone_says_so_for_a_day(open_page: OpenPage, home: Path, minutes: int, shown: bool):
    then = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="microseconds")
    journal = JournalWriter(journal_folder(home), "job-made-up", 1)
    journal.append(
        "job", at=then, job=KIND, subject="/data/cells", status="RUNNING", stage="read images", done=3, total=9,
        message=None, result=None, pid=2**22 + 1, host=platform.node(), started_at=then,
    )  # fmt: skip
    journal.close()
    app = open_page("data")
    assert [("process that did this is gone" in error.value) for error in app.error] == [True] * shown


def test_what_this_session_imported_is_shown_when_it_is_there(open_page: OpenPage, home: Path, cells: Dataset):
    since = datetime.now(UTC).replace(tzinfo=None)
    with jobs.running(home, KIND, str(cells.root)) as job:
        job.result, job.outcome = cells.dataset_id, "cells is imported."
    app = open_page("data")
    assert "dataset" not in app.query_params
    app.session_state["import_mine"] = (str(cells.root), since, None)
    app.run()
    assert app.query_params["dataset"] == cells.dataset_id


def the_launch_form() -> None:
    from pages.components.launch import launch_form

    launch_form()


def test_a_search_takes_known_data(home: Path, cells: Dataset, monkeypatch: pytest.MonkeyPatch):
    launched: list[SearchSettings] = []
    monkeypatch.setattr("core.search.commands.launch", lambda home, settings: launched.append(settings) or "s-1")
    app = AppTest.from_function(the_launch_form, default_timeout=60).run()
    app.segmented_control(key="new_source").set_value("known").run()
    assert app.selectbox(key="new_known").value == cells.dataset_id
    assert "39 images" in app.selectbox(key="new_known").options[0]
    assert "read again with the split and seed below" in words(app)
    app.button(key="launch").click().run()
    assert [(settings.data, settings.name) for settings in launched] == [(str(cells.root), "cells")]


def test_without_known_data_the_form_does_not_offer_them(home: Path):
    app = AppTest.from_function(the_launch_form, default_timeout=60).run()
    assert "Known data" not in app.segmented_control(key="new_source").options


def test_charts_of_splits_and_sizes_keep_the_order_of_the_classes():
    counts = pd.DataFrame(
        [("a", "train", 6), ("b", "train", 3), ("b", "test", 2)], columns=["class", "split", "images"]
    )
    bars = split_bars(counts, ["b", "a"]).data
    assert [(bar.name, list(bar.y), list(bar.x)) for bar in bars] == [
        ("train", ["b", "a"], [3, 6]), ("test", ["b", "a"], [2, 0])
    ]  # fmt: skip
    sizes = pd.DataFrame([("a", 30, 40, 8), ("a", 20, 20, 2)], columns=["class", "width", "height", "images"])
    none, some = size_bubbles(sizes, ["b", "a"]).data
    assert (list(none.x), list(some.x), list(some.y), list(some.marker.size)) == ([], [40, 20], ["a", "a"], [8, 2])


def test_every_tab_of_an_imported_dataset_and_of_the_published_one_is_drawn(
    open_page: OpenPage, home: Path, cells: Dataset
):
    one = cells.root / cells.usable[0].path
    Image.open(one).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(one.with_name("turned.png"))
    again = import_data(home, cells.root)  # with two images that show the same cell
    for dataset_id in (again.dataset_id, cells.dataset_id, PUBLISHED):
        tabs = [tab.label for tab in open_page("data", dataset=dataset_id).tabs]
        assert "Duplicates" in tabs
        for view in tabs:
            app = open_page("data", dataset=dataset_id, view=view)
            assert not app.error, f"{view} of {dataset_id}: {app.error[0].value}"
