"""`python -m core store ingest`: the owner of the store while no app runs."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from store.errors import StoreBusy, StoreError
from store.owner import StoreOwner

IDLE_EXIT_SECONDS = 120.0


def run_ingest(home: Path, *, idle_exit_s: float = IDLE_EXIT_SECONDS) -> int:
    """Carry journals into the store until an app asks for it, SIGTERM comes, or no record has come for `idle_exit_s`.

    Returns the exit code: 0, or 1 when another process has the store or it cannot be used (said on stderr).
    """
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
    owner = StoreOwner(home, "ingest")
    try:
        owner.start()
    except StoreBusy as busy:
        print(f"Not needed: the store of {home} is filled by {busy.holder}.", file=sys.stderr)
        return 1
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        while not stop.wait(0.1) and not owner.stopped and owner.idle_seconds < idle_exit_s:
            pass
    finally:
        owner.close()
    return 0
