"""What trials say of their images once these are shifted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.queries.frame import Cursor, frame


def robustness(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """The latest measurement of each shift and severity of any number of trials, by trial, shift and severity.

    Columns: trial_id, shift (none: the images as they are), severity (1 to 5; 0 for none), search_id, split, confusion
    (flat list of counts, row = true class), version (of the shifts), seconds, at.
    """
    return frame(
        cursor,
        """
        SELECT trial_id, shift, severity, search_id, split, confusion, version, seconds, recorded_at AS "at"
        FROM robustness WHERE list_contains(?::VARCHAR[], trial_id) ORDER BY trial_id, shift, severity
        """,
        [list(trial_ids)],
    )
