"""Validation images in another source's looks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.cache import cache_path, open_cache
from core.data.sample import make_sample
from core.data.scan import scan
from core.learning import model
from core.learning.learner import Learner
from core.learning.swaps import SWAP, jpeg_tables, lenders_for, swapped, swapped_images
from core.learning.worker import _in_other_looks, load_data
from tests.core.data.test_cell_mask import PEACH, WHITE, picture
from tests.core.learning.test_training import SMALL

OWN, LENDER = picture(PEACH, [(48, 48)]), picture(WHITE, [(40, 44), (58, 52)])


def test_lenders_come_from_another_source_and_no_source_crowds_out_another() -> None:
    sources = dict.fromkeys(range(1000), "here") | dict.fromkeys(range(1000, 1300), "large") | {1300: "small"}
    lenders = lenders_for(range(1000), range(1000, 1301), sources)
    assert lenders == lenders_for(range(1000), range(1000, 1301), sources)
    count = Counter(sources[lender] for lender in lenders.values())
    assert count["here"] == 0
    assert count["small"] == pytest.approx(500, abs=80)


def test_an_image_of_unknown_source_and_one_without_another_source_are_left_out() -> None:
    assert lenders_for([0, 1], [2, 3], {1: "a", 2: "a", 3: "a"}) == {}
    assert lenders_for([0, 1], [2, 3], {1: "a", 2: "b"}) == {1: 2}


def test_the_colours_become_the_lenders_and_the_shape_stays() -> None:
    out = swapped(OWN, LENDER, None)
    assert out[90, 5].tolist() == list(WHITE)
    assert np.abs(np.sort(out[..., 0].ravel()).astype(int) - np.sort(LENDER[..., 0].ravel())).mean() < 6
    assert out[48, 48, 1] < 100 < out[70, 48, 1]
    assert np.array_equal(swapped(OWN, OWN, None), OWN)


def test_the_lenders_jpeg_tables_are_put_on(tmp_path: Path) -> None:
    Image.fromarray(LENDER).save(tmp_path / "low.jpg", quality=20)
    Image.fromarray(LENDER).save(tmp_path / "plain.png")
    tables = jpeg_tables(tmp_path / "low.jpg")
    assert tables is not None
    assert jpeg_tables(tmp_path / "plain.png") is None
    assert jpeg_tables(tmp_path / "gone.jpg") is None
    assert not np.array_equal(swapped(OWN, LENDER, tables), swapped(OWN, LENDER, None))


def test_rows_and_images_belong_together(tmp_path: Path) -> None:
    images = np.stack([OWN, LENDER, OWN])
    rows, changed = swapped_images(images, {2: 1, 0: 1}, lambda row: tmp_path / f"{row}.jpg")
    assert rows.tolist() == [0, 2]
    assert np.array_equal(changed[0], swapped(OWN, LENDER, None))
    rows, changed = swapped_images(images, {}, lambda row: tmp_path)
    assert rows.tolist() == []
    assert changed.shape == (0, 96, 96, 3)


@pytest.mark.parametrize("known", [True, False])
def test_a_trial_is_judged_in_other_looks_where_two_sources_are_known(tmp_path: Path, known: bool) -> None:
    root = make_sample(tmp_path / "sample", per_class=8, size=40, seed=0)
    files = sorted(path.relative_to(root) for path in root.glob("*/*.png"))
    if known:  # the first two classes from one hospital, the others from another
        first = sorted({file.parent for file in files})[:2]
        lines = [f"{file},{'north' if file.parent in first else 'south'}" for file in files]
        (root / "manifest.csv").write_text("\n".join(["file,source", *lines]))
    dataset = scan(root, work=tmp_path / "work", seed=0)
    open_cache(dataset, 32, tmp_path / "cache")
    data = load_data(dataset, cache_path(dataset, 32, tmp_path / "cache"), [0.5] * 3, [0.5] * 3)
    learner = Learner(model.build("resnet10t", 5, None, 0), SMALL)
    found = _in_other_looks(learner, dataset, data, SMALL, lambda *_: None)
    assert list(found) == ([SWAP] if known else [])
    if known:
        assert found[SWAP].rows.tolist() == data.splits["val"].tolist()
        assert found[SWAP].true.tolist() == data.labels[data.splits["val"]].tolist()
