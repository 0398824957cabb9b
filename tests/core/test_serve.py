"""`make run`: a search is launched once, resumed when it was interrupted, and a taken port is named."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from core import serve
from core.learning.settings import SettingsError
from core.locks import try_lock
from core.paths import search_folder, search_lock
from core.search.settings import SearchSettings, preset
from core.serve import check_port, ensure_search
from store.journal import JournalWriter, journal_folder

QUICK = preset("quick")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def launch(_home: Path, _settings: SearchSettings) -> str:
        made.append("launch")
        return "s-new"

    monkeypatch.setattr(serve, "launch", launch)
    monkeypatch.setattr(serve, "resume", lambda _home, search_id: made.append(f"resume {search_id}"))
    return made


def recorded(home: Path, status: str) -> None:
    search_folder(home, "s-1").mkdir(parents=True)
    journal = JournalWriter(journal_folder(home, "s-1"), "controller")
    journal.append("search", search_id="s-1", name="x", settings=QUICK.to_json())
    journal.append("search_event", search_id="s-1", attempt=1, status=status)


def test_the_first_run_launches_a_search(tmp_path: Path, calls: list[str]) -> None:
    assert ensure_search(tmp_path, QUICK) == "Search s-new starts."
    assert calls == ["launch"]


def test_an_interrupted_search_goes_on(tmp_path: Path, calls: list[str]) -> None:
    recorded(tmp_path, "RUNNING")
    assert ensure_search(tmp_path, QUICK) == "Search s-1 was interrupted and goes on."
    assert calls == ["resume s-1"]


def test_a_running_or_ended_search_is_left_alone(tmp_path: Path, calls: list[str]) -> None:
    recorded(tmp_path, "RUNNING")
    lock = try_lock(search_lock(tmp_path, "s-1"))
    assert lock is not None
    assert ensure_search(tmp_path, QUICK) == "Search s-1 is running."
    lock.release()
    JournalWriter(journal_folder(tmp_path, "s-1"), "controller", 2).append(
        "search_event", search_id="s-1", attempt=2, status="COMPLETE"
    )
    assert "is complete" in ensure_search(tmp_path, QUICK)
    assert not calls


def test_other_data_get_a_search_of_their_own(tmp_path: Path, calls: list[str]) -> None:
    recorded(tmp_path, "COMPLETE")
    ensure_search(tmp_path, dataclasses.replace(QUICK, data="/elsewhere"))
    assert calls == ["launch"]


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is in use.*make run PORT={port + 1}"):
            check_port(port)
