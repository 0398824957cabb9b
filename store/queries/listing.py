"""The list of searches: one narrow row each, quick with many searches and thousands of trials."""

from __future__ import annotations

import pandas as pd

from store.liveness import with_lost
from store.queries.frame import Cursor, frame


def listing(cursor: Cursor) -> pd.DataFrame:
    """All searches, newest first, the published one last.

    Columns: search_id, name, origin (own | published), dataset_id, dataset_name, synthetic, status, de_count, patience,
    best_trial_id, val_accuracy (of the best trial), val_images (that it rests on; missing where only shares are
    known), test_accuracy (of the search's model, else of the best trial; reported, never used to choose), asked, done
    (trials on its path), created_at, finished_at, event_at, heartbeat_at, pid, host, lost (as of this call).
    """
    found = frame(
        cursor,
        """
        WITH s AS MATERIALIZED (SELECT * EXCLUDE (settings, environment, settled, command) FROM search),
        ended AS (
            SELECT trial_id, arg_max(status, (attempt, seq, recorded_at, journal, line_at)) AS status
            FROM trial_event GROUP BY trial_id
        ), trials AS (
            SELECT t.search_id, count(*) AS asked, count(*) FILTER (WHERE e.status = 'COMPLETE') AS done
            FROM trial_record t LEFT JOIN ended e ON e.trial_id = t.trial_id
            WHERE t.cycle IS NOT NULL GROUP BY t.search_id
        ), named AS (  -- only their scores are shown
            SELECT best_trial_id AS trial_id FROM s UNION SELECT model_trial_id FROM s
        ), score AS (
            SELECT
                e.trial_id, arg_max_null(accuracy, epoch) FILTER (WHERE split = 'val') AS val_accuracy,
                arg_max_null(list_sum(support), epoch) FILTER (WHERE split = 'val') AS val_images,
                arg_max_null(accuracy, epoch) FILTER (WHERE split = 'test') AS test_accuracy
            FROM epoch_split e SEMI JOIN named n ON n.trial_id = e.trial_id GROUP BY e.trial_id
        )
        SELECT
            s.search_id, s.name, s.origin, s.dataset_id, d.name AS dataset_name, d.synthetic, s.status, s.de_count,
            s.patience, s.best_trial_id, b.val_accuracy, CAST(b.val_images AS BIGINT) AS val_images,
            coalesce(m.test_accuracy, b.test_accuracy) AS test_accuracy, coalesce(t.asked, 0) AS asked,
            coalesce(t.done, 0) AS done, s.created_at, s.finished_at, s.event_at, s.heartbeat_at, h.pid, h.host,
            false AS lost
        FROM s
        LEFT JOIN dataset d ON d.dataset_id = s.dataset_id
        LEFT JOIN trials t ON t.search_id = s.search_id
        LEFT JOIN score b ON b.trial_id = s.best_trial_id
        LEFT JOIN score m ON m.trial_id = s.model_trial_id
        LEFT JOIN heartbeat h ON h.search_id = s.search_id AND h.trial_id = ''
        ORDER BY s.created_at DESC NULLS LAST, s.search_id DESC
        """,
    )
    return with_lost(found)
