"""Images from elsewhere: read as any data set, all in the test split, few as they may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.data.dataset import HELD_OUT_FRACTIONS, describe
from core.data.importing import import_data
from core.data.scan import scan
from tests.core.data.conftest import picture

MakeFolder = Callable[..., Path]


def test_images_from_elsewhere_are_all_held_out(make_folder: MakeFolder, work: Path):
    dataset = scan(make_folder({"basophil": 1, "monocyte": 3}), work=work, held_out=True)
    assert [image.split for image in dataset.usable] == ["test"] * 4
    assert (dataset.split_origin, dataset.fractions) == ("made", HELD_OUT_FRACTIONS)
    assert "all held out, none to train on" in describe(dataset)
    one_class = scan(make_folder({"monocyte": 2}, "one", first=100), work=work, held_out=True)
    assert one_class.counts() == {"monocyte": {"train": 0, "calibration": 0, "val": 0, "test": 2}}


def test_split_folders_of_images_from_elsewhere_are_held_out_too(make_folder: MakeFolder, work: Path):
    root = make_folder({"val/a": 2, "test/a": 1, "test/b": 1})  # no train folder: nothing is trained on them
    dataset = scan(root, work=work, held_out=True)
    assert {image.split for image in dataset.usable} == {"test"}
    assert (dataset.split_origin, len(dataset.usable)) == ("made", 4)
    picture(0).save(root / "test" / "a" / "again.png")  # the same pixels in two splits leak only into a training
    again = scan(root, work=work, held_out=True)
    assert (len(again.usable), len(again.bad)) == (5, 0)


def test_an_import_can_hold_all_out(make_folder: MakeFolder, tmp_path: Path):
    dataset = import_data(tmp_path / "home", make_folder({"a": 1, "b": 1}), held_out=True)
    assert {image.split for image in dataset.usable} == {"test"}
