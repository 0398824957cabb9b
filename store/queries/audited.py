"""What the badges beside accuracies need of the audits of all datasets, at once."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def audited(cursor: Cursor) -> pd.DataFrame:
    """How well each feature predicts the class, of every audited dataset; a row a dataset and feature.

    Columns: dataset_id, feature, accuracy, chance, confounded (there are two known sources or more, and each class
    comes from one of them; sources that a manifest or a person names, no guessed ones).
    """
    return frame(
        cursor,
        """
        WITH told AS (
            SELECT DISTINCT i.dataset_id, i.class,
                CASE WHEN s.told_by = 'person' THEN s.source ELSE i.source END AS source  -- a guess is no fact
            FROM image i
            SEMI JOIN audit a ON a.dataset_id = i.dataset_id
            LEFT JOIN image_source s ON s.dataset_id = i.dataset_id AND s.image_id = i.image_id
            WHERE i.status = 'ok'
        ), mixed AS (
            SELECT dataset_id, count(DISTINCT source) > 1 AND count(*) = count(DISTINCT class) AS confounded
            FROM told WHERE source IS NOT NULL GROUP BY dataset_id
        )
        SELECT a.dataset_id, a.feature, a.accuracy, a.chance, coalesce(m.confounded, false) AS confounded
        FROM audit a LEFT JOIN mixed m ON m.dataset_id = a.dataset_id
        WHERE a.target = 'class' ORDER BY a.dataset_id, a.feature
        """,
    )


def sources_told(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """When a person last said where images of a dataset come from, one row: at; none where nobody has.

    An audit of the sources that is older was made with others.
    """
    return frame(
        cursor,
        """
        SELECT max(recorded_at) AS "at" FROM image_source
        WHERE dataset_id = ? AND told_by = 'person' HAVING count(*) > 0
        """,
        [dataset_id],
    )
