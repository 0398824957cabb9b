"""Reading data with duplicates: groups stay in one split, leaks and label conflicts are said, pairs are kept."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.data.dataset import PUBLISHED_FRACTIONS, Dataset, ImageRecord, dataset_records, describe
from core.data.groups import united
from core.data.importing import import_data
from core.data.pairs import EVERYTHING, NEAR, OVERLAP, conflicts, leak_sentence
from core.data.phash import SYMMETRIES
from core.data.scan import scan
from core.paths import dataset_file
from store.journal import HOME_JOURNAL, replay
from tests.core.data.fields import crop, field, jpeg, save, turn

SIDE = 80


def strangers(root: Path, folders: list[str], count: int, first: int = 100) -> None:
    """`count` pictures of different fields in each folder."""
    for number, folder in enumerate(folders):
        for place in range(count):
            save(field(first + 50 * number + place, SIDE, SIDE, 6), root / folder / f"{place}.png")


def leaking(root: Path) -> Path:
    """Given splits with a turned copy of a test image in train, and crops of one field in train and val."""
    strangers(root, [f"{split}/{name}" for split in ("train", "val", "test") for name in "ab"], 4)
    copied = field(1, SIDE, SIDE, 6)
    save(copied, root / "test" / "a" / "original.png")
    save(turn(copied, "rot90"), root / "train" / "a" / "turned.png")
    whole = field(2, 200, 200, 20)
    save(crop(whole, 0, 0, 110), root / "val" / "b" / "left.png")
    save(crop(whole, 10, 40, 110), root / "train" / "b" / "right.png")
    save(crop(whole, 20, 60, 110), root / "train" / "b" / "further.png")
    return root


@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.data())
def test_groups_stay_in_one_split_whatever_their_kind(data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        strangers(root, ["a", "b"], 6)
        wanted = []
        for number in range(data.draw(st.integers(1, 3))):
            name, seed = data.draw(st.sampled_from("ab")), 10 + number
            whole = field(seed, 170, 170, 16)
            first = crop(whole, 20, 20, 100)
            save(first, root / name / f"x{number}.png")
            shift = data.draw(st.tuples(st.integers(-20, 30), st.integers(5, 30)))
            other = {
                "turned": turn(first, data.draw(st.sampled_from(list(SYMMETRIES)[1:]))),
                "encoded": jpeg(first, data.draw(st.integers(20, 95))),
                "crop": crop(whole, 20 + shift[0], 20 + shift[1], 100),
            }[data.draw(st.sampled_from(["turned", "encoded", "crop"]))]
            save(other, root / name / f"y{number}.png")
            wanted.append((f"{name}/x{number}.png", f"{name}/y{number}.png"))
        dataset = scan(root, work=root / "work", seed=data.draw(st.integers(0, 3)))
        found = {image.path: image for image in dataset.usable}
        for one, other in wanted:
            assert found[one].group_id == found[other].group_id
        splits: dict[str | None, set[str | None]] = {}
        for image in dataset.usable:
            splits.setdefault(image.group_id, set()).add(image.split)
        assert all(len(names) == 1 for names in splits.values())
        assert len(splits) == len(dataset.usable) - len(wanted)  # nothing else was put together
        assert dataset.leaks() == {}


def test_leaks_across_given_splits_are_said_and_not_removed(tmp_path: Path):
    dataset = scan(leaking(tmp_path / "data"), work=tmp_path, fractions=PUBLISHED_FRACTIONS)
    assert dataset.bad == ()
    assert dataset.leaks() == {("test", "train"): 1, ("val", "train"): 2}
    text = describe(dataset)
    assert "4 pairs of images show the same cells (1 the same picture again, 3 overlapping crops), in 2 groups" in text
    assert "Leak: 3 pairs of images" in text
    assert "test and train 1, val and train 2" in text
    lines = text.splitlines()
    assert any("test/a/original.png (test)" in line and "train/a/turned.png (train)" in line for line in lines)
    assert dataset.searched == EVERYTHING


def test_no_leak_no_sentence():
    assert leak_sentence({}) == ""
    assert leak_sentence({("test", "train"): 1}).startswith("Leak: 1 pair of images that show the same cells lies in")


def test_one_picture_under_two_labels_is_said(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, ["a", "b"], 5)
    first = field(1, SIDE, SIDE, 6)
    save(first, root / "a" / "one.png")
    save(turn(first, "flip"), root / "b" / "other.png")
    dataset = scan(root, work=tmp_path)
    (pair,) = conflicts(dataset.images, dataset.pairs)
    assert (pair.kind, pair.transform) == (NEAR, "flip")
    text = describe(dataset)
    assert "1 pairs show the same picture under two classes" in text
    assert "a/one.png" in text


def test_equal_pixels_are_paired_once(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, ["a", "b"], 5)
    first = field(1, SIDE, SIDE, 6)
    for name in ("one", "two", "three"):
        save(first, root / "a" / f"{name}.png")
    save(jpeg(first, 60), root / "a" / "encoded.png")
    dataset = scan(root, work=tmp_path)
    (pair,) = dataset.pairs
    group = {dataset.images[pair.image_a].group_id, dataset.images[pair.image_b].group_id}
    assert len([image for image in dataset.usable if image.group_id in group]) == 4
    assert len(group) == 1


def test_ids_depend_on_content_only(tmp_path: Path):
    first = scan(leaking(tmp_path / "data"), work=tmp_path, fractions=PUBLISHED_FRACTIONS)
    elsewhere = tmp_path / "elsewhere"
    for path in (tmp_path / "data").rglob("*.png"):
        target = elsewhere / path.parent.relative_to(tmp_path / "data") / f"z{path.stem[::-1]}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    again = scan(elsewhere, work=tmp_path, fractions=PUBLISHED_FRACTIONS)
    assert again.dataset_id == first.dataset_id
    assert again.pairs == first.pairs
    assert [image.group_id for image in again.usable] == [image.group_id for image in first.usable]


def test_pairs_are_saved_and_recorded_and_older_descriptions_load(tmp_path: Path):
    dataset = scan(leaking(tmp_path / "data"), work=tmp_path, fractions=PUBLISHED_FRACTIONS)
    dataset.save(tmp_path / "d.json")
    assert Dataset.load(tmp_path / "d.json") == dataset
    (payload,) = [payload for kind, payload in dataset_records(dataset) if kind == "duplicate_pairs"]
    assert sorted(payload["columns"]["kind"]) == [NEAR, OVERLAP, OVERLAP, OVERLAP]
    facts = json.loads((tmp_path / "d.json").read_text())
    del facts["pairs"], facts["searched"]
    (tmp_path / "old.json").write_text(json.dumps(facts))
    old = Dataset.load(tmp_path / "old.json")
    assert (old.pairs, old.searched, old.images) == ((), "", dataset.images)


def test_an_older_description_is_renewed_by_an_import(tmp_path: Path):
    home, root = tmp_path / "home", leaking(tmp_path / "data")
    dataset = import_data(home, root, fractions=PUBLISHED_FRACTIONS)
    file = dataset_file(home, dataset.dataset_id)
    facts = json.loads(file.read_text())
    del facts["pairs"], facts["searched"]
    file.write_text(json.dumps(facts))
    import_data(home, root, fractions=PUBLISHED_FRACTIONS)
    assert Dataset.load(file).pairs == dataset.pairs
    kinds = [record["kind"] for record in replay(home, HOME_JOURNAL)]
    assert kinds.count("duplicate_pairs") == 2
    import_data(home, root, fractions=PUBLISHED_FRACTIONS)
    assert len(list(replay(home, HOME_JOURNAL))) == len(kinds)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.randoms())
def test_union_is_the_closure_of_the_pairs(pairs: list[tuple[int, int]], shuffler: object):
    images = [
        ImageRecord(i, f"{i}.png", "a", None, None, f"{i:064x}", f"g-{i:016x}", None, None, None) for i in range(10)
    ]
    joined = united(images, [(f"{a:064x}", f"{b:064x}") for a, b in pairs])
    reach = {i: {i} for i in range(10)}
    for _ in range(10):
        for a, b in pairs:
            both = reach[a] | reach[b]
            for member in both:
                reach[member] = reach[member] | both
    for one in joined:
        together = {int(other.path[:-4]) for other in joined if other.group_id == one.group_id}
        assert together == reach[int(one.path[:-4])]
    backwards = united(images[::-1], [(f"{b:064x}", f"{a:064x}") for a, b in pairs[::-1]])
    assert {image.path: image.group_id for image in backwards} == {image.path: image.group_id for image in joined}


def test_a_class_of_copies_only_is_refused_with_the_reason(tmp_path: Path):
    root = tmp_path / "data"
    strangers(root, ["a"], 6)
    first = field(1, SIDE, SIDE, 6)
    for place, name in enumerate(SYMMETRIES):
        save(turn(first, name), root / "b" / f"{place}.png")
    with pytest.raises(
        ValueError, match=r"'b' has 1 different usable image, .*copies and crops of one field count once"
    ):
        scan(root, work=tmp_path)
