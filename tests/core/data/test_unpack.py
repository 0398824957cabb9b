"""Archives: zips of either layout and MedMNIST files; nothing outside, nothing unbounded, whole or not at all."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import PUBLISHED_FRACTIONS, DatasetError, ScanCancelled
from core.data.scan import scan
from core.data.unpack import unpack_zip

MakeFolder = Callable[..., Path]


def zip_of(root: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                file.write(path, prefix + path.relative_to(root).as_posix())
    return target


def unpack(archive: Path, work: Path) -> Path:
    return unpack_zip(archive, work, lambda done, total: None, lambda: False)


@pytest.mark.parametrize("name", ["", "wrapped/", "two/levels/"])
def test_zip_is_the_same_data_set_as_its_folder(make_folder: MakeFolder, work: Path, tmp_path: Path, name: str):
    root = make_folder({"a": 8, "b": 8})
    (root / "manifest.csv").write_text("file,source\na/0000.png,clinic\n")
    archive = zip_of(root, tmp_path / "cells.zip", name)
    dataset = scan(archive, work=work)
    assert dataset.dataset_id == scan(root, work=work).dataset_id
    assert dataset.name == "cells"
    assert dataset.root.is_relative_to(work)
    assert [image.source for image in dataset.usable if image.path == "a/0000.png"] == ["clinic"]


def test_zip_of_given_splits_with_a_macs_leftovers(make_folder: MakeFolder, work: Path, tmp_path: Path):
    root = make_folder({f"{split}/{name}": 4 for split in ("train", "val", "test") for name in "ab"})
    (root / "__MACOSX" / "train").mkdir(parents=True)
    (root / "__MACOSX" / "train" / "._x.png").write_bytes(b"Mac OS X")
    (root / ".DS_Store").write_bytes(b"\x00")
    dataset = scan(zip_of(root, tmp_path / "x.zip", "top/"), work=work, fractions=PUBLISHED_FRACTIONS)
    assert dataset.split_origin == "given"
    assert len(dataset.images) == 24


def test_zip_with_backslashes(make_folder: MakeFolder, work: Path, tmp_path: Path):
    root = make_folder({"a": 8, "b": 8})
    archive = tmp_path / "windows.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in root.rglob("*.png"):
            file.writestr(f"{path.parent.name}\\{path.name}", path.read_bytes())
    assert scan(archive, work=work).dataset_id == scan(root, work=work).dataset_id


def test_zip_is_unpacked_once(make_folder: MakeFolder, work: Path, tmp_path: Path):
    archive = zip_of(make_folder({"a": 8, "b": 8}), tmp_path / "x.zip")
    folder = unpack(archive, work)
    before = (folder / "a" / "0000.png").stat().st_mtime_ns
    assert unpack(archive, work) == folder
    assert (folder / "a" / "0000.png").stat().st_mtime_ns == before


def test_left_over_of_a_killed_unpacking_is_removed(make_folder: MakeFolder, work: Path, tmp_path: Path):
    archive = zip_of(make_folder({"a": 8, "b": 8}), tmp_path / "x.zip")
    folder = unpack(archive, work)
    half = work / f".{folder.name}.12345678.tmp"
    folder.rename(half)
    assert unpack(archive, work) == folder
    assert not half.exists()


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_zip_that_points_outside_is_refused(work: Path, tmp_path: Path, name: str):
    archive = tmp_path / "slip.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/ok.png", b"x")
        file.writestr(name, b"evil")
    with pytest.raises(DatasetError, match="points outside"):
        unpack(archive, work)
    assert not list(tmp_path.rglob("*.png"))  # not even the harmless part


def test_zip_with_a_link_is_refused(work: Path, tmp_path: Path):
    archive = tmp_path / "link.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo("a/link.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(DatasetError, match="holds a link"):
        unpack(archive, work)


def test_encrypted_zip_is_refused(work: Path, tmp_path: Path):
    archive = tmp_path / "secret.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/x.png", b"x")
    data = bytearray(archive.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match="encrypted"):
        unpack(archive, work)


@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_damaged_zip_is_refused(work: Path, tmp_path: Path, damage: str):
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/x.png", os.urandom(50_000))
    data = bytearray(archive.read_bytes())
    if damage == "text":
        data = bytearray(b"this is not a zip")
    elif damage == "cut":
        del data[25_000:]
    else:
        data[20_000:20_100] = bytes(100)
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match=r"bad\.zip is damaged or not a zip"):
        unpack(archive, work)
    assert not [path for path in work.glob("*") if path.is_dir()]


def test_zip_bomb_is_refused_before_unpacking(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/zeros.png", bytes(10_000_000))
    monkeypatch.setattr("core.data.unpack.MAX_BYTES", 1_000_000)
    with pytest.raises(DatasetError, match="above the limit"):
        unpack(archive, work)
    monkeypatch.setattr("core.data.unpack.MAX_BYTES", 2**40)
    monkeypatch.setattr("core.data.unpack.SPARE_BYTES", 2**60)
    with pytest.raises(DatasetError, match="free some space"):
        unpack(archive, work)
    monkeypatch.setattr("core.data.unpack.MAX_FILES", 0)
    with pytest.raises(DatasetError, match="1 files"):
        unpack(archive, work)


def test_zip_with_a_file_twice_is_refused(work: Path, tmp_path: Path):
    archive = tmp_path / "twice.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/x.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a/x.png", b"2")
    with pytest.raises(DatasetError, match=r"twice\.zip cannot be unpacked"):
        unpack(archive, work)


def test_unpacking_can_be_cancelled(make_folder: MakeFolder, work: Path, tmp_path: Path):
    archive = zip_of(make_folder({"a": 8, "b": 8}), tmp_path / "x.zip")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(ScanCancelled):
        scan(archive, work=work, cancelled=cancelled)
    assert not [path for path in work.glob("*") if path.is_dir()]


def medmnist(path: Path, side: int = 8, channels: int = 3, classes: int = 3, **change: object) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for split, n in (("train", 12), ("val", 6), ("test", 6)):
        shape = (n, side, side, 3) if channels == 3 else (n, side, side)
        arrays[f"{split}_images"] = rng.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n) % classes)[:, None].astype(np.uint8)
    arrays |= change  # type: ignore[arg-type]
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_medmnist_file(work: Path, tmp_path: Path, channels: int):
    source = medmnist(tmp_path / "pathmnist.npz", channels=channels)
    dataset = scan(source, work=work, fractions=PUBLISHED_FRACTIONS)
    assert dataset.classes == ("class_0", "class_1", "class_2")
    assert dataset.counts()["class_1"] == {"train": 4, "calibration": 0, "val": 2, "test": 2}
    assert (dataset.name, dataset.split_origin) == ("pathmnist", "given")
    pixels = np.load(source)["val_images"][4]
    image = next(image for image in dataset.usable if image.path == "val/class_1/000004.png")
    decoded = np.asarray(Image.open(dataset.root / image.path).convert("RGB"))
    assert np.array_equal(decoded, np.broadcast_to(pixels[..., None], (8, 8, 3)) if channels == 1 else pixels)
    assert scan(source, work=work, fractions=PUBLISHED_FRACTIONS).dataset_id == dataset.dataset_id


def test_bloodmnist_classes_have_names(work: Path, tmp_path: Path):
    dataset = scan(medmnist(tmp_path / "bloodmnist_64.npz"), work=work, fractions=PUBLISHED_FRACTIONS)
    assert dataset.classes == ("basophil", "eosinophil", "erythroblast")
    # The same bytes under another name have numbers, and do not mix with the named folders.
    (tmp_path / "bloodmnist_64.npz").rename(tmp_path / "other.npz")
    assert scan(tmp_path / "other.npz", work=work, fractions=PUBLISHED_FRACTIONS).classes[0] == "class_0"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_images": np.zeros((12, 8, 8, 3), np.float32)}, "float32; MedMNIST images are uint8"),
        ({"train_images": np.zeros((12, 8, 8, 8), np.uint8)}, "only 2-D grey or RGB"),
        ({"train_images": np.zeros((3, 8, 8, 3), np.uint8)}, "3 train_images but 12 train_labels"),
        ({"val_labels": np.zeros((6, 14), np.uint8)}, "one class number"),
        ({"val_labels": np.zeros((6, 1), np.float64)}, "one class number"),
        ({"val_labels": -np.ones((6, 1), np.int64)}, "one class number"),
        ({"val_labels": np.array([None] * 6)}, "damaged"),
        ({"train_images": np.array([None] * 12)}, "not allowed"),
    ],
)
def test_unusable_medmnist_files_are_refused(work: Path, tmp_path: Path, change: dict[str, np.ndarray], says: str):
    with pytest.raises(DatasetError, match=says) as caught:
        scan(medmnist(tmp_path / "x.npz", **change), work=work)
    assert str(tmp_path / "x.npz") in str(caught.value)


def test_other_npz_files_are_refused(work: Path, tmp_path: Path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(DatasetError, match="no train_images"):
        scan(tmp_path / "other.npz", work=work)
    (tmp_path / "text.npz").write_text("nothing")
    with pytest.raises(DatasetError, match=r"not an \.npz"):
        scan(tmp_path / "text.npz", work=work)


def test_npz_that_promises_more_than_it_holds(work: Path, tmp_path: Path):
    source = tmp_path / "bomb.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (12, 10**6, 10**6)})
    medmnist(source)
    with zipfile.ZipFile(source) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["train_images.npy"] = header.getvalue() + bytes(1000)
    with zipfile.ZipFile(source, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    with pytest.raises(DatasetError, match="damaged"):
        scan(source, work=work)
