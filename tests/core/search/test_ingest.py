"""While a search runs, an ingest process is started where nobody has the store."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from core.search import ingest
from core.search.ingest import KeepIngesting, owned


def say(home: Path, pid: int, host: str | None = None) -> None:
    (home / "owner.json").write_text(json.dumps({"pid": pid, "kind": "app", "host": host or platform.node()}))


def test_a_store_is_owned_while_the_named_process_lives(tmp_path: Path) -> None:
    assert not owned(tmp_path)
    say(tmp_path, os.getpid())
    assert owned(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    say(tmp_path, gone.pid)
    assert not owned(tmp_path)
    say(tmp_path, os.getpid(), host="another")
    assert not owned(tmp_path)
    (tmp_path / "owner.json").write_text("{")
    assert not owned(tmp_path)


@pytest.mark.parametrize(("pid", "starts"), [(None, 1), (os.getpid(), 0)], ids=["nobody", "somebody"])
def test_it_starts_one_only_where_nobody_has_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: int | None, starts: int
) -> None:
    calls: list[list[str]] = []

    class Process:
        def poll(self) -> None:
            return None

    def spawn(module: list[str], *_: object, **__: object) -> Process:
        calls.append(module)
        return Process()

    monkeypatch.setattr(ingest, "spawn", spawn)
    if pid is not None:
        say(tmp_path, pid)
    with KeepIngesting(tmp_path):
        pass
    assert len(calls) == starts
    assert all(call[:2] == ["core", "store"] for call in calls)
