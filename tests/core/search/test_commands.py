"""Commands from outside: refused when they make no sense, small files when they do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.learning.settings import SettingsError
from core.locks import try_lock
from core.paths import search_lock
from core.search import commands
from core.search.commands import (
    CommandError,
    commanded,
    delete,
    launch,
    repeat_command,
    request_cancel,
    request_stop,
    resume,
)
from core.search.settings import SearchSettings, preset
from store.journal import journal_files, read_records


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []

    class Process:
        def wait(self) -> int:
            return 0

    def spawn(module: list[str], *_args: object, **_options: object) -> Process:
        calls.append(module)
        return Process()

    monkeypatch.setattr(commands, "spawn", spawn)
    return calls


def test_launch_starts_a_controller_with_the_settings(tmp_path: Path, spawned: list[list[str]]) -> None:
    search_id = launch(tmp_path, preset("quick"))
    [call] = spawned
    assert call[:2] == ["core", "search"]
    assert call[-1] == search_id
    settings = Path(call[call.index("--settings") + 1])
    assert '"preset": "quick"' in settings.read_text()


def test_launch_refuses_unusable_settings(tmp_path: Path, spawned: list[list[str]]) -> None:
    with pytest.raises(SettingsError):
        launch(tmp_path, dataclasses.replace(preset("quick"), epochs=0))
    assert not spawned


def test_stop_and_cancel_need_a_running_search(tmp_path: Path) -> None:
    for command in (request_stop, request_cancel):
        with pytest.raises(CommandError, match="Nothing runs search s-1 now"):
            command(tmp_path, "s-1")
    lock = try_lock(search_lock(tmp_path, "s-1"))
    assert lock is not None
    request_stop(tmp_path, "s-1")
    assert commanded(tmp_path, "s-1") == "stop"
    request_cancel(tmp_path, "s-1")
    assert commanded(tmp_path, "s-1") == "cancel"
    lock.release()


def test_resume_and_delete_refuse_a_running_search(tmp_path: Path, spawned: list[list[str]]) -> None:
    lock = try_lock(search_lock(tmp_path, "s-1"))
    assert lock is not None
    for command in (resume, delete):
        with pytest.raises(CommandError, match="being run by process"):
            command(tmp_path, "s-1")
    lock.release()
    resume(tmp_path, "s-1")
    assert spawned[0][-2:] == ["--resume", "s-1"]
    delete(tmp_path, "s-1")
    records = [record for path in journal_files(tmp_path) for record in read_records(path)[0]]
    assert [(record["kind"], record["search_id"]) for record in records] == [("tombstone", "s-1")]


def test_the_repeat_command_quotes_what_needs_it() -> None:
    settings = SearchSettings(data="my cells", seed=3)
    assert repeat_command(settings).startswith("python -m core search --preset published --data 'my cells'")
    assert "--seed 3" in repeat_command(settings)
