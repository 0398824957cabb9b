"""Background jobs that are no searches."""

from __future__ import annotations

import pandas as pd

from store.liveness import with_lost
from store.queries.frame import Cursor, frame


def jobs(cursor: Cursor, subject: str | None = None, kind: str | None = None) -> pd.DataFrame:
    """The latest word of each background job, the latest first; only those on a subject, or of a kind, if given.

    Columns: job_id, kind (import | audit | label_check | external | robustness), subject, status (RUNNING | COMPLETE |
    STOPPED | FAILED), lost (it counts as RUNNING, but its process is gone), stage, done, total (units; 0: not known),
    message, result (id of what it made), pid, host, started_at, event_at, heartbeat_at (both: when it last spoke).
    """
    found = frame(
        cursor,
        """
        SELECT job_id, kind, subject, status, stage, done, total, message, result, pid, host, started_at,
            recorded_at AS event_at, recorded_at AS heartbeat_at
        FROM job WHERE (?::VARCHAR IS NULL OR subject = ?) AND (?::VARCHAR IS NULL OR kind = ?)
        ORDER BY recorded_at DESC, job_id
        """,
        [subject, subject, kind, kind],
    )
    return with_lost(found)
