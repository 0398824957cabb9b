"""Pictures that show the same cells: turned, mirrored, encoded anew, overlapping; and pictures that do not."""

from __future__ import annotations

import csv
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.cells import draw_cell
from core.data.dataset import ScanCancelled
from core.data.duplicates import find_pairs, looked_for, search_words
from core.data.fingerprint import Fingerprint, fingerprint
from core.data.overlaps import confirm
from core.data.pairs import EVERYTHING, NEAR, NOTHING, OVERLAP, WHOLE, DuplicatePair
from core.data.phash import BITS, MANY, SYMMETRIES, Close, close, hashes, turned
from core.data.scan import scan
from tests.core.data.fields import Picture, crop, field, jpeg, turn

CLASSES = ("basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil")


def pairs_of(pictures: list[Picture], searched: str = EVERYTHING) -> list[DuplicatePair]:
    prints = [fingerprint(picture) for picture in pictures]
    return find_pairs(prints, searched, lambda done, total: None, lambda: None).pairs


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_every_symmetry_is_found_and_named(symmetry: str):
    first = crop(field(1), 20, 40, 180)
    (pair,) = pairs_of([first, jpeg(turn(first, symmetry), 70)])
    assert (pair.kind, pair.transform, pair.dx, pair.dy) == (NEAR, symmetry, 0, 0)
    assert pair.distance is not None
    assert pair.distance <= 8
    assert pair.correlation > 0.9


@pytest.mark.parametrize("quality", [10, 30, 60, 95])
def test_encoding_anew_is_found(quality: int):
    first = crop(field(2), 0, 0, 200)
    (pair,) = pairs_of([first, jpeg(turn(first, "mirror"), quality)])
    assert (pair.kind, pair.transform) == (NEAR, "mirror")


def test_a_picture_of_another_size_is_found():
    first = crop(field(3), 0, 0, 240)
    small = first.reshape(120, 2, 120, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    assert [pair.kind for pair in pairs_of([first, small])] == [NEAR]


@pytest.mark.parametrize("shift", [(0, 40), (25, 0), (30, 35), (-20, 45), (50, -15)])
@pytest.mark.parametrize("side", [110, 200])
def test_crops_of_one_field_are_found_with_their_shift(side: int, shift: tuple[int, int]):
    dy, dx = (value * side // 130 for value in shift)
    whole = field(4 + side, 420, 420, 90)
    (pair,) = pairs_of([jpeg(crop(whole, 100, 100, side), 85), jpeg(crop(whole, 100 + dy, 100 + dx, side), 60)])
    assert (pair.kind, pair.transform, pair.distance) == (OVERLAP, None, None)
    assert pair.dy == pytest.approx(dy / side, abs=0.03)
    assert pair.dx == pytest.approx(dx / side, abs=0.03)


def test_crops_of_different_sizes_are_found():
    whole = field(5, 420, 420, 90)
    (pair,) = pairs_of([crop(whole, 60, 60, 200), np.ascontiguousarray(whole[90:250, 110:320])])
    assert (pair.kind, pair.dy, pair.dx) == (OVERLAP, pytest.approx(0.15, abs=0.02), pytest.approx(0.25, abs=0.02))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_unrelated_pictures_of_one_kind_are_no_pairs(seed: int):
    rng = np.random.default_rng(seed)
    cells = [draw_cell(CLASSES[seed % 5], 96, rng) for _ in range(4)]
    fields = [field(seed + place, 120, 120, 12) for place in range(1, 5)]
    assert pairs_of(cells) == []
    assert pairs_of(fields) == []


def test_what_all_pictures_share_makes_no_pairs():
    """A round mask, as a microscope's aperture gives it, is no reason to take two pictures for one."""
    y, x = np.mgrid[:160, :160]
    outside = np.hypot(y - 80, x - 80) > 70
    pictures = [field(50 + seed, 160, 160, 16) for seed in range(12)]
    for picture in pictures:
        picture[outside] = 0
    assert pairs_of(pictures) == []


def test_empty_and_tiny_pictures_are_no_pairs():
    grey = [np.full((100, 100, 3), value, np.uint8) for value in (0, 200, 201, 255)]
    assert pairs_of([*grey, np.zeros((1, 1, 3), np.uint8), np.zeros((1, 300, 3), np.uint8)]) == []
    assert pairs_of([]) == []


def test_the_hash_of_a_turned_picture_is_that_of_the_symmetry():
    thumb = fingerprint(crop(field(6), 0, 0, 128)).thumb
    every = hashes(thumb[None])[0]
    for place, name in enumerate(SYMMETRIES):
        assert int(np.bitwise_count(hashes(turned(thumb, name)[None])[0, 0] ^ every[place])) <= 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**BITS), min_size=2, max_size=1 + MANY // 8), st.integers(0, 4))
def test_close_hashes_are_those_of_a_plain_comparison(values: list[int], most: int):
    found = np.array([[value * 97 % 64 + place for place in range(8)] for value in values], np.uint64)
    result: Close = close(found, most, lambda done: None)
    wanted = {
        (a, b, place) for a, b in combinations(range(len(values)), 2) for place in range(8)
        if int(found[a, place] ^ found[b, 0]).bit_count() <= most
    }  # fmt: skip
    assert set(zip(result.a.tolist(), result.b.tolist(), result.symmetry.tolist(), strict=True)) == wanted


def test_of_too_many_look_alikes_the_closest_are_kept_and_the_rest_is_said():
    """Equal hashes by the hundred: pairs stay in proportion to the pictures, copies stay connected, and it is told."""
    rng = np.random.default_rng(3)
    found = rng.integers(0, 2**63, (40, 8)).astype(np.uint64)
    found = np.concatenate([np.repeat(found[:1], 300, axis=0), found[1:]])
    result = close(found, 4, lambda done: None)
    assert len(result.a) <= MANY * len(found)
    assert set(result.crowded.tolist()) == set(range(300 - MANY - 1))
    kept = set(zip(result.a.tolist(), result.b.tolist(), strict=True))
    assert {(place, place + 1) for place in range(299)} <= kept
    assert len(close(found[300 - MANY - 1 :], 4, lambda done: None).crowded) == 0


def test_the_closest_of_many_are_those_with_the_fewest_bits():
    found = np.full((MANY + 3, 8), 2**64 - 1, np.uint64)
    found[:, 0] = [0, *[7] * (MANY - 1), 0, 1, 0]
    result = close(found, 3, lambda done: None)
    first = result.a == 0
    of_first = dict(zip(result.b[first].tolist(), result.distance[first].tolist(), strict=True))
    assert len(of_first) == MANY
    assert (of_first[MANY], of_first[MANY + 1], of_first[MANY + 2]) == (0, 1, 0)


def test_blank_pictures_crowd_nothing_out():
    first = crop(field(1), 0, 0, 120)
    blank = [np.full((80, 80, 3), 200 + place % 7, np.uint8) for place in range(120)]
    found = find_pairs(
        [fingerprint(one) for one in [*blank, first, jpeg(turn(first, "flip"), 80)]], WHOLE, lambda done, total: None,
        lambda: None,
    )  # fmt: skip
    assert [(pair.image_a, pair.image_b) for pair in found.pairs] == [(120, 121)]
    assert found.crowded == 0
    assert "bounded: 3 images are so like" in search_words(EVERYTHING, 10, 3)
    assert "bounded" not in search_words(EVERYTHING, 10)


def test_pairs_between_two_sets_leave_out_those_within_each():
    whole = field(5, 420, 420, 90)
    one = crop(whole, 100, 100, 200)
    near, moved, stranger = jpeg(turn(one, "rot90"), 80), crop(whole, 130, 160, 200), crop(field(77), 0, 0, 200)
    pictures = [one, stranger, jpeg(one, 60), near, moved, jpeg(moved, 50)]
    prints = [fingerprint(picture) for picture in pictures]
    every = find_pairs(prints, EVERYTHING, lambda done, total: None, lambda: None).pairs
    for between in range(len(pictures) + 1):
        found = find_pairs(prints, EVERYTHING, lambda done, total: None, lambda: None, between).pairs
        assert found == [pair for pair in every if pair.image_a < between <= pair.image_b]
    assert {(pair.image_a, pair.image_b) for pair in every if pair.image_a < 1} == {(0, 2), (0, 3), (0, 4), (0, 5)}


def test_a_shift_that_is_none_is_not_confirmed():
    first, second = (fingerprint(crop(field(seed), 0, 0, 120)) for seed in (7, 8))
    assert confirm(first, second, 3, -4) is None
    assert confirm(first, first, 119, 119) is None


def test_what_is_looked_for_depends_on_the_number_of_files_and_is_said():
    assert [looked_for(number) for number in (0, 40_000, 40_001, 120_000, 120_001)] == [
        EVERYTHING, EVERYTHING, WHOLE, WHOLE, NOTHING,
    ]  # fmt: skip
    first = crop(field(9, 420, 420, 90), 50, 50, 150)
    other = crop(field(9, 420, 420, 90), 80, 90, 150)
    assert pairs_of([first, other], WHOLE) == []
    assert pairs_of([first, jpeg(first, 50)], NOTHING) == []
    assert "not for overlapping crops" in search_words(WHOLE, 50_000)
    assert "Only equal pixels" in search_words(NOTHING, 200_000)
    assert "Only identical pixels were looked for" in search_words("", 10)


def test_progress_rises_and_cancelling_ends_it():
    prints = [fingerprint(field(seed, 100, 100, 8)) for seed in range(8)]
    told: list[tuple[int, int]] = []
    find_pairs(prints, EVERYTHING, lambda done, total: told.append((done, total)), lambda: None)
    assert told == sorted(told)
    assert told[-1] == (8, 8)

    def leave() -> None:
        raise ScanCancelled("cancelled")

    with pytest.raises(ScanCancelled):
        find_pairs(prints, EVERYTHING, lambda done, total: None, leave)


def test_a_pair_turns_around_with_its_images():
    pair = DuplicatePair(5, 2, NEAR, "rot90", 3, 0.9, 0.25, -0.5)
    assert pair.ordered() == DuplicatePair(2, 5, NEAR, "rot270", 3, 0.9, -0.25, 0.5)
    assert pair.ordered().ordered() == pair.ordered()


def test_real_duplicates_and_crops_are_all_grouped(real_data: Path, tmp_path: Path):
    defects = real_data / "defects"
    listed = list(csv.DictReader((defects / "pairs.csv").open()))
    for row in listed:
        for name in (row["file_a"], row["file_b"]):
            folder = tmp_path / "data" / row["label"]
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(defects / row["kind"] / name, folder)
    strangers = sorted((real_data / "blood5").rglob("*.jpg"))
    for place in np.random.default_rng(4).choice(len(strangers), 60, replace=False):
        target = tmp_path / "data" / strangers[place].parent.name
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(strangers[place], target)
    dataset = scan(tmp_path / "data", work=tmp_path / "work")
    by_name = {Path(image.path).name: image for image in dataset.usable}
    for row in listed:
        assert by_name[row["file_a"]].group_id == by_name[row["file_b"]].group_id, row
    known = {name for row in listed for name in (row["file_a"], row["file_b"])}
    paired = {dataset.images[one].path for pair in dataset.pairs for one in (pair.image_a, pair.image_b)}
    assert {Path(path).name for path in paired} <= known  # no stranger among them


def test_a_fingerprint_without_its_field_is_only_the_whole():
    one: Fingerprint = fingerprint(crop(field(1), 0, 0, 150), with_field=False)
    assert (one.thumb.shape, one.field.size) == ((64, 64), 0)
