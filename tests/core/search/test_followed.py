"""Journals that are followed: each record once, only what is asked for, across files that grow and go."""

from __future__ import annotations

from pathlib import Path

from core.search.followed import Followed, latest
from store.journal import JournalWriter, journal_files, journal_folder


def test_each_record_is_there_once_however_often_one_looks(tmp_path: Path):
    followed = Followed(tmp_path, "_home", ("fusion",))
    assert followed.records() == []
    first, second = (JournalWriter(journal_folder(tmp_path), name) for name in ("a", "b"))
    first.append("fusion", fusion_id="f-1", removed=False, name="one")
    first.append("reading", reading_id="r-1")
    assert [record["name"] for record in followed.records()] == ["one"]
    second.append("fusion", fusion_id="f-2", removed=False, name="two")
    first.append("fusion", fusion_id="f-1", removed=False, name="one, renamed")
    assert sorted(record["name"] for record in followed.records()) == ["one", "one, renamed", "two"]
    assert len(followed.records()) == 3
    found = {record["fusion_id"]: record["name"] for record in latest(followed.records(), "fusion")}
    assert found == {"f-1": "one, renamed", "f-2": "two"}
    second.append("fusion", fusion_id="f-2", removed=True, name="two")
    assert [record["fusion_id"] for record in latest(followed.records(), "fusion")] == ["f-1"]
    first.close()
    next(file for file in journal_files(tmp_path, "_home") if file.name.startswith("a")).unlink()
    assert {record["fusion_id"] for record in followed.records()} == {"f-2"}
