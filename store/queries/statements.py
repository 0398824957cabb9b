"""What people stated: notes and tags, fusions, operating points."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def notes(cursor: Cursor, search_id: str | None = None) -> pd.DataFrame:
    """Notes and tags of all searches and trials, or of one search and its trials.

    Columns: search_id, trial_id (missing: the whole search), note, tags (list), written_by, at.
    """
    return frame(
        cursor,
        """
        SELECT search_id, nullif(trial_id, '') AS trial_id, note, tags, written_by, recorded_at AS "at"
        FROM annotation WHERE ?::VARCHAR IS NULL OR search_id = ? ORDER BY search_id, annotation.trial_id
        """,
        [search_id, search_id],
    )


def fusions(cursor: Cursor) -> pd.DataFrame:
    """Saved fusions, newest first, without those that were taken back.

    Columns: fusion_id, name, dataset_id, rule (average | vote), trial_ids (list), weights (list, sum 1), chosen_by
    (person | validation), at.
    """
    return frame(
        cursor,
        """
        SELECT fusion_id, name, dataset_id, rule, trial_ids, weights, chosen_by, recorded_at AS "at"
        FROM fusion WHERE NOT removed ORDER BY recorded_at DESC, fusion_id
        """,
    )


def operating_points(cursor: Cursor, model_id: str | None = None) -> pd.DataFrame:
    """Saved operating points, newest first, of one model (trial or fusion) if named, without those taken back.

    Columns: operating_point_id, name, search_id, model_id, classes (list), rule (JSON), prevalence (JSON), at.
    """
    return frame(
        cursor,
        """
        SELECT operating_point_id, name, search_id, model_id, classes, rule, prevalence, recorded_at AS "at"
        FROM operating_point WHERE NOT removed AND (?::VARCHAR IS NULL OR model_id = ?)
        ORDER BY recorded_at DESC, operating_point_id
        """,
        [model_id, model_id],
    )
