"""Suspected label errors: planted ones are found, clean sets stay clean, folds keep groups, cautions are said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.data.dataset import DatasetError
from core.evaluation.label_check import association, caution, check_labels, folds_of, moved, out_of_fold, worth

NAMES = ["basophil", "erythroblast", "monocyte"]


def separable(n: int = 300, d: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features (n, d) of three well separated classes, their labels, and a group an image."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    features = rng.normal(size=(n, d)) + 6 * np.eye(3, d)[labels]
    return features, labels, [f"g-{i}" for i in range(n)]


@pytest.mark.parametrize("seed", range(3))
def test_planted_wrong_labels_are_found_and_few_others(seed: int):
    features, labels, groups = separable(seed=seed)
    rng = np.random.default_rng(seed + 100)
    wrong = rng.choice(len(labels), size=15, replace=False)  # 5 %
    given = labels.copy()
    given[wrong] = (labels[wrong] + rng.integers(1, 3, size=15)) % 3
    found = check_labels(features, given, groups, NAMES)
    hits = np.isin(found.places, wrong)
    assert hits.sum() >= 12
    assert (~hits).sum() <= 3
    assert (found.suggested[hits] == labels[found.places[hits]]).mean() > 0.9
    assert found.n == 300
    assert found.accuracy == pytest.approx(0.95, abs=0.02)
    assert (np.diff(found.confidence) >= 0).all()  # the least believed first
    assert ((found.confidence >= 0) & (found.confidence < 0.5)).all()
    assert (found.suggested != given[found.places]).all()


def test_more_features_than_images_do_not_hide_planted_errors():
    features, labels, groups = separable(n=150)
    many = np.repeat(features, 40, axis=1) + np.random.default_rng(9).normal(size=(150, 800))
    given = labels.copy()
    given[:7] = (labels[:7] + 1) % 3
    found = check_labels(many, given, groups, NAMES)
    assert np.isin(np.arange(7), found.places).sum() >= 5
    assert (found.places >= 7).sum() <= 3


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_separable_set_is_left_alone(seed: int):
    found = check_labels(*separable(seed=seed), NAMES)
    assert found.accuracy > 0.98
    assert len(found.places) <= 3


def test_each_image_is_predicted_once_by_what_has_not_seen_its_group():
    features, labels, groups = separable(n=60)
    groups = [f"g-{i // 6}-{label}" for i, label in enumerate(labels)]  # two images a group
    parts = folds_of(labels, groups, NAMES, seed=0)
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(60))
    for train, test in parts:
        assert not {groups[i] for i in train} & {groups[i] for i in test}
    told: list[tuple[str, int, int]] = []
    probabilities = out_of_fold(features, labels, groups, NAMES, tell=lambda *words: told.append(words))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(60))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[0][1:] == (0, 60)
    assert told[-1][1:] == (60, 60)


def test_a_copy_cannot_vouch_for_a_wrong_label():
    """Copies under one wrong label: in other folds they would teach it, in their own nothing does."""
    rng = np.random.default_rng(0)
    features, labels, groups = separable(n=150)
    copies = rng.choice(np.flatnonzero(labels == 0), size=8, replace=False)
    features[copies] = features[copies[0]]
    given = labels.copy()
    given[copies] = 2
    apart = out_of_fold(features, given, groups, NAMES)[copies, 2].mean()
    for place in copies:
        groups[place] = "g-copies"
    together = out_of_fold(features, given, groups, NAMES)[copies, 2].mean()
    assert together < 0.2
    assert together < apart / 2


def test_fewer_folds_where_a_class_has_few_groups_and_a_sentence_where_it_has_one():
    labels = np.array([0] * 20 + [1] * 20 + [2] * 3)
    groups = [str(i) for i in range(43)]
    assert len(folds_of(labels, groups, NAMES, 0)) == 3
    groups[41] = groups[42] = groups[40]
    with pytest.raises(DatasetError, match="Class 'monocyte' has 1 different usable image; labels"):
        folds_of(labels, groups, NAMES, 0)


def test_a_class_that_a_fold_has_not_learnt_gets_no_probability():
    """A group of two classes may take all of a class into one fold."""
    features, labels, groups = separable(n=40)
    labels = labels % 2
    labels[:2] = 2
    groups[0], groups[1] = "mixed", "other"
    probabilities = out_of_fold(features, labels, groups, NAMES)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(40))


def test_cancelling_between_folds_ends_it():
    class Left(Exception):
        pass

    asked: list[int] = []

    def leave() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise Left

    with pytest.raises(Left):
        check_labels(*separable(n=60), NAMES, leave=leave)


def test_the_folds_depend_on_the_seed_alone():
    data: tuple[Any, ...] = separable(n=90)
    first, again, other = (check_labels(*data, NAMES, seed=seed) for seed in (1, 1, 2))
    assert first.confidence.tolist() == again.confidence.tolist()
    parts = [[test.tolist() for _, test in folds_of(data[1], data[2], NAMES, seed)] for seed in (1, 2)]
    assert parts[0] != parts[1]
    assert other.n == 90


def test_a_caution_where_class_and_source_are_confounded():
    classes = ["a", "a", "b", "b", "c", "c"] * 5
    assert caution(classes, [None] * 30) is not None
    assert "not known" in str(caution(classes, [None] * 30))
    assert caution(classes, ["one"] * 30) is None
    assert caution(classes, ["x", "y"] * 15) is None
    told = caution(classes, ["x" if name == "a" else "y" for name in classes])
    assert told is not None
    assert "V 1.00" in told
    assert "same source" in told
    assert association([("a", "x"), ("b", "x")]) == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("basophil/1.png", "monocyte/1.png"),
        ("train/basophil/basophil/1.png", "train/monocyte/basophil/1.png"),
        ("elsewhere/basophil", "elsewhere/basophil"),
    ],
)
def test_where_a_file_belongs_if_the_suggestion_is_right(path: str, expected: str):
    assert moved(path, "basophil", "monocyte") == expected


def test_a_classifier_at_chance_says_that_its_suspicions_mean_nothing():
    assert "always naming the largest class (25.0 %)" in worth(15, 60, 15)
    assert worth(55, 60, 15) == "A weak classifier makes weak suspicions."
