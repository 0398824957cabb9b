"""Which data sets can stand for what is out of scope."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.outside import OutsideError, outside_of

MakeFolder = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def own(home: Path, make_folder: MakeFolder) -> Dataset:
    return import_data(home, make_folder({"a": 8, "seg_neutrophil": 8}, "own"))


def test_images_of_other_classes_count_and_shared_ones_do_not(home: Path, own: Dataset, make_folder: MakeFolder):
    root = make_folder({"band": 2, "smudge": 1}, "strange", first=100)
    shutil.copy(own.root / own.usable[-1].path, root / "smudge" / "copy.png")
    found = outside_of(own, import_data(home, root, held_out=True))
    assert sorted(image.class_ or "" for image in found.usable) == ["band", "band", "smudge"]
    assert found.shared == 1
    assert found.sentence() == (
        "3 images in 2 classes count. 1 are left out, since the data set that is trained on has them too."
    )


@pytest.mark.parametrize("name", ["a", "A", "Seg-Neutrophil", "seg neutrophil"])
def test_a_class_of_the_model_is_refused(home: Path, own: Dataset, make_folder: MakeFolder, name: str):
    other = import_data(home, make_folder({name: 1, "band": 1}, "mixed", first=100), held_out=True)
    with pytest.raises(OutsideError, match=rf"mixed has classes that the model knows \({name}\)"):
        outside_of(own, other)


def test_the_data_themselves_and_nothing_new_are_refused(home: Path, own: Dataset, make_folder: MakeFolder):
    with pytest.raises(OutsideError, match="own is the data set that is trained on"):
        outside_of(own, own)
    root = make_folder({"band": 1}, "copied", first=100)
    next((root / "band").iterdir()).unlink()
    shutil.copy(own.root / own.usable[0].path, root / "band" / "copy.png")
    with pytest.raises(OutsideError, match="Every image of copied is in own too"):
        outside_of(own, import_data(home, root, held_out=True))
