"""The audit as a job: planted shortcuts found, none cleared, resumed, cancelled, redone where sources changed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import jobs, statements
from core.data.dataset import Dataset
from core.data.importing import import_data
from core.evaluation import auditing
from core.evaluation.audit import Audit, AuditError
from core.evaluation.audit_words import FEATURES, SHORTCUTS
from core.evaluation.auditing import Outcome, is_audited, recorded, run_audit, start_in_background
from store import queries
from store.ingest import Ingestor
from store.journal import HOME_JOURNAL, replay
from tests.core.evaluation.shortcuts import make_set
from tests.store.tools import empty_store


def by_class(name: str, _source: str) -> tuple[int, int, int]:
    return (140, 110, 120) if name == "left" else (110, 110, 150)


def by_source(_name: str, source: str) -> tuple[int, int, int]:
    return (140, 110, 120) if source == "north" else (110, 110, 150)


def imported(folder: Path, **options: Any) -> tuple[Path, Dataset]:
    return folder / "home", import_data(folder / "home", make_set(folder / "cells", **options))


def audited(home: Path, dataset: Dataset, **options: Any) -> Outcome:
    with jobs.running(home, "audit", dataset.dataset_id) as job:
        return run_audit(home, dataset, job, **options)


def of(outcome: Outcome, target: str) -> dict[str, Audit]:
    return {audit.feature: audit for audit in outcome.audits if audit.target == target}


def test_a_planted_shortcut_is_found(tmp_path: Path):
    outcome = audited(*imported(tmp_path, tint=by_class))
    classes, sources = of(outcome, "class"), of(outcome, "source")
    assert list(classes) == list(sources) == list(FEATURES)
    for feature in ("histogram", "corners", "border"):
        assert classes[feature].accuracy > 0.95, feature
        assert sources[feature].low <= 0.5, feature  # the tint says nothing of the source
    assert classes["histogram"].n == 80
    assert outcome.notes == ()


def test_a_source_that_shows_is_found_and_a_set_without_a_shortcut_is_cleared(tmp_path: Path):
    """What the classes are is seen in the thumbnail alone: it shows the cell a little."""
    outcome = audited(*imported(tmp_path, tint=by_source, each=30))
    classes, sources = of(outcome, "class"), of(outcome, "source")
    for feature in SHORTCUTS:
        assert classes[feature].low <= 0.5, feature
        assert abs(classes[feature].accuracy - 0.5) < 0.15, feature
    assert classes["thumbnail"].accuracy > 0.95
    for feature in ("histogram", "corners", "border"):
        assert sources[feature].accuracy > 0.95, feature


def test_each_baseline_is_in_the_store_with_its_figures(tmp_path: Path):
    home, dataset = imported(tmp_path, tint=by_class, each=10)
    outcome = audited(home, dataset, seed=3)
    connection = empty_store()
    Ingestor(connection, home).poll()
    rows = queries.audits(connection.cursor(), dataset.dataset_id)
    assert list(zip(rows["target"], rows["feature"], strict=True)) == [
        (target, feature) for target in ("class", "source") for feature in FEATURES
    ]
    for row, audit in zip(rows.to_dict("records"), outcome.audits, strict=True):
        for name in ("feature", "target", "n", "n_right", "accuracy", "low", "high", "chance", "folds", "seed"):
            assert row[name] == getattr(audit, name), name
        assert tuple(row["confusion"]) == audit.confusion
        assert tuple(row["labels"]) == audit.labels
    state = queries.jobs(connection.cursor(), dataset.dataset_id, "audit").iloc[0]
    assert (state["status"], state["done"], state["total"]) == ("COMPLETE", 10, 10)
    assert "predicts the class with accuracy 1.000 (chance 0.500)" in state["message"]


def test_what_is_recorded_is_not_done_again_unless_asked_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home, dataset = imported(tmp_path, each=10)
    first = audited(home, dataset)
    assert first.made == 10
    assert is_audited(home, dataset.dataset_id)
    again = audited(home, dataset)
    assert again.made == 0
    assert again.audits == first.audits
    assert audited(home, dataset, seed=1).made == 10
    same = audited(home, dataset, seed=1, again=True)
    assert same.made == 10
    assert [one.confusion for one in same.audits] == [
        recorded(home, dataset.dataset_id)[one.feature, one.target][0].confusion for one in same.audits
    ]
    monkeypatch.setattr(auditing, "METHOD_VERSION", 2)
    assert not is_audited(home, dataset.dataset_id)
    assert audited(home, dataset, seed=1).made == 10


def test_a_cancelled_audit_keeps_what_it_has_and_goes_on_from_there(tmp_path: Path):
    home, dataset = imported(tmp_path, each=10)

    def tell(stage: str, done: int, _total: int) -> None:
        if stage == "predict the class" and done == 3:
            jobs.cancel(home, "audit", dataset.dataset_id)

    with pytest.raises(jobs.JobCancelled):
        audited(home, dataset, tell=tell)
    kept = recorded(home, dataset.dataset_id)
    assert set(kept) == {("histogram", "class"), ("corners", "class"), ("border", "class")}
    assert not is_audited(home, dataset.dataset_id)
    outcome = audited(home, dataset)
    assert outcome.made == 7
    assert outcome.audits[0] == kept["histogram", "class"][0]


def test_reading_can_be_cancelled(tmp_path: Path):
    home, dataset = imported(tmp_path, each=20)
    with pytest.raises(jobs.JobCancelled):
        audited(home, dataset, tell=lambda *_: jobs.cancel(home, "audit", dataset.dataset_id))
    assert recorded(home, dataset.dataset_id) == {}


def test_sources_that_nobody_names_are_guessed_and_audited(tmp_path: Path):
    home, dataset = imported(
        tmp_path, manifest=False, quality={"north": 60, "south": 95}.__getitem__, prefix="x{source[0]}"
    )
    outcome = audited(home, dataset)
    guess = {told.source for told in outcome.told.values()}
    assert guess == {"names xn..., JPEG quality 60", "names xs..., JPEG quality 95"}
    assert {told.by for told in outcome.told.values()} == {"guess"}
    assert of(outcome, "source")["file"].accuracy == 1.0  # of the quality that it was guessed by, too
    assert of(outcome, "class")["file"].low <= 0.5
    assert audited(home, dataset).made == 0  # and nothing is guessed again
    assert sum(record["kind"] == "image_sources" for record in replay(home, HOME_JOURNAL)) == 1


def test_a_guess_never_overwrites_a_person_and_an_edit_audits_the_source_anew(tmp_path: Path):
    home, dataset = imported(tmp_path, manifest=False, quality={"north": 60, "south": 95}.__getitem__)
    first = audited(home, dataset)
    statements.set_sources(home, dataset.dataset_id, {0: "elsewhere", 1: None})
    edited = audited(home, dataset)
    assert edited.made == 5  # source alone
    assert (edited.told[0].source, edited.told[0].by) == ("elsewhere", "person")
    assert "The source 'elsewhere' has fewer than 5 images and is not audited." in edited.notes
    assert of(edited, "source")["file"].n == first.audits[0].n - 2
    again = audited(home, dataset, again=True)
    assert (again.told[0].source, again.told[1].source, again.told[1].by) == ("elsewhere", None, "person")
    connection = empty_store()
    Ingestor(connection, home).poll()
    rows = queries.image_sources(connection.cursor(), dataset.dataset_id).set_index("image_id")
    assert rows.loc[0, "source"] == "elsewhere"
    assert rows["told_by"].value_counts().to_dict() == {"guess": 78, "person": 2}


def test_one_source_leaves_the_class_to_be_audited(tmp_path: Path):
    outcome = audited(*imported(tmp_path, sources=("north",), each=12))
    assert {audit.target for audit in outcome.audits} == {"class"}
    assert outcome.notes == ("There are fewer than two sources to tell apart.",)


def test_more_images_than_are_needed_are_not_all_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(auditing, "MAX_IMAGES", 40)
    outcome = audited(*imported(tmp_path))
    assert [audit.n for audit in outcome.audits] == [40] * 10
    assert outcome.audits[0].chance == 0.5
    assert outcome.notes == ("40 of 80 images were audited, the classes in proportion.",)


def test_nothing_to_tell_apart_is_a_sentence(tmp_path: Path):
    home, dataset = imported(tmp_path, sources=("north",), each=12)
    left = tuple(image for image in dataset.images if image.class_ == "left")
    with pytest.raises(AuditError, match=r"fewer than two classes .* fewer than two sources"):
        audited(home, replace(dataset, images=left))


def test_an_audit_starts_in_the_background_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home, dataset = imported(tmp_path, each=8)
    start_in_background(home, dataset.dataset_id)  # switched off for all tests
    time.sleep(0.2)
    assert not (home / "jobs").exists()
    monkeypatch.delenv("CELLASCENT_AUDIT")
    start_in_background(home, dataset.dataset_id)
    until = time.monotonic() + 200  # a process that gives way to all others
    while not is_audited(home, dataset.dataset_id) or jobs.job_pid(home, "audit", dataset.dataset_id) is not None:
        assert time.monotonic() < until, jobs.log_of(home, "audit", dataset.dataset_id).read_text()
        time.sleep(0.1)
    started: list[str] = []
    monkeypatch.setattr(jobs, "start", lambda _home, _kind, subject, _arguments: started.append(subject))
    start_in_background(home, dataset.dataset_id)
    start_in_background(home, "d-other")
    until = time.monotonic() + 10
    while not started and time.monotonic() < until:
        time.sleep(0.02)
    assert started == ["d-other"]


def test_what_hinders_it_does_not_reach_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CELLASCENT_AUDIT")
    asked: list[str] = []

    def refuse(_home: Path, _kind: str, subject: str, _arguments: list[str]) -> None:
        asked.append(subject)
        raise jobs.JobError("Process 1 does this already.")

    monkeypatch.setattr(jobs, "start", refuse)
    start_in_background(tmp_path, "d-1")
    until = time.monotonic() + 10
    while not asked and time.monotonic() < until:
        time.sleep(0.02)
    assert asked == ["d-1"]
