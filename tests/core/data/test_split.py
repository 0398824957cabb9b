"""The split: whole groups, exact counts, decided by content and seed alone."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.data.dataset import DEFAULT_FRACTIONS, PUBLISHED_FRACTIONS, SPLITS, DatasetError
from core.data.split import cap, check_fractions, share_out, split_groups

GROUP_SIZES = st.lists(st.integers(1, 5), min_size=4, max_size=40)


def build(sizes: dict[str, list[int]]) -> tuple[list[str], list[str]]:
    """Labels and groups of images from the group sizes of each class."""
    labels, groups = [], []
    for label, numbers in sizes.items():
        for index, number in enumerate(numbers):
            labels += [label] * number
            groups += [f"{label}-{index}"] * number
    return labels, groups


def test_published_counts_are_exact():
    labels, groups = build({"a": [1] * 1000, "b": [1] * 1000})
    split = split_groups(labels, groups, PUBLISHED_FRACTIONS, seed=3)
    for label in "ab":
        found = Counter(s for s, one in zip(split, labels, strict=True) if one == label)
        assert found == {"train": 700, "val": 150, "test": 150}


@pytest.mark.parametrize(("n", "expected"), [(100, (60, 10, 15, 15)), (300, (180, 30, 45, 45)), (4, (1, 1, 1, 1))])
def test_default_counts_are_exact(n: int, expected: tuple[int, ...]):
    split = Counter(split_groups(*build({"a": [1] * n}), DEFAULT_FRACTIONS, seed=0))
    assert tuple(split[name] for name in SPLITS) == expected


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), GROUP_SIZES, min_size=1), st.integers(0, 5), st.randoms())
def test_groups_never_straddle_and_order_does_not_matter(
    sizes: dict[str, list[int]], seed: int, shuffler: random.Random
):
    labels, groups = build(sizes)
    split = split_groups(labels, groups, DEFAULT_FRACTIONS, seed)
    homes: dict[str, set[str]] = {}
    for group, name in zip(groups, split, strict=True):
        homes.setdefault(group, set()).add(name)
    assert all(len(names) == 1 for names in homes.values())
    for label in sizes:  # every class is in every split
        assert {s for s, one in zip(split, labels, strict=True) if one == label} == set(SPLITS)
    order = list(range(len(labels)))
    shuffler.shuffle(order)
    again = split_groups([labels[i] for i in order], [groups[i] for i in order], DEFAULT_FRACTIONS, seed)
    assert [split[i] for i in order] == again


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=12, max_size=40))
def test_counts_are_as_close_as_groups_allow(sizes: list[int]):
    labels, groups = build({"a": sizes})
    found = Counter(split_groups(labels, groups, DEFAULT_FRACTIONS, seed=1))
    for name, fraction in DEFAULT_FRACTIONS.items():
        assert abs(found[name] - fraction * len(labels)) <= max(sizes)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=0, max_size=12), st.integers(25, 60))
def test_single_images_make_the_counts_exact(large: list[int], singles: int):
    sizes = [*large, *[1] * singles]
    assume(max(large, default=1) * 4 <= 0.1 * sum(sizes) * 3)
    labels, groups = build({"a": sizes})
    found = Counter(split_groups(labels, groups, DEFAULT_FRACTIONS, seed=1))
    wanted = share_out(len(labels), DEFAULT_FRACTIONS)
    assert {name: found[name] for name in SPLITS} == wanted


def test_seed_decides_and_repeats():
    labels, groups = build({"a": [1] * 50, "b": [2] * 30})
    first = split_groups(labels, groups, DEFAULT_FRACTIONS, 1)
    assert first == split_groups(labels, groups, DEFAULT_FRACTIONS, 1)
    assert first != split_groups(labels, groups, DEFAULT_FRACTIONS, 2)


def test_a_group_of_two_classes_stays_together():
    labels = ["a"] * 10 + ["b"] * 10
    groups = [f"a{i}" for i in range(10)] + ["a0", *(f"b{i}" for i in range(9))]
    split = split_groups(labels, groups, DEFAULT_FRACTIONS, 0)
    assert split[0] == split[10]


def test_too_few_images_are_said_with_the_folder():
    with pytest.raises(DatasetError, match=r"'b' has 3 different usable images.*train, calibration, val, test"):
        split_groups(*build({"a": [1] * 9, "b": [2, 2, 1]}), DEFAULT_FRACTIONS, 0)
    with pytest.raises(DatasetError, match=r"'b' has 1 different usable image,"):
        split_groups(*build({"a": [1] * 9, "b": [1]}), DEFAULT_FRACTIONS, 0)


@pytest.mark.parametrize(
    ("fractions", "says"),
    [
        ({"train": 0.8, "validation": 0.2}, "no split 'validation'"),
        ({"train": 0.8, "val": 0.3}, "sum to 1"),
        ({"train": 1.2, "val": -0.2}, "must not be negative"),
        ({"train": 0.8, "test": 0.2}, "train and val more than 0"),
        ({"val": 0.8, "test": 0.2}, "train and val more than 0"),
    ],
)
def test_unusable_fractions_are_refused(fractions: dict[str, float], says: str):
    with pytest.raises(DatasetError, match=says):
        check_fractions(fractions)


def test_missing_fractions_are_zero():
    assert check_fractions({"train": 0.8, "val": 0.2}) == {"train": 0.8, "calibration": 0, "val": 0.2, "test": 0}


@settings(deadline=None)
@given(st.integers(0, 500), st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_shares_are_whole_and_sum_up(total: int, shares: list[float]):
    found = share_out(total, {str(place): share for place, share in enumerate(shares)})
    assert sum(found.values()) == total
    assert min(found.values()) >= (1 if total >= len(shares) else 0)


def test_cap_keeps_proportions_and_ignores_order():
    strata = ["train"] * 80 + ["test"] * 20
    keys = [f"k{i}" for i in range(100)]
    kept = cap(strata, keys, 10, seed=0)
    assert Counter(strata[i] for i in kept) == {"train": 8, "test": 2}
    again = cap(strata[::-1], keys[::-1], 10, seed=0)
    assert {keys[i] for i in kept} == {keys[::-1][i] for i in again}
    assert {keys[i] for i in kept} != {keys[i] for i in cap(strata, keys, 10, seed=1)}
    assert cap(strata, keys, 100, seed=0) == list(range(100))
