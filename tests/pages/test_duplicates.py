"""Duplicates on the Data page, and the warning of leaks beside the headlines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import PUBLISHED_FRACTIONS
from core.data.importing import import_data
from core.data.sample import make_sample
from core.paths import dataset_file
from pages.components import data_import
from pages.components.duplicate_groups import grouped, images_of, kept, pair_words
from store.journal import JournalWriter, journal_folder, next_attempt, replay
from store.published import DATASET_ID
from tests.core.data.test_duplicates_scan import leaking
from tests.store.factory import write_search

OpenPage = Callable[..., AppTest]


def pairs(*rows: tuple[int, int, str, bool, bool]) -> pd.DataFrame:
    """image_a, image_b, kind, leak, conflict of each."""
    table = pd.DataFrame(rows, columns=["image_a", "image_b", "kind", "leak", "conflict"])
    for side in "ab":
        image = table[f"image_{side}"]
        table[f"path_{side}"] = image.map(lambda number: f"a/{number}.png")
        table[f"split_{side}"] = image.map(lambda number: "test" if number % 2 else "train")
        for name, value in {"sha256": "", "class": "a", "status": "ok"}.items():
            table[f"{name}_{side}"] = value
    return table


def test_pairs_that_share_an_image_are_one_group_and_leaks_come_first():
    table = grouped(
        pairs((0, 2, "near", False, False), (4, 6, "overlap", False, False), (2, 8, "overlap", False, False),
              (1, 10, "overlap", True, False), (12, 14, "near", False, True))
    )  # fmt: skip
    assert table["group"].tolist() == [3, 4, 3, 1, 2]
    assert kept(table, "leaks")["group"].tolist() == [1]
    assert kept(table, "conflicts")["group"].tolist() == [2]
    assert len(kept(table, "all")) == 5
    assert images_of(table[table["group"] == 3])["image_id"].tolist() == [0, 2, 8]
    assert images_of(table[table["group"] == 1])["image_id"].tolist() == [1, 10]  # the held-out one first
    assert grouped(table.drop(columns="group").iloc[:0]).empty


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"kind": "exact"}, "equal pixels"),
        ({"kind": "near", "transform": "rot90", "distance": 3, "correlation": 0.98}, "same picture, rot90"),
        ({"kind": "overlap", "dx": -0.25, "dy": 0.1, "correlation": 0.9}, "the second 25% to the left and 10% down"),
    ],
)
def test_what_connects_two_images_is_said(row: dict[str, object], says: str):
    assert says in pair_words(row)


def test_groups_filters_and_the_cleaned_copy(home: Path, open_page: OpenPage):
    dataset = import_data(home, leaking(home / "shots"), fractions=PUBLISHED_FRACTIONS)
    app = open_page("data", dataset=dataset.dataset_id, view="Duplicates")
    said = " ".join(element.value for kind in ("markdown", "caption", "warning") for element in app.get(kind))
    assert "2 groups" in said
    assert "Leak: 3 pairs" in said
    assert "cannot find other fields of the same slide" in said
    assert any("--clean" in code.value for code in app.code)
    assert len(app.dataframe) == 1
    assert len(app.dataframe[0].value) == 4
    app = open_page("data", dataset=dataset.dataset_id, view="Duplicates", duplicates="Label conflicts")
    assert any("No picture was found under two classes" in info.value for info in app.info)


def test_nothing_found_says_what_was_looked_for(home: Path, open_page: OpenPage):
    dataset = import_data(home, make_sample(home / "cells", per_class=8, seed=1))
    app = open_page("data", dataset=dataset.dataset_id, view="Duplicates")
    assert any("No two images show the same cells" in info.value and "40 images" in info.value for info in app.info)
    assert any("cannot find" in caption.value for caption in app.caption)


def test_data_that_were_read_before_the_search_can_be_imported_again(
    home: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(data_import, "begin", lambda *asked: not begun.append((*asked[:2], *asked[2])))
    dataset = import_data(home, make_sample(home / "cells", per_class=8, seed=1), seed=3, fractions=PUBLISHED_FRACTIONS)
    dataclasses.replace(dataset, searched="").save(dataset_file(home, dataset.dataset_id))
    app = open_page("data", dataset=dataset.dataset_id, view="Duplicates")
    assert any("Only identical pixels were looked for" in one.value for one in app.markdown)
    assert not any("No two images show the same cells" in info.value for info in app.info)
    arguments = ["data", str(dataset.root), "--import", "--seed", "3", "--calibration", "0"]
    app.button(key="import_again").click().run()
    assert begun[0][:2] == ("import", str(dataset.root))
    assert list(begun[0][2:]) == arguments
    assert [code.value for code in app.code if "--import --seed 3 --calibration 0" in code.value]


def test_data_without_a_list_of_images_do_not_claim_that_nothing_was_found(open_page: OpenPage):
    app = open_page("data", dataset=DATASET_ID, view="Duplicates")
    assert any("no list of this dataset's images" in info.value for info in app.info)
    assert not any("No two images" in info.value for info in app.info)


@pytest.mark.parametrize("page", ["search", "evaluate"])
def test_the_warning_follows_the_data(home: Path, open_page: OpenPage, page: str):
    search_id = write_search(home, epochs=2, trials=2, seed=3)
    app = open_page(page, search=search_id)
    assert not [warning for warning in app.warning if "Leak" in warning.value]
    dataset_id = next(record["dataset_id"] for record in _records(home, search_id) if record["kind"] == "dataset")
    columns = {"image_a": [0], "image_b": [1], "kind": ["near"], "transform": ["flip"], "distance": [2],
               "correlation": [0.97], "dx": [0.0], "dy": [0.0]}  # fmt: skip
    images = next(record["columns"] for record in _records(home, search_id) if record["kind"] == "images")
    place = {split: images["image_id"][images["split"].index(split)] for split in ("train", "test")}
    columns |= {"image_a": [min(place.values())], "image_b": [max(place.values())]}
    folder = journal_folder(home)
    journal = JournalWriter(folder, "pairs", next_attempt(folder, "pairs"))
    journal.append("duplicate_pairs", dataset_id=dataset_id, columns=columns)
    journal.close()
    app = open_page(page, search=search_id)
    assert [warning.value for warning in app.warning if "test and train 1" in warning.value]


def _records(home: Path, search_id: str) -> list[dict[str, object]]:
    return list(replay(home, search_id))
