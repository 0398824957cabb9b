"""Datasets and their images."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def dataset(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """One dataset, one row (none when unknown).

    Columns: dataset_id, name, root, classes (list), split_origin (given | made), split_seed, fractions (JSON),
    synthetic, usable, bad (images), at.
    """
    return frame(
        cursor,
        """
        SELECT dataset_id, name, root, classes, split_origin, split_seed, fractions, synthetic, usable, bad,
            recorded_at AS "at"
        FROM dataset WHERE dataset_id = ?
        """,
        [dataset_id],
    )


def dataset_counts(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Usable images of each class and split; empty for a dataset without an image list (the published one).

    Columns: class, split, count (images).
    """
    return frame(
        cursor,
        """
        SELECT class, split, count(*) AS count
        FROM image WHERE dataset_id = ? AND status = 'ok' GROUP BY class, split ORDER BY class, split
        """,
        [dataset_id],
    )


def split_hash(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The hash of which image is in which split, one row: split_hash (16 hex digits); none without an image list.

    Of the sorted lines 'sha256 of the file, space, split', joined by newlines, the beginning of their SHA-256: equal
    splits have it wherever they lie and whatever their classes are called (dataset_id is a hash of the classes too).
    """
    return frame(
        cursor,
        """
        SELECT left(sha256(string_agg(sha256 || ' ' || split, chr(10) ORDER BY sha256, split)), 16) AS split_hash
        FROM image WHERE dataset_id = ? AND status = 'ok' HAVING count(*) > 0
        """,
        [dataset_id],
    )


def images(cursor: Cursor, dataset_id: str, status: str | None = None) -> pd.DataFrame:
    """Files of a dataset, by image_id; only those of a status (ok | bad) if one is named.

    Columns: image_id, path, sha256, pixel_sha256, class, split, group_id, source, width, height (pixels), status,
    reason.
    """
    return frame(
        cursor,
        """
        SELECT image_id, path, sha256, pixel_sha256, class, split, group_id, source, width, height, status, reason
        FROM image WHERE dataset_id = ? AND (?::VARCHAR IS NULL OR status = ?) ORDER BY image_id
        """,
        [dataset_id, status, status],
    )
