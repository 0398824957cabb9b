"""Synthetic cells: the same every time, labelled synthetic everywhere, told apart by shape and not by colour."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.data.cells import CLASSES, draw_cell
from core.data.dataset import DatasetError, ScanCancelled, describe
from core.data.sample import make_sample
from core.data.scan import scan

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample") / "cells", per_class=40)


def pixels_of(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    paths = sorted(folder.rglob("*.png"))
    return np.stack([np.asarray(Image.open(path)) for path in paths]), np.array([path.parent.name for path in paths])


def accuracy(features: NDArray[np.float64], labels: NDArray[np.str_]) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=3000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels, cv=folds).mean())


def colours(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """16 bins a channel, as for the real images, of which this tells 95 %."""
    bins = [np.histogram(image[..., channel], 16, (0, 256))[0] for channel in range(3)]
    return np.concatenate(bins) / (image.shape[0] * image.shape[1])


def shape(image: NDArray[np.uint8]) -> list[float]:
    """Of the darkest part near the middle, whatever its hue: compactness, solidity, lobes, holes of paleness."""
    grey = ndimage.gaussian_filter(image.mean(axis=2), 1)
    y, x = np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j]
    near = np.hypot(x, y) < 0.8
    low, high = np.percentile(grey[near], [2, 98])
    dark = near & (grey < low + 0.35 * (high - low))
    labelled, count = ndimage.label(dark)
    sizes = ndimage.sum_labels(dark, labelled, range(1, count + 1))
    largest = labelled == 1 + int(np.argmax(sizes))
    area = float(dark.sum())
    inner = ndimage.distance_transform_edt(dark)
    edge = float((dark & ~ndimage.binary_erosion(dark)).sum())
    cores = ndimage.label(inner > 0.6 * inner.max())[1]
    rows, columns = np.nonzero(dark)
    spread = np.linalg.eigvalsh(np.cov(np.stack([rows, columns])))
    pale = near & (grey < low + 0.8 * (high - low))
    ring = ndimage.binary_dilation(largest, iterations=6) & ~dark
    return [
        edge**2 / area, float(inner.max() ** 2 / area), float(cores), float(count), float(spread[1] / area),
        float(spread[0] / spread[1]), float(pale.sum() / area), float(grey[ring].mean() - low) / float(high - low),
        float(grey[dark].std()) / float(high - low), float(sizes.max() / area),
    ]  # fmt: skip


def test_colour_alone_does_not_suffice_but_shape_does(sample: Path):
    images, labels = pixels_of(sample)
    by_colour = accuracy(np.stack([colours(image) for image in images]), labels)
    by_shape = accuracy(np.array([shape(image) for image in images]), labels)
    assert by_colour < 0.55
    assert by_shape > 0.75
    assert by_shape > by_colour + 0.25


def test_the_same_pixels_in_another_process(tmp_path: Path):
    code = (
        "import numpy as np, sys\nfrom core.data.cells import draw_cell\n"
        "sys.stdout.buffer.write(draw_cell('monocyte', 64, np.random.default_rng(5)).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT).stdout
    assert other == draw_cell("monocyte", 64, np.random.default_rng(5)).tobytes()


def test_the_same_arguments_give_the_same_data_set(tmp_path: Path):
    first = scan(make_sample(tmp_path / "1", per_class=6, size=32), work=tmp_path)
    assert scan(make_sample(tmp_path / "2", per_class=6, size=32), work=tmp_path).dataset_id == first.dataset_id
    assert scan(make_sample(tmp_path / "3", per_class=6, size=32, seed=1), work=tmp_path).dataset_id != first.dataset_id
    larger = make_sample(tmp_path / "4", per_class=8, size=32)
    for image in first.usable:  # a larger sample begins with the smaller one
        assert (larger / image.path).read_bytes() == (tmp_path / "1" / image.path).read_bytes()


def test_labelled_synthetic_everywhere(tmp_path: Path):
    folder = make_sample(tmp_path / "cells", per_class=4, size=32)
    dataset = scan(folder, work=tmp_path / "work")
    assert dataset.synthetic
    assert dataset.classes == CLASSES
    assert {image.source for image in dataset.usable} == {"synthetic"}
    assert all("synthetic" in image.path for image in dataset.usable)
    assert "SYNTHETIC" in describe(dataset)
    assert "not real" in (folder / "SYNTHETIC.txt").read_text()
    with Image.open(folder / dataset.usable[0].path) as image:
        assert "synthetic" in str(image.info["Description"])


def test_still_known_as_synthetic_without_marker_and_manifest(tmp_path: Path):
    folder = make_sample(tmp_path / "cells", per_class=4, size=32)
    archive = tmp_path / "cells.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number, path in enumerate(sorted(folder.rglob("*.png"))):
            file.write(path, f"{path.parent.name}/{number}.png")
    assert scan(archive, work=tmp_path / "work").synthetic


def test_a_finished_sample_is_left_as_it_is_and_a_half_one_made_anew(tmp_path: Path):
    folder = make_sample(tmp_path / "cells", per_class=4, size=32)
    some = folder / "monocyte" / "synthetic_00001.png"
    before = some.stat().st_mtime_ns
    make_sample(folder, per_class=4, size=32)
    assert some.stat().st_mtime_ns == before
    make_sample(folder, per_class=5, size=32)
    assert len(list(folder.rglob("*.png"))) == 25
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"cells"}


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="holds something else"):
        make_sample(mine, per_class=1, size=32)
    folder = make_sample(tmp_path / "cells", per_class=1, size=32)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="holds something else"):
        make_sample(folder, per_class=2, size=32)
    assert (folder / "thesis.txt").exists()


@pytest.mark.parametrize("wrong", [{"per_class": 0}, {"size": 8}, {"seed": -1}])
def test_bad_arguments_are_refused(tmp_path: Path, wrong: dict[str, int]):
    with pytest.raises(DatasetError, match="cannot be made"):
        make_sample(tmp_path / "cells", **wrong)


def test_progress_and_cancelling(tmp_path: Path):
    told: list[tuple[int, int]] = []
    make_sample(tmp_path / "cells", per_class=2, size=32, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 10) for done in range(11)]
    with pytest.raises(ScanCancelled):
        make_sample(tmp_path / "other", per_class=2, size=32, cancelled=lambda: True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("size", [16, 75, 299])
def test_every_size_can_be_drawn(kind: str, size: int):
    image = draw_cell(kind, size, np.random.default_rng(1))
    assert (image.shape, image.dtype) == ((size, size, 3), np.uint8)
    assert image.std() > 10


def test_drawing_is_fast():
    rng = np.random.default_rng(0)
    draw_cell("basophil", 128, rng)
    start = time.process_time()
    for _ in range(20):
        for kind in CLASSES:
            draw_cell(kind, 128, rng)
    assert 100 / (time.process_time() - start) > 50  # images a second of CPU; far below what an idle machine does
