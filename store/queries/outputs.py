"""What models said of the images of a split, whole, for work with arrays."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.queries.frame import Cursor, frame


def outputs(cursor: Cursor, trial_ids: Sequence[str], split: str) -> pd.DataFrame:
    """Predictions of any number of trials after the last epoch that has some, a row a trial; none: no row.

    Columns: trial_id, image_ids (list, in the order recorded), true_classes (list of class indices), probabilities
    (one flat list, image by image, in class order).
    """
    return frame(
        cursor,
        """
        WITH last AS MATERIALIZED (  -- by row number, so that no probabilities of another epoch are read
            SELECT arg_max(rowid, epoch) AS line FROM epoch_split
            WHERE list_contains(?::VARCHAR[], trial_id) AND split = ? AND image_ids IS NOT NULL GROUP BY trial_id
        )
        SELECT e.trial_id, e.image_ids, e.true_classes, flatten(e.probabilities) AS probabilities
        FROM epoch_split e WHERE e.rowid IN (SELECT line FROM last) ORDER BY e.trial_id
        """,
        [list(trial_ids), split],
    )
