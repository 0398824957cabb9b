"""A cleaned copy: what stays, what is left out and why, complete or absent, the original untouched."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from core.__main__ import main
from core.data.cleaned import left_out, write_clean
from core.data.dataset import PUBLISHED_FRACTIONS, Dataset, DatasetError, ScanCancelled
from core.data.scan import scan
from tests.core.data.fields import field, jpeg, save, turn
from tests.core.data.test_duplicates_scan import SIDE, leaking, strangers


def read(root: Path, work: Path) -> Dataset:
    return scan(root, work=work, fractions=PUBLISHED_FRACTIONS)


def state(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def manifest(folder: Path) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in csv.DictReader((folder / "manifest.csv").open())}


def test_a_copy_has_no_leaks_no_copies_and_no_bad_files(tmp_path: Path):
    root = leaking(tmp_path / "data")
    (root / "train" / "a" / "broken.jpg").write_bytes(b"no image")
    first = field(3, SIDE, SIDE, 6)
    for split in ("train", "val"):
        save(first, root / split / "a" / "same.png")  # equal pixels: the scan leaves the one in train out
    save(jpeg(first, 50), root / "val" / "a" / "encoded.png")
    (root / "manifest.csv").write_text("file,source\ntest/a/original.png,clinic\n")
    before = state(root)
    dataset = read(root, tmp_path)
    told: list[tuple[int, int]] = []
    done = write_clean(dataset, tmp_path / "clean", lambda *facts: told.append(facts))
    assert state(root) == before
    rows = manifest(tmp_path / "clean")
    assert set(rows) == {name for name in before if name != "manifest.csv"}
    gone = {name: row["reason"] for name, row in rows.items() if row["kept"] == "no"}
    assert set(gone) == {
        "train/a/broken.jpg", "train/a/same.png", "train/a/turned.png", "train/b/right.png", "train/b/further.png",
        "val/a/encoded.png",
    }  # fmt: skip
    assert "not an image" in gone["train/a/broken.jpg"]
    assert gone["train/a/turned.png"] == "The same picture as test/a/original.png."
    assert "in the val split (val/b/left.png); left out of train: a leak" in gone["train/b/right.png"]
    assert all(row["reason"] == "" for row in rows.values() if row["kept"] == "yes")
    copied = state(tmp_path / "clean")
    assert {name: data for name, data in before.items() if name in rows and name not in gone} == {
        name: data for name, data in copied.items() if name != "manifest.csv"
    }
    assert (done.kept, done.left_out) == (len(copied) - 1, 6)
    assert told[-1] == (done.kept, done.kept)
    again = read(tmp_path / "clean", tmp_path)
    assert (again.pairs, again.bad, again.leaks()) == ((), (), {})
    assert {image.path: image.source for image in again.usable}["test/a/original.png"] == "clinic"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_crops_stay_where_the_split_is_made_and_contradicting_copies_go(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, ["a", "b"], 6)
    whole = field(2, 200, 200, 20)
    for place in (0, 30):
        save(whole[place : place + 120, place : place + 120], root / "a" / f"crop{place}.png")
    first = field(1, SIDE, SIDE, 6)
    save(first, root / "a" / "one.png")
    save(turn(first, "flip"), root / "b" / "other.png")
    dataset = scan(root, work=tmp_path)
    reasons = {dataset.images[image_id].path: reason for image_id, reason in left_out(dataset).items()}
    assert set(reasons) == {"a/one.png", "b/other.png"}
    assert "also filed as 'b' (b/other.png)" in reasons["a/one.png"]


def test_the_largest_copy_stays(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, ["a", "b"], 5)
    large = field(1, 160, 160, 10)
    save(large, root / "a" / "large.png")
    save(large.reshape(80, 2, 80, 2, 3).mean(axis=(1, 3)).astype("uint8"), root / "a" / "asmall.png")
    dataset = scan(root, work=tmp_path)
    assert [dataset.images[image_id].path for image_id in left_out(dataset)] == ["a/asmall.png"]


def test_places_that_are_refused(tmp_path: Path):
    root = leaking(tmp_path / "data")
    dataset = read(root, tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    for folder, says in {
        tmp_path / "full": "not an empty folder", root / "clean": "would lie in the original", tmp_path: "around it",
        root / "train" / "a" / "0.png": "would lie in",
    }.items():  # fmt: skip
        with pytest.raises(DatasetError, match=says):
            write_clean(dataset, folder)
    assert (tmp_path / "full" / "note.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert write_clean(dataset, tmp_path / "empty").kept > 0


def test_a_copy_is_complete_or_absent(tmp_path: Path):
    root = leaking(tmp_path / "data")
    dataset = read(root, tmp_path)

    def leave() -> None:
        if len(list(tmp_path.glob(".clean.*.partial/**/*.png"))) >= 5:
            raise ScanCancelled("cancelled")

    with pytest.raises(ScanCancelled):
        write_clean(dataset, tmp_path / "clean", leave=leave)
    (root / "val" / "a" / "0.png").write_bytes(b"another file")
    with pytest.raises(DatasetError, match="has changed since the data were read"):
        write_clean(dataset, tmp_path / "clean")
    assert not (tmp_path / "clean").exists()
    assert list(tmp_path.glob(".clean.*")) == []


def test_a_class_that_would_be_empty_is_refused(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, [f"{split}/{name}" for split in ("train", "val") for name in "ab"], 3)
    for path in (root / "train" / "b").iterdir():
        path.unlink()
    first = field(1, SIDE, SIDE, 6)
    save(first, root / "train" / "b" / "only.png")
    save(turn(first, "mirror"), root / "val" / "b" / "copy.png")
    dataset = scan(root, work=tmp_path, fractions={"train": 0.8, "val": 0.2})
    with pytest.raises(DatasetError, match="Nothing would be left of class 'b' in the train split"):
        write_clean(dataset, tmp_path / "clean")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = leaking(tmp_path / "data")
    common = ["data", str(root), "--home", str(tmp_path / "home"), "--calibration", "0"]
    assert main([*common, "--clean", str(tmp_path / "clean")]) == 0
    said = capsys.readouterr().out
    assert "Leak: 3 pairs" in said
    assert "3 were left out, each with its reason in manifest.csv" in said
    assert main([*common, "--clean", str(tmp_path / "clean")]) == 1
    assert "not an empty folder" in capsys.readouterr().err
    assert main([*common, "--import", "--clean", str(tmp_path / "other")]) == 1
    assert "not both" in capsys.readouterr().err
