"""Cross-validated baselines: a planted shortcut is found, noise is cleared, copies do not leak, equal seeds agree."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.evaluation.audit import Audit, AuditError, cross_validate, plan
from core.evaluation.intervals import wilson


def audit(rows: np.ndarray, labels: list[str], groups: list[str] | None = None, seed: int = 0) -> Audit:
    names = groups or [str(place) for place in range(len(labels))]
    return cross_validate("histogram", rows.astype(np.float32), plan("class", labels, names), seed)


def noise(n: int, width: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def test_a_planted_shortcut_is_found_with_its_figures():
    labels = ["a", "b", "b"] * 40
    rows = noise(120)
    rows[:, 3] += 8 * (np.array(labels) == "a")
    found = audit(rows, labels)
    assert found.n == 120
    assert found.accuracy > 0.98
    assert found.accuracy == found.n_right / 120
    assert (found.low, found.high) == wilson(found.n_right, 120)
    assert found.chance == pytest.approx(2 / 3)
    assert found.labels == ("a", "b")
    assert found.folds == 5
    matrix = np.array(found.confusion).reshape(2, 2)
    assert matrix.sum(axis=1).tolist() == [40, 80]
    assert np.trace(matrix) == found.n_right


def test_noise_is_cleared():
    found = [audit(noise(200, seed=seed), ["a", "b"] * 100) for seed in range(6)]
    assert all(one.low <= 0.5 for one in found)
    assert sum(one.low <= 0.5 <= one.high for one in found) >= 5
    assert abs(np.mean([one.accuracy for one in found]) - 0.5) < 0.05


def test_copies_of_one_group_do_not_leak():
    """Four copies of each of 40 pieces of noise: whoever has seen a copy knows the label, whoever has not does not."""
    rows = np.repeat(noise(40, width=60), 4, axis=0)
    labels = ["a" if place // 4 % 2 else "b" for place in range(160)]
    together = [str(place // 4) for place in range(160)]
    assert audit(rows, labels).accuracy > 0.9
    assert audit(rows, labels, together).accuracy < 0.7


def test_out_of_fold_predictions_are_those_of_a_classifier_that_has_not_seen_the_fold():
    """The same by hand, with scikit-learn's own cross_val_predict."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = ["a", "b", "c"] * 30
    rows = noise(90) + np.arange(90)[:, None] % 3 * 0.5
    groups = np.arange(90) // 2
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=3)
    predicted = cross_val_predict(model, rows.astype(np.float32).astype(float), labels, groups=groups, cv=folds)
    found = audit(rows, labels, [f"{group:03d}" for group in groups], seed=3)  # their names sort as their numbers do
    assert found.confusion == tuple(confusion_matrix(labels, predicted).ravel())


def test_the_same_seed_gives_the_same_audit_and_another_seed_other_folds():
    labels, rows = ["a", "b"] * 60, noise(120)
    one, two, other = (audit(rows, labels, seed=seed) for seed in (4, 4, 5))
    assert one.confusion == two.confusion
    assert one.confusion != other.confusion


def test_fewer_folds_where_a_class_has_few_groups_and_none_of_one_group():
    groups = ["1", "1", "2", "3", *map(str, range(10, 30)), "40", "40", "40"]
    labels = ["few"] * 4 + ["many"] * 20 + ["single"] * 3
    made = plan("class", labels, groups)
    assert made.folds == 3
    assert set(made.labels) == {"few", "many"}
    assert made.left_out == ("The class 'single' has one group of equal images only and is not audited.",)
    found = cross_validate("histogram", noise(27).astype(np.float32), made, 0)
    assert (found.n, found.folds, found.labels) == (24, 3, ("few", "many"))


def test_images_without_a_label_and_small_labels_take_no_part():
    labels: list[str | None] = ["a"] * 6 + [None] * 3 + ["b"] * 6 + ["c"] * 4
    made = plan("source", labels, [str(place) for place in range(19)], fewest=5)
    assert made.places.tolist() == [*range(6), *range(9, 15)]
    assert made.left_out == ("The source 'c' has fewer than 5 images and is not audited.",)


@pytest.mark.parametrize("labels", [["a"] * 6, [None] * 6, ["a"] * 5 + ["b"]])
def test_one_label_is_nothing_to_tell_apart(labels: list[str | None]):
    with pytest.raises(AuditError, match="fewer than two sources to tell apart"):
        plan("source", labels, list("123456"))


def test_the_basis_changes_with_labels_and_groups():
    labels: list[str | None] = ["a", "a", "b", "b", "b", None]
    groups = list("123456")
    basis = plan("class", labels, groups).basis()
    assert plan("class", list(labels), list(groups)).basis() == basis
    assert plan("class", ["a", "b", "b", "b", "a", None], groups).basis() != basis
    assert plan("class", ["a", "a", "b", "b", "b", "b"], groups).basis() != basis
    assert plan("class", labels, list("123455")).basis() == basis  # the last image takes no part
    assert plan("class", labels, list("123346")).basis() != basis
