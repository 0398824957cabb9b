"""Predict shows where the network looked, and the training images nearest in its eyes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import statements
from core.paths import trial_folder
from core.prediction.references import save_references
from pages.components.data import read
from tests.pages.conftest import OpenPage
from tests.pages.predicting import Net, picture, recorded, searched, stand_in
from tests.pages.test_pages import words
from tests.store.factory import write_search


@pytest.fixture
def search_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished search whose images are there: a red square each."""
    return searched(home, monkeypatch)


def test_a_fusion_reads_with_all_its_members(
    open_page: OpenPage, search_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = stand_in(monkeypatch, Net(), Net((0.1, 0.6, 0.1, 0.1, 0.1)))
    members = {f"{search_id}.00-initial": 1.0, f"{search_id}.final-1": 3.0}
    dataset_id = str(read("search", search_id)["dataset_id"].iloc[0])
    fusion_id = statements.save_fusion(home, "both", dataset_id, "vote", members)
    app = open_page("predict", search=search_id, fusion=fusion_id)
    assert not app.error
    assert set(asked) == {fusion_id}
    said = words(app)
    assert "shares of their votes, not probabilities" in said
    assert "Occlusion" in said
    (record,) = recorded(home)
    assert (record["model_id"], record["model_trial_id"]) == (fusion_id, None)


def test_where_the_network_looked_is_labelled(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    stand_in(monkeypatch, Net())
    app = open_page("predict", search=search_id)
    said = words(app)
    assert "Where the network looked; coarse, and no proof." in said
    assert "Class activation map of 6 x 6 places" in said
    plain = picture(app)[1]
    app.slider(key="why_strength").set_value(0).run()
    assert picture(app)[1] != plain
    box = next(box for box in app.selectbox if box.label == "What speaks for")
    assert box.value == "basophil"
    box.set_value("erythroblast").run()
    assert "No place of this image speaks for erythroblast." in words(app)


def test_a_coarse_map_gives_way_to_occlusion(open_page: OpenPage, search_id: str, monkeypatch: pytest.MonkeyPatch):
    stand_in(monkeypatch, Net(side=4))
    said = words(open_page("predict", search=search_id)).replace("\\", "")
    assert "Occlusion: " in said
    assert "Class activation map" not in said


def test_reference_cells_of_both_classes_stand_side_by_side(
    open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
):
    search_id = write_search(home, trials=1, n_train=10, n_val=40, n_test=40, pictures=home / "cells")
    stand_in(monkeypatch, Net())
    assert "no reference cells yet" in words(open_page("predict", search=search_id))
    folder = trial_folder(home, f"{search_id}.final-1")
    folder.mkdir(parents=True)
    (folder / "weights.json").write_text('{"sha256": "w"}')
    images = read("images", str(read("search", search_id)["dataset_id"].iloc[0]), "ok").query("split == 'test'")
    features = np.column_stack([np.ones(len(images)), np.linspace(0, 1, len(images))])
    save_references(folder, features, images["image_id"].tolist(), images["class"].tolist())
    app = open_page("predict", search=search_id)
    said = words(app)
    assert "Basophil :gray[(decided on)]" in said
    assert "Erythroblast :gray[(next)]" in said
    assert reference_alts(app, "basophil") == reference_alts(app, "erythroblast") == 4
    (home / "cells").rename(home / "gone")
    app = open_page("predict", search=search_id)
    assert "images of these data are not on this machine" in words(app)
    upload(app, home / "gone")
    said = words(app)
    assert "training images are not on this machine any more" in said
    assert reference_alts(app, "basophil") == 0
    assert len(re.findall(r"No\. \d+: [01]\.\d\d", said)) == 8


def reference_alts(app: AppTest, class_: str) -> int:
    """How many pictures of training images of a class are shown."""
    alts = [image.alt for part in app.get("image") for image in part.proto.imgs]
    return sum(f"training image of {class_}" in alt for alt in alts)


def upload(app: AppTest, folder: Path) -> None:
    """Give the page an image of one's own."""
    app.segmented_control(key="image_source").set_value("upload").run()
    file = next(folder.rglob("*.png"))
    app.file_uploader[0].upload(file.name, file.read_bytes(), "image/png").run()
