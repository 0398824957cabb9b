"""How far a command is, on the terminal: one line that is written over, or a line a stage where nobody watches."""

from __future__ import annotations

import sys
import time
from typing import TextIO

BETWEEN = 0.1  # s between two writings of the line


class ProgressLine:
    """Told (stage, done, total); a total of 0 is not known. `close` ends the line, so that what follows has its own."""

    def __init__(self, stream: TextIO | None = None, units: str = "images") -> None:
        self._stream = stream or sys.stderr
        self._units = units
        self._over = self._stream.isatty()
        self._stage: str | None = None
        self._written_at, self._width = 0.0, 0

    def tell(self, stage: str, done: int, total: int, more: str = "") -> None:
        """What is being done, how many of `total` units are, and `more` to say behind it."""
        now = time.monotonic()
        new = stage != self._stage
        if self._over:
            if new or done == total or now - self._written_at >= BETWEEN:
                if new:
                    self.close()
                self._write((f"{stage}: {done:,} of {total:,} {self._units}" if total else stage) + more)
                self._written_at = now
        elif new:
            print((f"{stage}: {total:,} {self._units}" if total else stage) + more, file=self._stream, flush=True)
        self._stage = stage

    def close(self) -> None:
        if self._width:
            print(file=self._stream, flush=True)
            self._width = 0

    def _write(self, text: str) -> None:
        print("\r" + text.ljust(self._width), end="", file=self._stream, flush=True)
        self._width = len(text)
