"""The datasets of the store, and what one of them holds: counts, sizes, pages of images, label conflicts."""

from __future__ import annotations

import pandas as pd

from store.queries.audits import _SOURCES
from store.queries.frame import Cursor, frame


def datasets(cursor: Cursor) -> pd.DataFrame:
    """All datasets, the latest first, those without a time (the published one) last.

    Columns: dataset_id, name, root (missing: not on a disk), classes (list), images (usable ones), bad (files left
    out), split_origin (given | made), split_seed, fractions (JSON), synthetic, searches (that use it), at (when it was
    read).
    """
    return frame(
        cursor,
        """
        WITH used AS (
            SELECT dataset_id, count(*) AS searches
            FROM search_data d SEMI JOIN search_record r ON r.search_id = d.search_id GROUP BY dataset_id
        )
        SELECT d.dataset_id, d.name, d.root, d.classes, d.usable AS images, d.bad, d.split_origin, d.split_seed,
            d.fractions, d.synthetic, coalesce(u.searches, 0) AS searches, d.recorded_at AS "at"
        FROM dataset d LEFT JOIN used u ON u.dataset_id = d.dataset_id
        ORDER BY d.recorded_at DESC NULLS LAST, d.dataset_id
        """,
    )


def image_groups(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """How many usable images of a dataset share class, split and source.

    Columns: class, split, source (as `image_sources` has it; missing: not known), images.
    """
    return frame(
        cursor,
        f"""
        SELECT class, split, source, count(*) AS images FROM ({_SOURCES})
        GROUP BY class, split, source ORDER BY class, split, source NULLS LAST
        """,
        [dataset_id],
    )


def image_sizes(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The sizes of a dataset's usable images, the most frequent of a class first.

    Columns: class, width, height (pixels), images.
    """
    return frame(
        cursor,
        """
        SELECT class, width, height, count(*) AS images
        FROM image WHERE dataset_id = ? AND status = 'ok' AND width IS NOT NULL AND height IS NOT NULL
        GROUP BY class, width, height ORDER BY class, images DESC, width, height
        """,
        [dataset_id],
    )


def image_page(
    cursor: Cursor, dataset_id: str, class_: str | None = None, split: str | None = None, source: str | None = None,
    limit: int = 24, offset: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Usable images of a dataset, only those of a class, a split and a source where given, `limit` from `offset` on.

    The first image of every class comes first, then the second of each, so that any page is a sample of all.
    `source` '' stands for: not known.

    Columns: image_id, path, sha256, class, split, source, width, height (pixels).
    """
    return frame(
        cursor,
        f"""
        SELECT s.image_id, s.path, i.sha256, s.class, s.split, s.source, i.width, i.height
        FROM ({_SOURCES}) s JOIN image i ON i.dataset_id = ? AND i.image_id = s.image_id
        WHERE (?::VARCHAR IS NULL OR s.class = ?) AND (?::VARCHAR IS NULL OR s.split = ?)
            AND (?::VARCHAR IS NULL OR coalesce(s.source, '') = ?)
        ORDER BY row_number() OVER (PARTITION BY s.class ORDER BY s.image_id), s.class LIMIT ? OFFSET ?
        """,
        [dataset_id, dataset_id, class_, class_, split, split, source, source, limit, offset],
    )


def image_record(cursor: Cursor, dataset_id: str, image_id: int) -> pd.DataFrame:
    """One file of a dataset, one row (none when unknown).

    Columns: image_id, path, sha256, class, split, source, width, height (pixels), status (ok | bad), reason, group_id,
    group_images (usable images of its group, itself among them).
    """
    return frame(
        cursor,
        f"""
        SELECT i.image_id, i.path, i.sha256, i.class, i.split, coalesce(s.source, i.source) AS source, i.width,
            i.height, i.status, i.reason, i.group_id, (
                SELECT count(*) FROM image g
                WHERE g.dataset_id = i.dataset_id AND g.group_id = i.group_id AND g.status = 'ok'
            ) AS group_images
        FROM image i LEFT JOIN ({_SOURCES}) s ON s.image_id = i.image_id
        WHERE i.dataset_id = ? AND i.image_id = ?
        """,
        [dataset_id, dataset_id, image_id],
    )


def label_conflicts(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Files that were left out because the same pixels are filed under several classes, copies after each other.

    Columns: conflict (number, from 1), image_id, path, class, sha256, pixel_sha256, width, height (pixels).
    """
    return frame(
        cursor,
        """
        WITH left_out AS (
            SELECT image_id, path, class, sha256, pixel_sha256, width, height
            FROM image WHERE dataset_id = ? AND status = 'bad' AND pixel_sha256 IS NOT NULL AND class IS NOT NULL
        ), several AS (
            SELECT pixel_sha256, min(path) AS first FROM left_out GROUP BY pixel_sha256 HAVING count(DISTINCT class) > 1
        )
        SELECT dense_rank() OVER (ORDER BY s.first) AS conflict, l.*
        FROM left_out l JOIN several s ON s.pixel_sha256 = l.pixel_sha256 ORDER BY s.first, l.class, l.path
        """,
        [dataset_id],
    )
