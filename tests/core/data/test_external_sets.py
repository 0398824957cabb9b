"""Which data set is external to which: what fits, what is left out and counted, what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.external import ExternalError, fit, register_external, registered, remove_external
from core.data.importing import import_data
from store import queries
from store.ingest import Ingestor
from tests.core.data.conftest import picture
from tests.store.tools import empty_store

MakeFolder = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def own(home: Path, make_folder: MakeFolder) -> Dataset:
    return import_data(home, make_folder({"a": 8, "b": 8, "c": 8}, "own"))


def test_classes_are_matched_by_name_and_the_rest_is_counted(home: Path, own: Dataset, make_folder: MakeFolder):
    root = make_folder({"b": 2, "c": 1, "other": 3}, "elsewhere", first=100)
    shutil.copy(own.root / own.usable[-1].path, root / "c" / "copy.png")  # the same file
    picture(8).convert("RGBA").save(root / "b" / "pixels.png")  # another file with the pixels of the first b
    found = register_external(home, own.dataset_id, import_data(home, root, held_out=True).dataset_id)
    assert sorted(image.class_ or "" for image in found.usable) == ["b", "b", "c"]
    assert (found.common, found.missing, found.unknown, found.shared) == (("b", "c"), ("a",), {"other": 3}, 2)
    assert found.sentence() == (
        "3 images in 2 classes count. 2 are left out, since the data set that is trained on has them too. Left out, "
        "since the models do not know the class: other (3). No image of: a; how these generalise cannot be tested by "
        "this set. Only equal files and equal pixels are known to be in both; copies encoded anew would count."
    )


def test_what_cannot_be_external_is_refused_with_a_reason(home: Path, own: Dataset, make_folder: MakeFolder):
    with pytest.raises(ExternalError, match="the data set itself"):
        register_external(home, own.dataset_id, own.dataset_id)
    with pytest.raises(ExternalError, match="There is no data set d-gone"):
        register_external(home, own.dataset_id, "d-gone")
    strange = import_data(home, make_folder({"x": 1, "y": 1}, "strange", first=200), held_out=True)
    with pytest.raises(ExternalError, match="no class name in common"):
        register_external(home, own.dataset_id, strange.dataset_id)
    again = import_data(home, own.root, seed=1)  # the same images, split otherwise
    assert again.dataset_id != own.dataset_id
    with pytest.raises(ExternalError, match="Every image of own is in own too"):
        register_external(home, own.dataset_id, again.dataset_id)
    assert registered(home, own.dataset_id) == []


def test_the_latest_statement_counts_here_and_in_the_store(home: Path, own: Dataset, make_folder: MakeFolder):
    sets = [
        import_data(home, make_folder({"a": 1}, f"set-{n}", first=300 + n), held_out=True).dataset_id for n in (1, 2)
    ]
    for external_id in sets:
        register_external(home, own.dataset_id, external_id)
    assert registered(home, own.dataset_id) == sets
    assert registered(home, sets[0]) == []
    remove_external(home, own.dataset_id, sets[0])
    assert registered(home, own.dataset_id) == sets[1:]
    with pytest.raises(ExternalError, match="is not registered"):
        remove_external(home, own.dataset_id, sets[0])
    connection = empty_store()
    Ingestor(connection, home).poll()
    assert list(queries.external_sets(connection.cursor(), own.dataset_id)["external_id"]) == sets[1:]
    register_external(home, own.dataset_id, sets[0])
    assert set(registered(home, own.dataset_id)) == set(sets)


def test_an_image_that_was_left_out_as_bad_is_not_shared(home: Path, make_folder: MakeFolder, own: Dataset):
    root = make_folder({"a": 3, "b": 3}, "conflict", first=400)
    shutil.copy(root / "a" / "0000.png", root / "b" / "same.png")  # two labels: both left out, so trained on by nobody
    trained = import_data(home, root, fractions={"train": 0.5, "val": 0.5})
    external = import_data(home, make_folder({"a": 1}, "one", first=400), held_out=True)
    assert fit(trained, external).shared == 0
