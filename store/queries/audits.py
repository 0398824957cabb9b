"""Shortcut audits of datasets, and where their images come from."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame

# A person's word counts, even that a source is not known; then a guess; then what a manifest says.
_SOURCES = """
    SELECT i.image_id, i.path, i.class, i.split,
        CASE WHEN s.told_by = 'person' THEN s.source ELSE coalesce(s.source, i.source) END AS source,
        CASE
            WHEN s.told_by = 'person' OR s.source IS NOT NULL THEN s.told_by
            WHEN i.source IS NOT NULL THEN 'manifest'
        END AS told_by
    FROM image i
    LEFT JOIN image_source s ON s.dataset_id = i.dataset_id AND s.image_id = i.image_id
    WHERE i.dataset_id = ? AND i.status = 'ok'
"""


def audits(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The shortcut audit of a dataset, a row a feature and target; empty before it has been audited.

    Columns: dataset_id, feature (histogram | corners | border | file | thumbnail, in this order), target (class, then
    source), labels (list), confusion (list, row = true label, column = predicted, row major), n, n_right (images),
    accuracy, low, high (95 % Wilson interval), chance (share of the largest label), folds, seed, version (of the
    method), seconds, at.
    """
    return frame(
        cursor,
        """
        SELECT dataset_id, feature, target, labels, confusion, n, n_right, accuracy, low, high, chance, folds, seed,
            version, seconds, recorded_at AS "at"
        FROM audit WHERE dataset_id = ?
        ORDER BY target, list_position(['histogram', 'corners', 'border', 'file', 'thumbnail'], feature), feature
        """,
        [dataset_id],
    )


def image_sources(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Where each usable image of a dataset comes from, by image_id.

    Columns: image_id, path, class, split, source (missing: not known), told_by (manifest | guess | person; missing:
    nobody).
    """
    return frame(cursor, f"{_SOURCES} ORDER BY i.image_id", [dataset_id])


def source_classes(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Which classes come from which source: usable images of each, by source and class; pairs without images missing.

    Columns: source (missing: not known, last), class, images.
    """
    return frame(
        cursor,
        f"""
        SELECT source, class, count(*) AS images FROM ({_SOURCES})
        GROUP BY source, class ORDER BY source NULLS LAST, class
        """,
        [dataset_id],
    )
