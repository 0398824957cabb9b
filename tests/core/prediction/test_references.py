"""Reference cells are found by cosine similarity within a class, and belong to the weights beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.prediction.references import (
    ARRAYS,
    FACTS,
    References,
    ReferencesError,
    load_references,
    save_references,
    whole_references,
)

FEATURES = np.array([[2.0, 0, 0], [0, 5, 0], [3, 3, 0], [0, 0, 1], [1, 0.1, 0], [0, 0, 0]], np.float32)
IDS, CLASSES = [10, 11, 12, 13, 14, 15], ["b", "a", "b", "a", "b", "a"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights.json").write_text('{"sha256": "w"}')
    return tmp_path


def loaded(folder: Path) -> References:
    found = load_references(folder)
    assert found is not None
    return found


def test_the_nearest_of_each_class_come_in_order(folder: Path):
    saved = save_references(folder, FEATURES, IDS, CLASSES)
    for references in (saved, loaded(folder)):
        near = references.nearest(np.array([7.0, 0, 0]), "b", 3)
        assert [image_id for image_id, _ in near] == [10, 14, 12]
        assert [similar for _, similar in near] == pytest.approx([1, 1 / np.hypot(1, 0.1), np.sqrt(0.5)], abs=1e-3)
        assert references.nearest(np.array([0, 0, 0.1]), "a", 2) == [(13, 1.0), (11, 0.0)]
        assert len(references.nearest(np.ones(3), "a", 9)) == 3
        assert references.nearest(np.ones(3), "none of them", 3) == []
        assert references.features.dtype == np.float16
    assert loaded(folder).sha256 == saved.sha256


def test_they_agree_with_the_plain_computation(folder: Path):
    rng = np.random.default_rng(0)
    features, query = rng.normal(size=(200, 64)), rng.normal(size=64)
    classes = ["x" if one else "y" for one in rng.integers(0, 2, 200)]
    near = save_references(folder, features, range(200), classes).nearest(query, "x", 5)
    cosine = features @ query / np.linalg.norm(features, axis=1) / np.linalg.norm(query)
    own = [index for index in np.argsort(-cosine) if classes[index] == "x"][:5]
    assert [image_id for image_id, _ in near] == own
    assert [similar for _, similar in near] == pytest.approx(cosine[own], abs=2e-3)


def test_features_of_another_network_are_refused(folder: Path):
    references = save_references(folder, FEATURES, IDS, CLASSES)
    with pytest.raises(ReferencesError, match="3 features each, the image has 4"):
        references.nearest(np.ones(4), "a", 1)


def test_what_does_not_belong_together_is_not_written(folder: Path):
    for features, ids, classes in ((FEATURES, IDS[:2], CLASSES), (FEATURES[:0], [], []), (FEATURES[0], IDS, CLASSES)):
        with pytest.raises(ReferencesError, match="one row of features"):
            save_references(folder, features, ids, classes)
    with pytest.raises(ReferencesError, match="no numbers"):
        save_references(folder, FEATURES * np.nan, IDS, CLASSES)
    (folder / "weights.json").unlink()
    with pytest.raises(ReferencesError, match="no usable weights"):
        save_references(folder, FEATURES, IDS, CLASSES)
    assert list(folder.iterdir()) == []


def test_damage_and_other_weights_are_told(folder: Path):
    assert load_references(folder) is None
    save_references(folder, FEATURES, IDS, CLASSES)
    whole = (folder / ARRAYS).read_bytes()
    (folder / ARRAYS).write_bytes(whole[:-1])
    with pytest.raises(ReferencesError, match="does not match"):
        load_references(folder)
    assert whole_references(folder) is None
    (folder / ARRAYS).write_bytes(whole)
    (folder / "weights.json").write_text('{"sha256": "other"}')
    with pytest.raises(ReferencesError, match="other weights"):
        load_references(folder)
    (folder / FACTS).write_text("[")
    with pytest.raises(ReferencesError, match="cannot be read"):
        load_references(folder)
