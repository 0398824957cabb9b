"""Predictions of all trials of a search at once, packed: one row a trial and epoch instead of one an image."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def search_predictions(cursor: Cursor, search_id: str, split: str, every_epoch: bool = False) -> pd.DataFrame:
    """Predictions of every finished trial of a search, after its last epoch or after each one.

    Columns: trial_id, epoch, image_ids (list), true_classes (list, class indices), probabilities (list: those of the
    first image in class order, then of the second, ...).
    """
    return frame(
        cursor,
        """
        WITH ended AS (
            SELECT trial_id, arg_max(status, (attempt, seq, recorded_at, journal, line_at)) AS status
            FROM trial_event WHERE search_id = $search_id GROUP BY trial_id
        ), kept AS MATERIALIZED (  -- by row number, so that no probabilities of another epoch are read
            SELECT e.rowid AS line, e.epoch, max(e.epoch) OVER (PARTITION BY e.trial_id) AS last
            FROM epoch_split e JOIN ended d ON d.trial_id = e.trial_id AND d.status = 'COMPLETE'
            WHERE e.search_id = $search_id AND e.split = $split AND e.image_ids IS NOT NULL
        )
        SELECT trial_id, epoch, image_ids, true_classes, flatten(probabilities) AS probabilities
        FROM epoch_split WHERE rowid IN (SELECT line FROM kept WHERE $every_epoch OR epoch = last)
        ORDER BY trial_id, epoch
        """,
        {"search_id": search_id, "split": split, "every_epoch": every_epoch},
    )
