"""Owners and other processes that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from store import owner as owner_module
from store.owner import StoreOwner
from tests.store.processes import Process


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_module, "RETRY_SECONDS", 0.2)


@pytest.fixture
def started() -> Iterator[Callable[..., StoreOwner]]:
    owners = []

    def start(home: Path, kind: str = "app") -> StoreOwner:
        owners.append(StoreOwner(home, kind))
        owners[-1].start()
        return owners[-1]

    yield start
    for owner in owners:
        owner.close()


@pytest.fixture
def process() -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def start(code: str, *arguments: Any) -> Process:
        running.append(Process(code, *arguments))
        return running[-1]

    yield start
    for one in running:
        if one.popen.poll() is None:
            one.end()
        for pipe in (one.popen.stdin, one.popen.stdout, one.popen.stderr):
            if pipe is not None:
                pipe.close()
