"""Suspected label errors of datasets."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def label_check(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The latest check of a dataset's labels, one row (none when they have not been checked).

    Columns: method (where the out-of-fold probabilities come from), n (images checked), accuracy (of the out-of-fold
    predictions), suspected (images), at.
    """
    return frame(
        cursor,
        """
        SELECT method, n, accuracy, len(image_ids) AS suspected, recorded_at AS "at"
        FROM label_check WHERE dataset_id = ?
        """,
        [dataset_id],
    )


def label_issues(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The suspected images of a dataset, the least believed label first.

    Columns: image_id, path, class (the given label), suggested (class), confidence (out-of-fold probability of the
    given label), rank (from 1), split, source, sha256.
    """
    return frame(
        cursor,
        """
        SELECT l.image_id, l.path, l.class, l.suggested, l.confidence, l.rank, i.split, i.source, i.sha256
        FROM label_issue l JOIN image i ON i.dataset_id = l.dataset_id AND i.image_id = l.image_id
        WHERE l.dataset_id = ? ORDER BY l.rank
        """,
        [dataset_id],
    )
