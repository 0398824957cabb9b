"""The decoded cache: right rows, built once, whole or not at all, whoever builds it and however it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.data.cache import cache_path, open_cache
from core.data.dataset import Dataset, DatasetError, ScanCancelled
from core.data.intake import decode_image, to_square
from core.data.scan import scan

MakeFolder = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]

BUILD = """
import sys, time
from pathlib import Path
from core.data import cache
from core.data.dataset import Dataset
dataset = Dataset.load(Path(sys.argv[1]))
slow = float(sys.argv[3])
decode = cache._decode
def slowly(*args):
    time.sleep(slow)
    return decode(*args)
cache._decode = slowly
built = []
images = cache.open_cache(dataset, 16, Path(sys.argv[2]), progress=lambda done, total: built.append(done))
print(int(images.astype(int).sum()), len(built) > 0)
"""


@pytest.fixture
def dataset(make_folder: MakeFolder, work: Path) -> Dataset:
    root = make_folder({"a": 20, "b": 30})
    (root / "a" / "bad.png").write_bytes(b"bad")
    return scan(root, work=work)


def start(dataset: Dataset, folder: Path, slow: float) -> subprocess.Popen[str]:
    description = folder.parent / "dataset.json"
    if not description.exists():
        dataset.save(description)
    command = [sys.executable, "-c", BUILD, str(description), str(folder), str(slow)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_rows_are_the_images_in_order(dataset: Dataset, tmp_path: Path):
    told: list[tuple[int, int]] = []
    images = open_cache(dataset, 16, tmp_path / "cache", progress=lambda done, total: told.append((done, total)))
    assert (images.shape, images.dtype) == ((50, 16, 16, 3), np.uint8)
    for record in dataset.usable:
        data = (dataset.root / record.path).read_bytes()
        assert np.array_equal(images[record.image_id], to_square(decode_image(data), 16))
    assert told[0] == (0, 50)
    assert told[-1] == (50, 50)
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_built_once_per_size(dataset: Dataset, tmp_path: Path):
    open_cache(dataset, 16, tmp_path)
    before = cache_path(dataset, 16, tmp_path).stat()
    told: list[int] = []
    open_cache(dataset, 16, tmp_path, progress=lambda done, total: told.append(done))
    assert not told
    assert cache_path(dataset, 16, tmp_path).stat().st_mtime_ns == before.st_mtime_ns
    assert open_cache(dataset, 8, tmp_path).shape == (50, 8, 8, 3)
    assert np.array_equal(np.load(cache_path(dataset, 16, tmp_path), mmap_mode="r"), open_cache(dataset, 16, tmp_path))


def test_a_changed_file_is_named(dataset: Dataset, tmp_path: Path):
    victim = dataset.root / dataset.usable[7].path
    victim.write_bytes((dataset.root / dataset.usable[8].path).read_bytes())
    with pytest.raises(DatasetError, match=f"{victim.name} has changed since the data were read; scan"):
        open_cache(dataset, 16, tmp_path)
    victim.unlink()
    with pytest.raises(DatasetError, match=f"{victim.name} is gone since"):
        open_cache(dataset, 16, tmp_path)
    assert not list(tmp_path.glob("*.npy"))
    assert not list(tmp_path.glob(".*.tmp"))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _other_version(path: Path) -> None:
    note = path.with_suffix(".json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"version": 0}))


@pytest.mark.parametrize(
    "harm",
    [
        _cut,
        _grow,
        _other_version,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not an array" * 1000),
        lambda path: np.save(path, np.zeros((3, 16, 16, 3), np.uint8)),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.with_suffix(".json").write_text("{"),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_cache_is_built_anew(dataset: Dataset, tmp_path: Path, harm: Callable[[Path], object]):
    good = np.array(open_cache(dataset, 16, tmp_path))
    harm(cache_path(dataset, 16, tmp_path))
    assert np.array_equal(open_cache(dataset, 16, tmp_path), good)


def test_two_builders_at_once(dataset: Dataset, tmp_path: Path):
    folder = tmp_path / "cache"
    builders = [start(dataset, folder, 0.005) for _ in range(2)]
    outputs = [builder.communicate(timeout=60)[0].split() for builder in builders]
    assert outputs[0][0] == outputs[1][0]
    assert sorted(output[1] for output in outputs) == ["False", "True"]  # one built, the other waited


def test_a_builder_killed_half_way(dataset: Dataset, tmp_path: Path):
    folder = tmp_path / "cache"
    builder = start(dataset, folder, 0.2)
    for _ in range(300):
        if list(folder.glob(".*.tmp")):
            break
        time.sleep(0.05)
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    assert list(folder.glob(".*.tmp"))
    assert not cache_path(dataset, 16, folder).exists()
    assert open_cache(dataset, 16, folder).shape == (50, 16, 16, 3)
    assert not list(folder.glob(".*.tmp"))


def test_building_can_be_cancelled(dataset: Dataset, tmp_path: Path):
    with pytest.raises(ScanCancelled):
        open_cache(dataset, 16, tmp_path, cancelled=lambda: True)
    assert not list(tmp_path.glob("*.npy"))


def test_a_place_that_cannot_be_written(dataset: Dataset, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be written to .*; free some space"):
        open_cache(dataset, 16, tmp_path / "file")
