"""Whether a process is still there: never stored, always asked anew."""

from __future__ import annotations

import contextlib
import platform
from datetime import UTC, datetime

import pandas as pd
import psutil

STALE_SECONDS = 30.0  # a heartbeat older than this is doubted


def process_alive(pid: int | None, host: str | None, seen_at: datetime | None = None) -> bool | None:
    """Whether the process runs on this machine; None where that cannot be known from here.

    `seen_at` (UTC, without a zone) is when it was last heard of: a process that started later only has its number.
    """
    if pid is None or (host is not None and host != platform.node()):
        return None
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        started_at = datetime.fromtimestamp(process.create_time(), UTC).replace(tzinfo=None)
        return seen_at is None or (started_at - seen_at).total_seconds() < 1.0
    return False


def is_lost(
    status: str, seen_at: datetime | None, pid: int | None, host: str | None, now: datetime | None = None
) -> bool:
    """Whether something that counts as RUNNING has died unnoticed.

    It has when nothing was heard of it for STALE_SECONDS and, where that can be asked, its process is gone.
    `seen_at` and `now` are UTC without a zone.
    """
    if status != "RUNNING" or seen_at is None:
        return False
    now = now or datetime.now(UTC).replace(tzinfo=None)
    if (now - seen_at).total_seconds() <= STALE_SECONDS:
        return False
    return not process_alive(pid, host, seen_at)


def with_lost(frame: pd.DataFrame, event: str = "event_at") -> pd.DataFrame:
    """The frame with its column `lost` as of now, from status, heartbeat_at, pid, host and the time column `event`."""
    now = datetime.now(UTC).replace(tzinfo=None)
    lost = []
    for row in frame.to_dict("records"):
        seen = max((row[name] for name in (event, "heartbeat_at") if not pd.isna(row[name])), default=None)
        pid = None if pd.isna(row["pid"]) else int(row["pid"])
        host = None if pd.isna(row["host"]) else str(row["host"])
        lost.append(is_lost(str(row["status"]), seen, pid, host, now))
    return frame.assign(lost=pd.Series(lost, index=frame.index, dtype=bool))
