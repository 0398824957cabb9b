"""Notes in the home folder on who has the store and who wants it; advisory, DuckDB's lock decides."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from pathlib import Path

from store.journal import write_durably
from store.liveness import process_alive

OWNER, REQUEST = "owner.json", "owner.request"


def note_owner(home: Path, kind: str) -> None:
    """This process has the store; an app that has it wants it no more."""
    with contextlib.suppress(OSError):
        write_durably(home / OWNER, json.dumps(_me() | {"kind": kind}).encode())
        if kind == "app":
            withdraw(home)


def forget_owner(home: Path) -> None:
    """This process lets go of the store."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        if json.loads((home / OWNER).read_text())["pid"] == os.getpid():
            (home / OWNER).unlink()


def ask(home: Path) -> None:
    """Ask who has the store to step aside for this process. Raises OSError."""
    write_durably(home / REQUEST, json.dumps(_me()).encode())


def withdraw(home: Path) -> None:
    """Ask no more. Raises OSError."""
    (home / REQUEST).unlink(missing_ok=True)


def asked(home: Path) -> bool:
    """Whether a living app wants the store; a request that a dead one left behind is none."""
    try:
        request = json.loads((home / REQUEST).read_text())
        return process_alive(int(request["pid"]), str(request["host"])) is not False
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _me() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": platform.node()}
