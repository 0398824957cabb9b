"""Other processes around the store: a Python process with some code, and what tests say to it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from store import queries
from store.journal import JournalWriter
from store.owner import StoreOwner

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """A Python process that runs `code` with the store imported; ended when the test ends."""

    def __init__(self, code: str, *arguments: Any) -> None:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        self.popen = subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE
        )  # fmt: skip

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def end(self, number: int = signal.SIGKILL) -> tuple[int, str]:
        self.popen.send_signal(number)
        _, errors = self.popen.communicate(timeout=30)
        return self.popen.returncode, errors


HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""
OWNER = """
import sys
from pathlib import Path
from store.owner import shared
owner = shared(Path(sys.argv[1]), sys.argv[2])
print(owner.state, flush=True)
sys.stdin.read()
"""


def say_epoch(journal: JournalWriter, epoch: int) -> None:
    journal.append("epoch", trial_id="s-1.x", search_id="s-1", epoch=epoch, splits={"val": {"loss": 0.5}})


def epochs(owner: StoreOwner, trial_id: str = "s-1.x") -> list[int]:
    return list(queries.epochs(owner.cursor(), [trial_id], ["val"])["epoch"])
