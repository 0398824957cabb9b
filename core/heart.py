"""Signs of life: a thread that tells in the journal, every few seconds, that its process lives and how far it is."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from typing import Any

import psutil

from store.journal import JournalError, JournalWriter

HEARTBEAT_SECONDS = 2.0


class Heart:
    """Beats until `stop`. `tell` says what is being done; setting `epoch` says in which epoch."""

    def __init__(self, journal: JournalWriter, search_id: str, trial_id: str | None = None) -> None:
        self._journal = journal
        self._ids: dict[str, Any] = {"search_id": search_id, "trial_id": trial_id}
        self.epoch: int | None = None
        self._stage, self._done, self._total = "start", 0, 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def tell(self, stage: str, done: int, total: int) -> None:
        """The stage of the work and how many images of it are done."""
        self._stage, self._done, self._total = stage, done, total

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        process = psutil.Process()
        while not self._stopped.is_set():
            with contextlib.suppress(JournalError):  # a full disk: the work itself will meet it and say so
                self._journal.append(
                    "heartbeat", **self._ids, pid=os.getpid(), host=platform.node(), stage=self._stage,
                    epoch=self.epoch, done=self._done, total=self._total, unit="images",
                    rss_bytes=process.memory_info().rss,
                )  # fmt: skip
            self._stopped.wait(HEARTBEAT_SECONDS)
