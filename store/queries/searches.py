"""Searches and their cycles."""

from __future__ import annotations

import pandas as pd

from store.liveness import with_lost
from store.queries.frame import Cursor, frame

_SEARCHES = """
    WITH s AS MATERIALIZED (
        SELECT * FROM search WHERE $search_id IS NULL OR search_id = $search_id
    ), t AS MATERIALIZED (  -- once, for the sums and for the two trials that are named
        SELECT search_id, trial_id, status, epochs, epochs_done, reused_epochs, val_accuracy, test_accuracy
        FROM trial WHERE $search_id IS NULL OR search_id = $search_id
    ), sums AS (
        SELECT
            search_id, count(*) AS trials_total, count(*) FILTER (WHERE status = 'COMPLETE') AS trials_done,
            count(*) FILTER (WHERE status = 'FAILED') AS trials_failed, CAST(sum(epochs) AS BIGINT) AS epochs_total,
            CAST(sum(least(epochs_done, epochs)) AS BIGINT) AS epochs_done,
            CAST(sum(coalesce(reused_epochs, 0)) AS BIGINT) AS epochs_reused
        FROM t GROUP BY search_id
    )
    SELECT
        s.*, d.name AS dataset_name, d.synthetic, sums.* EXCLUDE (search_id),
        b.val_accuracy AS best_val_accuracy, b.test_accuracy AS best_test_accuracy,
        m.test_accuracy AS model_test_accuracy, h.stage, h.pid, h.host, false AS lost
    FROM s
    LEFT JOIN dataset d ON d.dataset_id = s.dataset_id
    LEFT JOIN sums ON sums.search_id = s.search_id
    LEFT JOIN t b ON b.search_id = s.search_id AND b.trial_id = s.best_trial_id
    LEFT JOIN t m ON m.search_id = s.search_id AND m.trial_id = s.model_trial_id
    LEFT JOIN heartbeat h ON h.search_id = s.search_id AND h.trial_id = ''
    ORDER BY s.created_at DESC NULLS LAST, s.search_id DESC
"""


def searches(cursor: Cursor) -> pd.DataFrame:
    """All searches, newest first, the published one last.

    Columns: those of `search`.
    """
    return with_lost(frame(cursor, _SEARCHES, {"search_id": None}))


def search(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """One search, one row (none when unknown).

    Columns: search_id, name, origin (own | published), dataset_id, objective, patience, status (WAITING | RUNNING |
    COMPLETE | STOPPED | FAILED), de_count, best_trial_id, created_at, finished_at, settings (JSON), model_trial_id,
    stop_reason, message, environment (JSON), command (that repeats it), settled (JSON: weights, device, parallel,
    threads, gpu), heartbeat_at (of the controller), attempt, event_at (of the
    status), dataset_name, synthetic, trials_total (asked so far, final and what-if ones too), trials_done,
    trials_failed, epochs_total (of those trials), epochs_done, epochs_reused, best_val_accuracy, best_test_accuracy,
    model_test_accuracy, stage (what the controller does), pid, host, lost (RUNNING, but its process is gone; as of
    this call).
    """
    return with_lost(frame(cursor, _SEARCHES, {"search_id": search_id}))


def cycles(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """Finished cycles in order.

    Columns: cycle, trial_ids (list), chosen_trial_id, chosen_score, runner_up_score, improved, de_count (after the
    cycle), at.
    """
    return frame(
        cursor,
        """
        SELECT cycle, trial_ids, chosen_trial_id, chosen_score, runner_up_score, improved, de_count,
            recorded_at AS "at"
        FROM cycle WHERE search_id = ? ORDER BY cycle
        """,
        [search_id],
    )


def resumptions(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """When a search was resumed with something else than it began with (packages, code, processor), in order.

    Columns: attempt (number of the controller's start), message (what was other), at.
    """
    return frame(
        cursor,
        """
        SELECT attempt, arg_min(message, seq) AS message, min(recorded_at) AS "at"
        FROM search_event WHERE search_id = ? AND status = 'RUNNING' AND attempt > 1 AND message IS NOT NULL
        GROUP BY attempt ORDER BY attempt
        """,
        [search_id],
    )


def heartbeats(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """The latest sign of life of each process of a search, the controller (trial_id missing) first.

    Columns: trial_id, pid, host, stage, epoch, done, total, unit, rss_bytes (bytes), at.
    """
    return frame(
        cursor,
        """
        SELECT nullif(trial_id, '') AS trial_id, pid, host, stage, epoch, done, total, unit, rss_bytes,
            recorded_at AS "at"
        FROM heartbeat WHERE search_id = ? ORDER BY heartbeat.trial_id
        """,
        [search_id],
    )


def epochs_saved(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """What reuse has saved, one row: reused (epochs taken over), total (epochs asked for), trials."""
    return frame(
        cursor,
        """
        SELECT CAST(coalesce(sum(reused_epochs), 0) AS BIGINT) AS reused,
            CAST(coalesce(sum(epochs), 0) AS BIGINT) AS total, count(*) AS trials
        FROM trial_record WHERE search_id = ?
        """,
        [search_id],
    )
