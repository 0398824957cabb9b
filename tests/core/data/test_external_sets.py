"""Which data set is external to which: what fits, what is left out and counted, what is refused."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.external import (
    ExternalError,
    compare_registered,
    fit,
    register_external,
    registered,
    remove_external,
)
from core.data.importing import import_data
from core.data.pairs import EVERYTHING
from core.data.shared import compare, compared
from core.jobs import JobCancelled
from store import queries
from store.ingest import Ingestor
from tests.core.data.conftest import picture
from tests.core.data.fields import crop, field, jpeg, save, turn
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
    assert (found.common, found.missing, found.unknown, found.equal) == (("b", "c"), ("a",), {"other": 3}, 2)
    assert found.sentence() == (
        "3 images in 2 classes count. 2 are left out, since the data set that is trained on has them too. Left out, "
        "since the models do not know the class: other (3). No image of: a; how well a model does on these elsewhere "
        "cannot be told by this set. Only equal files and equal pixels have been looked for so far; images that are "
        "encoded anew, turned, or cropped from the same field are looked for in the background once the set is "
        "registered, and left out."
    )


@pytest.fixture
def again(tmp_path: Path, home: Path) -> tuple[Dataset, Dataset]:
    """Data of two fields a class, and a set that claims to be from elsewhere: the first turned, a crop, and others."""
    whole = field(5, 420, 420, 90)
    save(crop(whole, 100, 100, 200), tmp_path / "own" / "a" / "moved.png")
    save(crop(field(6), 0, 0, 200), tmp_path / "own" / "a" / "turned.png")
    for seed in (7, 10):
        save(crop(field(seed), 0, 0, 200), tmp_path / "own" / "b" / f"{seed}.png")
    save(crop(whole, 130, 160, 200), tmp_path / "far" / "a" / "crop.png")
    save(jpeg(turn(crop(field(6), 0, 0, 200), "rot90"), 70), tmp_path / "far" / "a" / "new.png")
    save(crop(field(8), 0, 0, 200), tmp_path / "far" / "a" / "stranger.png")
    save(jpeg(crop(field(6), 0, 0, 200), 70), tmp_path / "far" / "c" / "unknown.png")
    fractions = {"train": 0.5, "calibration": 0.0, "val": 0.5, "test": 0.0}
    own = import_data(home, tmp_path / "own", fractions=fractions)
    return own, import_data(home, tmp_path / "far", held_out=True)


def test_images_that_show_the_same_cells_are_left_out_and_counted(home: Path, again: tuple[Dataset, Dataset]):
    own, far = again
    register_external(home, own.dataset_id, far.dataset_id)
    stages: list[str] = []
    found = compare_registered(home, own.dataset_id, lambda stage, *_: stages.append(stage), lambda: None)
    shared = found[far.dataset_id]
    names = [far.usable[image_id].path for image_id in shared.image_ids]
    assert sorted(zip(names, (own.usable[one].path for one in shared.own_ids), shared.kinds, strict=True)) == [
        ("a/crop.png", "a/moved.png", "overlap"), ("a/new.png", "a/turned.png", "near"),
    ]  # fmt: skip
    assert set(stages) == {"read the images of both sets", "compare with the images that are trained on"}
    left = fit(own, far, shared)
    assert [image.path for image in left.usable] == ["a/stranger.png"]
    assert (left.equal, left.alike, left.shared) == (0, 2, 2)
    assert (
        "2 are left out, since the data set that is trained on has them too, encoded anew, turned, or cropped from "
        in (left.sentence())
    )
    assert "3 are left out, since the data set that is trained on has them too (2 of them encoded anew" in (
        dataclasses.replace(left, equal=1).sentence()
    )
    assert "Equal files, equal pixels, and images encoded anew, turned, or cropped" in left.sentence()
    connection = empty_store()
    Ingestor(connection, home).poll()
    (row,) = queries.external_sets(connection, own.dataset_id).to_dict("records")
    assert (row["counted"], row["shared"], row["alike"], row["unknown"]) == (1, 2, 2, 1)
    assert (row["searched"], row["unread"], row["crowded"]) == (EVERYTHING, 0, 0)


def test_a_comparison_is_made_once_and_survives_its_files(
    home: Path, again: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
):
    own, far = again
    first = compare(home, own, far)
    shutil.rmtree(own.root)
    assert compare(home, own, far) == first
    assert compared(home, own.dataset_id, far.dataset_id) == first
    assert compared(home, far.dataset_id, own.dataset_id) is None


def test_files_that_are_gone_are_told(home: Path, again: tuple[Dataset, Dataset]):
    own, far = again
    (own.root / "a" / "moved.png").unlink()
    save(crop(field(9), 0, 0, 200), own.root / "a" / "turned.png")  # another picture than was read
    found = compare(home, own, far)
    assert (found.image_ids, found.unread) == ((), 2)
    assert "2 images could not be read any more and were not compared" in fit(own, far, found).sentence()


def test_a_comparison_that_is_cancelled_leaves_nothing(home: Path, again: tuple[Dataset, Dataset]):
    own, far = again

    def leave() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        compare(home, own, far, leave=leave)
    assert compared(home, own.dataset_id, far.dataset_id) is None


def test_a_set_that_is_all_in_the_data_is_refused(home: Path, again: tuple[Dataset, Dataset]):
    own, far = again
    shared = compare(home, own, far)
    with pytest.raises(ExternalError, match="none is from elsewhere"):
        fit(own, far, dataclasses.replace(shared, image_ids=(0, 1, 2)))


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
