"""Which journals are looked at often, and which now and then."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from store.tail import HOT_SECONDS, Tail


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("store.tail.SWEEP_SECONDS", 3600.0)
    (tmp_path / "journals" / "s-1").mkdir(parents=True)
    return tmp_path


def _write(home: Path, name: str, text: str, age: float = 0.0) -> None:
    """Append, and leave the file as if that was so many seconds ago."""
    file = home / "journals" / "s-1" / name
    with file.open("a") as out:
        out.write(text)
    os.utime(file, (time.time() - age, time.time() - age))


def test_a_journal_that_was_just_written_is_looked_at_on_every_call(home: Path) -> None:
    _write(home, "fresh.jsonl", "12")
    tail = Tail(home)
    assert tail.grown() == {"s-1/fresh.jsonl": 2}

    _write(home, "fresh.jsonl", "3")

    assert tail.grown() == {"s-1/fresh.jsonl": 3}


def test_a_journal_that_ended_long_ago_is_told_once_and_then_left_alone(home: Path) -> None:
    _write(home, "old.jsonl", "12", age=HOT_SECONDS + 60)
    tail = Tail(home)
    assert tail.grown() == {"s-1/old.jsonl": 2}

    _write(home, "old.jsonl", "3")

    assert tail.grown() == {}  # until the next sweep
    assert tail.grown(everything=True) == {"s-1/old.jsonl": 3}
    _write(home, "old.jsonl", "4")
    assert tail.grown() == {"s-1/old.jsonl": 4}  # it has grown, so it is looked at often again


def test_a_file_from_the_future_is_no_longer_hot_than_one_of_now(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(home, "ahead.jsonl", "12", age=-3600)
    tail = Tail(home)
    tail.grown()

    _write(home, "ahead.jsonl", "3", age=-3600)
    assert tail.grown() == {"s-1/ahead.jsonl": 3}

    later = time.monotonic() + HOT_SECONDS + 1
    monkeypatch.setattr("store.tail.time.monotonic", lambda: later)
    _write(home, "ahead.jsonl", "4", age=-3600)
    assert tail.grown() == {}


def test_a_file_from_the_future_that_never_grew_cools_down_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(home, "ahead.jsonl", "12", age=-3600)
    tail = Tail(home)
    tail.grown()
    later = time.monotonic() + HOT_SECONDS + 1
    monkeypatch.setattr("store.tail.time.monotonic", lambda: later)

    _write(home, "ahead.jsonl", "3", age=-3600)

    assert tail.grown() == {}
