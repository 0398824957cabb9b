"""Which journals have grown: cheap enough to ask twenty times a second, with thousands of finished files around."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

HOT_SECONDS = 30.0  # a file that grew within this time is looked at on every call
SWEEP_SECONDS = 2.0  # all others, and folders whose clock may have hidden a new file, this often


@dataclass
class _File:
    size: int = -1
    grown_at: float = float("-inf")


class Tail:
    """Follows home/journals. Files are named relative to it, with '/' between folder and file."""

    def __init__(self, home: Path) -> None:
        self.root = home / "journals"
        self._prefix = f"{self.root}{os.sep}"  # paths as text: a Path for each of thousands costs more than its stat
        self._files: dict[str, _File] = {}
        self._folder_times: dict[str, int] = {}
        self._swept_at = float("-inf")

    def grown(self, *, everything: bool = False) -> dict[str, int]:
        """Files whose size differs from the last call's answer, with their size in bytes, in the order of names.

        With `everything` no file is skipped for having been quiet; without, growth of a quiet one may be told
        up to SWEEP_SECONDS late.
        """
        now, clock = time.monotonic(), time.time()
        sweep = everything or now - self._swept_at >= SWEEP_SECONDS
        if sweep:
            self._swept_at = now
        self._find_new(sweep)
        grown = {}
        for name, file in list(self._files.items()):
            if not sweep and now - file.grown_at > HOT_SECONDS:
                continue
            try:
                state = os.stat(f"{self._prefix}{name}")  # noqa: PTH116
            except OSError:  # deleted since
                del self._files[name]
                continue
            if state.st_size != file.size:
                # What is seen for the first time may be long finished: a large home is not hot when it is opened.
                age = max(0.0, clock - state.st_mtime) if file.size < 0 else 0.0
                file.size, file.grown_at = state.st_size, now - age
                grown[name] = state.st_size
        return dict(sorted(grown.items()))

    def _find_new(self, sweep: bool) -> None:
        now = time.monotonic()
        for folder in _folders(self.root):
            changed_at = _changed_at(self.root / folder)
            if not sweep and self._folder_times.get(folder) == changed_at:
                continue
            self._folder_times[folder] = changed_at
            for name in _journals(self.root / folder):
                self._files.setdefault(f"{folder}/{name}", _File(grown_at=now))


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _journals(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.name.endswith(".jsonl") and entry.is_file()]
    except FileNotFoundError:
        return []


def _changed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return -1
