"""Where images come from: told by manifests and persons, guessed where nobody tells, and never from the class alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import statements
from core.data.dataset import ImageRecord
from core.data.scan import scan
from core.data.sources import (
    Signs,
    Told,
    class_table,
    guess_sources,
    known_inside,
    known_sources,
    notes_of,
    patient_column,
    told_sources,
)
from store.journal import JournalWriter, journal_folder
from tests.core.evaluation.shortcuts import make_set


def signs(name: str, class_: str, n: int, size: tuple[int, int] = (100, 100), quality: int = 0) -> list[Signs]:
    return [Signs(f"{class_}/{name}_{index:03d}.jpg", class_, *size, quality) for index in range(n)]


def test_names_of_one_source_are_alike():
    inside = ["PBC (Barcelona, Acevedo 2020) CC BY 4.0", "AML-Cytomorphology_LMU (Munich, Matek 2019)", "Lyon"]
    assert known_inside(["munich", "pbc", "LYON", "Bar", "2"], inside) == {
        "munich": [inside[1]], "pbc": [inside[0]], "LYON": ["Lyon"],
    }  # fmt: skip
    assert known_inside(["site Lyon", "...", ""], [*inside, "--"]) == {"site Lyon": ["Lyon"]}


def test_notes_of_a_manifest_are_counted_by_source(tmp_path: Path):
    (tmp_path / "manifest.csv").write_text("file,note\na/1.png,scaled\na/2.png,scaled\na/3.png,raw\ngone.png,x\n")
    assert notes_of(tmp_path, {"a/1.png": "m", "a/2.png": "m", "a/3.png": None}) == {"": {"raw": 1}, "m": {"scaled": 2}}
    assert notes_of(tmp_path / "none", {"a/1.png": "m"}) == {}


def test_sizes_and_qualities_tell_two_hospitals_apart():
    """As in the study's classes: letters name the class, size and quality the hospital."""
    images = [
        *signs("BA", "basophil", 20, (360, 363), 75), *signs("MO", "monocyte", 18, (360, 363), 76),
        *signs("MO", "monocyte", 2, (366, 369), 75), *signs("MYO", "myeloblast", 20, (400, 400), 95),
    ]  # fmt: skip
    found = guess_sources(images)
    assert set(found[:40]) == {"360 x 363 px, JPEG quality 75"}
    assert set(found[40:]) == {"400 x 400 px, JPEG quality 95"}


def test_names_count_where_they_are_not_the_class():
    images = [*signs("north", "a", 9), *signs("north", "b", 9), *signs("south", "a", 9), *signs("south", "b", 9)]
    assert guess_sources(images) == ["names north..."] * 18 + ["names south..."] * 18
    abbreviations = [*signs("BA", "a", 9), *signs("MO", "b", 9)]
    assert guess_sources(abbreviations) == [None] * 18


def test_only_what_differs_names_a_source_and_rare_signs_name_none():
    images = [*signs("x", "a", 30, quality=75), *signs("x", "b", 30), *signs("x", "b", 3, quality=30)]
    assert guess_sources(images) == ["JPEG quality 75"] * 30 + ["no JPEG"] * 30 + [None] * 3


def test_alike_images_and_crops_of_any_size_tell_nothing():
    assert guess_sources(signs("x", "a", 50)) == [None] * 50
    assert guess_sources([]) == []
    crops = [Signs(f"a/x_{side}.png", "a", side, side, 0) for side in range(20, 2000, 40) for _ in range(3)]
    assert guess_sources(crops) == [None] * len(crops)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from([90, 100, 200]), st.sampled_from([0, 50, 95])), max_size=60
    )
)
def test_a_guess_depends_on_the_signs_and_is_two_sources_or_none(rows: list[tuple[str, int, int]]):
    images = [Signs(f"{c}/{i}.png", c, side, side, quality) for i, (c, side, quality) in enumerate(rows)]
    found = guess_sources(images)
    by_sign = {(one.width, one.quality): source for one, source in zip(images, found, strict=True)}
    assert [by_sign[one.width, one.quality] for one in images] == found
    named = [source for source in found if source is not None]
    assert not named or len(set(named)) >= 2
    assert all(named.count(source) >= 5 for source in named)


def test_the_latest_word_of_a_person_counts_over_guess_and_manifest(tmp_path: Path):
    dataset = scan(make_set(tmp_path / "cells", each=8), work=tmp_path / "work")
    assert set(known_sources(dataset).values()) == {"north", "south"}
    home = tmp_path / "home"
    assert told_sources(home, dataset)[0].by == "manifest"
    statements.set_sources(home, dataset.dataset_id, {0: "east ", 1: "", 999: "nowhere"})
    statements.set_sources(home, "d-other", {2: "east"})
    told = told_sources(home, dataset)
    assert told[0] == Told("east", "person")
    assert told[1] == Told(None, "person")
    assert told[2].by == "manifest"
    assert 999 not in told
    statements.set_sources(home, dataset.dataset_id, {0: "west"})
    assert told_sources(home, dataset)[0].source == "west"


def test_a_guess_of_nothing_does_not_hide_what_a_manifest_says(tmp_path: Path):
    dataset = scan(make_set(tmp_path / "cells", each=8), work=tmp_path / "work")
    writer = JournalWriter(journal_folder(tmp_path / "home"), "guess")
    columns = {"image_id": [0], "source": [None]}
    writer.append("image_sources", dataset_id=dataset.dataset_id, told_by="guess", columns=columns)
    assert told_sources(tmp_path / "home", dataset)[0].by == "manifest"


def test_no_image_is_no_statement(tmp_path: Path):
    with pytest.raises(statements.StatementError, match="at least one image"):
        statements.set_sources(tmp_path, "d-1", {})


def test_which_class_comes_from_which_source():
    images = [
        ImageRecord(place, f"{name}/{place}", name, "train", None, None, None, None, 1, 1)
        for place, name in enumerate("aabb")
    ]
    assert class_table({0: "s", 1: "r", 2: "s", 3: None}, images) == {"r": {"a": 1}, "s": {"a": 1, "b": 1}}


def test_a_patient_column_is_found(tmp_path: Path):
    assert patient_column(tmp_path) is None
    (tmp_path / "manifest.csv").write_text("file,source\n")
    assert patient_column(tmp_path) is None
    (tmp_path / "manifest.csv").write_text('\ufefffile,"Patient_ID"\n', encoding="utf-8")
    assert patient_column(tmp_path) == "Patient_ID"
