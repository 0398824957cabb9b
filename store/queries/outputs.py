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
    ids = list(trial_ids)
    return frame(
        cursor,
        """
        WITH last AS (
            SELECT trial_id, max(epoch) AS epoch FROM epoch_split
            WHERE list_contains(?::VARCHAR[], trial_id) AND split = ? AND image_ids IS NOT NULL GROUP BY trial_id
        )
        SELECT e.trial_id, e.image_ids, e.true_classes, flatten(e.probabilities) AS probabilities
        FROM epoch_split e JOIN last USING (trial_id, epoch)
        WHERE list_contains(?::VARCHAR[], e.trial_id) AND e.split = ? ORDER BY e.trial_id
        """,
        [ids, split, ids, split],
    )
