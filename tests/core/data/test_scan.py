"""Reading data sets: layouts, bad files, duplicates, leaks, conflicting labels, ids."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.data.dataset import (
    PUBLISHED_FRACTIONS,
    SPLITS,
    Dataset,
    DatasetError,
    ImageRecord,
    ScanCancelled,
)
from core.data.scan import scan

MakeFolder = Callable[..., Path]


def by_path(dataset: Dataset) -> dict[str, ImageRecord]:
    return {image.path: image for image in dataset.images}


def test_class_folders(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 20, "b": 40})
    told: list[tuple[int, int]] = []
    dataset = scan(root, work=work, progress=lambda done, total: told.append((done, total)))
    assert dataset.classes == ("a", "b")
    assert dataset.counts() == {
        "a": {"train": 12, "calibration": 2, "val": 3, "test": 3},
        "b": {"train": 24, "calibration": 4, "val": 6, "test": 6},
    }
    assert (dataset.name, dataset.split_origin, dataset.synthetic) == ("data", "made", False)
    assert dataset.bad == ()
    assert [image.image_id for image in dataset.images] == list(range(60))
    keys = [(image.class_, image.sha256, image.path) for image in dataset.usable]
    assert keys == sorted(keys)
    assert (dataset.usable[0].width, dataset.usable[0].height) == (12, 12)
    assert told[0] == (0, 60)
    assert told[-1] == (60, 60)
    assert not work.exists()


def test_published_fractions(make_folder: MakeFolder, work: Path):
    dataset = scan(make_folder({"a": 20, "b": 20}), work=work, fractions=PUBLISHED_FRACTIONS)
    assert dataset.counts()["a"] == {"train": 14, "calibration": 0, "val": 3, "test": 3}


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Validation"])
def test_given_splits_are_kept(make_folder: MakeFolder, work: Path, val: str):
    counts = {"train/a": 6, "train/b": 6, f"{val}/a": 2, f"{val}/b": 2, "test/a": 3, "test/b": 3}
    dataset = scan(make_folder(counts), work=work, fractions=PUBLISHED_FRACTIONS)
    assert dataset.split_origin == "given"
    assert dataset.counts()["a"] == {"train": 6, "calibration": 0, "val": 2, "test": 3}
    assert {image.split for image in dataset.usable if image.path.startswith(val)} == {"val"}


def test_missing_splits_are_made_from_train(make_folder: MakeFolder, work: Path):
    root = make_folder({"train/a": 20, "train/b": 20, "test/a": 5, "test/b": 5})
    dataset = scan(root, work=work)
    # train : calibration : val stay .60 : .10 : .15 of what the training folder holds
    assert dataset.counts()["a"] == {"train": 14, "calibration": 2, "val": 4, "test": 5}
    assert dataset.split_origin == "given"
    only_train = scan(make_folder({"train/a": 20, "train/b": 20}, "only"), work=work)
    assert only_train.split_origin == "made"
    assert only_train.counts()["b"] == {"train": 12, "calibration": 2, "val": 3, "test": 3}


def test_given_calibration_is_kept(make_folder: MakeFolder, work: Path):
    counts = {f"{split}/{name}": 4 for split in SPLITS for name in "ab"}
    dataset = scan(make_folder(counts), work=work)
    assert dataset.counts()["a"] == dict.fromkeys(SPLITS, 4)


def test_bad_files_are_listed_and_left_out(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 10, "b": 10})
    (root / "a" / "note.jpg").write_bytes(b"[.ShellClassInfo]\r\n")
    (root / "a" / "empty.png").write_bytes(b"")
    (root / "b" / "movie.mp4").write_bytes(b"\x00\x00\x00 ftypisom")
    whole = (root / "b" / "0000.png").read_bytes()
    (root / "b" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "gone.png").symlink_to(root / "nowhere")
    os.mkfifo(root / "b" / "pipe.png")
    shutil.copy(root / "a" / "0001.png", root / "stray.png")
    dataset = scan(root, work=work)
    reasons = {image.path: image.reason for image in dataset.bad}
    assert set(reasons) == {
        "a/note.jpg",
        "a/empty.png",
        "b/movie.mp4",
        "b/cut.png",
        "b/gone.png",
        "b/pipe.png",
        "stray.png",
    }
    for path, says in {
        "a/note.jpg": "not an image", "a/empty.png": "empty", "b/movie.mp4": "not an image", "b/cut.png": "truncated",
        "b/gone.png": "cannot be read", "b/pipe.png": "not a regular file", "stray.png": "outside the class folders",
    }.items():  # fmt: skip
        assert says in (reasons[path] or "")
    assert len(dataset.usable) == 20
    assert [image.image_id for image in dataset.bad] == list(range(20, 27))
    assert all(image.split is None for image in dataset.bad)


def test_what_is_no_data_is_passed_over(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 8, "b": 8, "__MACOSX/a": 2, ".hidden": 2, "a/.cache": 1})
    for name in (
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/desktop.ini",
        "a/notes.txt",
        "b/manifest.csv",
        "README.md",
        "LICENSE",
    ):
        (root / name).write_text("no image")
    dataset = scan(root, work=work)
    assert len(dataset.images) == 16


def test_images_in_deeper_folders_belong_to_the_class(make_folder: MakeFolder, work: Path):
    dataset = scan(make_folder({"a/slide 1": 4, "a/slide 2": 4, "b": 8}), work=work)
    assert dataset.classes == ("a", "b")
    assert sum(dataset.counts()["a"].values()) == 8


def test_exact_duplicates_share_a_group_and_a_split(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 12, "b": 12})
    for copy in range(4):
        shutil.copy(root / "a" / "0003.png", root / "a" / f"copy{copy}.png")
    Image.open(root / "a" / "0003.png").save(root / "a" / "other.bmp")  # other bytes, the same pixels
    dataset = scan(root, work=work)
    same = [image for image in dataset.usable if image.group_id == by_path(dataset)["a/0003.png"].group_id]
    assert len(same) == 6
    assert len({image.split for image in same}) == 1
    assert len({image.sha256 for image in same}) == 2
    assert len({image.group_id for image in dataset.usable}) == 24


def test_equal_pixels_under_two_labels_are_left_out(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 10, "b": 10})
    Image.open(root / "a" / "0002.png").save(root / "b" / "same.tiff")
    shutil.copy(root / "a" / "0002.png", root / "a" / "copy.png")
    dataset = scan(root, work=work)
    reasons = {image.path: image.reason or "" for image in dataset.bad}
    assert set(reasons) == {"a/0002.png", "a/copy.png", "b/same.tiff"}
    assert "also filed as 'b' (b/same.tiff)" in reasons["a/0002.png"]
    assert "also filed as 'a' (a/0002.png)" in reasons["b/same.tiff"]


def test_duplicates_across_given_splits_stay_in_the_most_held_out(make_folder: MakeFolder, work: Path):
    counts = {f"{split}/{name}": 5 for split in ("train", "val", "test") for name in "ab"}
    root = make_folder(counts)
    shutil.copy(root / "test" / "a" / "0000.png", root / "train" / "a" / "leak.png")
    shutil.copy(root / "val" / "b" / "0001.png", root / "train" / "b" / "leak.png")
    dataset = scan(root, work=work, fractions=PUBLISHED_FRACTIONS)
    reasons = {image.path: image.reason or "" for image in dataset.bad}
    assert set(reasons) == {"train/a/leak.png", "train/b/leak.png"}
    assert "in the test split (test/a/0000.png); left out of train" in reasons["train/a/leak.png"]
    assert by_path(dataset)["test/a/0000.png"].split == "test"
    homes: dict[str, set[str]] = {}
    for image in dataset.usable:
        homes.setdefault(image.pixel_sha256 or "", set()).add(image.split or "")
    assert all(len(splits) == 1 for splits in homes.values())


def test_id_depends_on_content_and_split_not_on_place_or_names(make_folder: MakeFolder, work: Path, tmp_path: Path):
    root = make_folder({"a": 12, "b": 12})
    shutil.copy(root / "a" / "0000.png", root / "a" / "twin.png")
    first = scan(root, work=work)
    elsewhere = tmp_path / "elsewhere" / "renamed"
    for path in root.rglob("*.png"):
        target = elsewhere / path.parent.name / f"{(int(path.stat().st_ino) * 7919) % 1000003}-{path.stem[::-1]}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    second = scan(elsewhere, work=work)
    assert first.dataset_id == second.dataset_id
    assert [(i.sha256, i.split) for i in first.usable] == [(i.sha256, i.split) for i in second.usable]
    assert scan(root, work=work, seed=1).dataset_id != first.dataset_id
    (root / "b" / "0000.png").unlink()
    assert scan(root, work=work).dataset_id != first.dataset_id


def test_bad_files_do_not_change_the_id(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 8, "b": 8})
    first = scan(root, work=work)
    (root / "a" / "broken.png").write_bytes(b"broken")
    assert scan(root, work=work).dataset_id == first.dataset_id


def test_cap_per_class(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 40, "b": 10})
    dataset = scan(root, work=work, per_class=20)
    assert {name: sum(parts.values()) for name, parts in dataset.counts().items()} == {"a": 20, "b": 10}
    assert scan(root, work=work, per_class=20).dataset_id == dataset.dataset_id
    given = scan(
        make_folder({"train/a": 30, "train/b": 30, "val/a": 10, "val/b": 10, "test/a": 10, "test/b": 10}, "given"),
        work=work, per_class=10, fractions=PUBLISHED_FRACTIONS,
    )  # fmt: skip
    assert given.counts()["b"] == {"train": 6, "calibration": 0, "val": 2, "test": 2}


@pytest.mark.parametrize("column", ["source", "origin_dataset", "origin"])
def test_sources_come_from_manifests(make_folder: MakeFolder, work: Path, column: str):
    root = make_folder({"a": 8, "b": 8})
    (root / "manifest.csv").write_text(
        f'file,label,{column}\na/0001.png,a,"Clinic, Lab 2"\nb\\0002.png,b,X\n,,\n', "utf-8-sig"
    )
    found = by_path(scan(root, work=work))
    assert found["a/0001.png"].source == "Clinic, Lab 2"
    assert found["b/0002.png"].source == "X"
    assert found["a/0000.png"].source is None


def test_manifest_at_split_level_and_of_another_kind(make_folder: MakeFolder, work: Path):
    root = make_folder({f"{split}/{name}": 4 for split in ("train", "val", "test") for name in "ab"})
    (root / "val" / "manifest.csv").write_text("file,source\na/0001.png,clinic\n")
    (root / "test" / "manifest.csv").write_bytes(b"\x00\xff what is this")
    (root / "manifest.csv").write_text("name,size\nx,1\n")
    found = by_path(scan(root, work=work, fractions=PUBLISHED_FRACTIONS))
    assert found["val/a/0001.png"].source == "clinic"
    assert found["train/a/0001.png"].source is None


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"a": 8, "b": 0}, r"class folder .*b is empty; put images"),
        ({"a": 8}, "only one class folder, 'a'"),
        ({"a": 8, "b": 3}, "'b' has 3 different usable images"),
        ({"train/a": 8, "train/b": 8, "test": 4}, r"test has no sub-folders"),
        ({"train/a": 8, "train/b": 8, "labels/a": 4}, "'train' beside 'labels'"),
        ({"test/a": 8, "test/b": 8, "val/a": 2, "val/b": 2}, "none to train on"),
        ({"train/a": 8, "train/b": 8, "test/a": 2}, "test split of class 'b'"),
        ({".": 3}, "has no sub-folders"),
    ],
)
def test_unusable_folders_are_refused_in_a_sentence(
    make_folder: MakeFolder, work: Path, counts: dict[str, int], says: str
):
    with pytest.raises(DatasetError, match=says) as caught:
        scan(make_folder(counts), work=work)
    assert str(caught.value).endswith(".")


def test_a_class_of_bad_files_only_says_why(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 8, "b": 0})
    (root / "b" / "x.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"class folder 'b' .* no usable image \(.*not an image"):
        scan(root, work=work)


def test_other_sources_are_refused(make_folder: MakeFolder, work: Path, tmp_path: Path):
    with pytest.raises(DatasetError, match="There is nothing at"):
        scan(tmp_path / "nowhere", work=work)
    (tmp_path / "data.rar").write_bytes(b"Rar!")
    with pytest.raises(DatasetError, match="neither a folder"):
        scan(tmp_path / "data.rar", work=work)
    with pytest.raises(DatasetError, match="per_class is 0"):
        scan(make_folder({"a": 4, "b": 4}), work=work, per_class=0)


def test_scan_can_be_cancelled(make_folder: MakeFolder, work: Path):
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(ScanCancelled):
        scan(make_folder({"a": 80, "b": 80}), work=work, cancelled=cancelled)


def test_names_that_are_no_text(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 8, "b": 8})
    with open(os.fsencode(root / "a") + b"/\xff.png", "wb") as file:  # noqa: PTH123
        file.write((root / "a" / "0000.png").read_bytes())
    (bad,) = scan(root, work=work).bad
    assert "not valid text" in (bad.reason or "")
    bad.path.encode()


def test_real_defects_are_each_reported(real_data: Path, work: Path, tmp_path: Path):
    root = tmp_path / "blood"
    good, defects = real_data / "blood5", real_data / "defects"
    for name in ("basophil", "monocyte", "seg_neutrophil"):
        (root / name).mkdir(parents=True)
        for path in sorted((good / name).iterdir())[:12]:
            shutil.copy(path, root / name)
    for path in (defects / "duplicates").iterdir():
        shutil.copy(path, root / ("basophil" if path.name.startswith("BA") else "monocyte"))
    (truncated,), (no_image,) = (list((defects / name).iterdir()) for name in ("truncated", "not_an_image"))
    shutil.copy(truncated, root / "seg_neutrophil")
    shutil.copy(no_image, root / "monocyte")
    first, second = sorted((defects / "same_image_two_labels").iterdir())
    shutil.copy(first, root / "seg_neutrophil")
    shutil.copy(second, root / "basophil")
    dataset = scan(root, work=work)
    reasons = {image.path: image.reason or "" for image in dataset.bad}
    assert len(reasons) == 4
    assert "truncated JPEG" in reasons[f"seg_neutrophil/{truncated.name}"]
    assert "not an image" in reasons[f"monocyte/{no_image.name}"]
    assert f"also filed as 'basophil' (basophil/{second.name})" in reasons[f"seg_neutrophil/{first.name}"]
    assert f"also filed as 'seg_neutrophil' (seg_neutrophil/{first.name})" in reasons[f"basophil/{second.name}"]
    pairs = [count for count in Counter(image.group_id for image in dataset.usable).values() if count > 1]
    assert pairs == [2, 2, 2, 2]
    homes: dict[str, set[str]] = {}
    for image in dataset.usable:
        homes.setdefault(image.group_id or "", set()).add(image.split or "")
    assert all(len(splits) == 1 for splits in homes.values())
