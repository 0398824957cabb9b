"""Images of a dataset that show the same cells, and how many of them lie in two splits."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame

# Equal pixels are no recorded pairs: each further copy is paired with the first one here.
_PAIRS = """
    WITH copies AS (
        SELECT image_id, min(image_id) OVER (PARTITION BY pixel_sha256) AS first_id
        FROM image WHERE dataset_id = $dataset_id AND pixel_sha256 IS NOT NULL
    ), every_pair AS (
        SELECT image_a, image_b, kind, transform, distance, correlation, dx, dy
        FROM duplicate_pair WHERE dataset_id = $dataset_id
        UNION ALL
        SELECT first_id, image_id, 'exact', 'identity', 0, 1.0, 0.0, 0.0 FROM copies WHERE image_id > first_id
    )
"""
_HELD_OUT = "list_position(['train', 'calibration', 'val', 'test'], {})"


def duplicate_pairs(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Pairs of images that show the same cells, by image; of several with equal pixels each is paired with the first.

    Columns: image_a, image_b, kind (exact: equal pixels | near: the same picture turned, mirrored or encoded anew |
    overlap: two crops of one field), transform, distance (bits of 64), correlation, dx, dy (of b against a, share of
    the width and height), and of each image: path_a, path_b, sha256_a, sha256_b, class_a, class_b, split_a, split_b
    (empty: left out of the data), status_a, status_b (ok | bad); leak (in two splits), conflict (the same picture
    under two classes; crops may be of two cells).
    """
    return frame(
        cursor,
        f"""
        {_PAIRS}
        SELECT image_a, image_b, p.kind, transform, distance, correlation, dx, dy,
            a.path AS path_a, b.path AS path_b, a.sha256 AS sha256_a, b.sha256 AS sha256_b,
            a.class AS class_a, b.class AS class_b, a.split AS split_a, b.split AS split_b,
            a.status AS status_a, b.status AS status_b,
            coalesce(a.split != b.split, false) AS leak,
            coalesce(p.kind != 'overlap' AND a.class != b.class, false) AS conflict
        FROM every_pair p
        JOIN image a ON a.dataset_id = $dataset_id AND a.image_id = image_a
        JOIN image b ON b.dataset_id = $dataset_id AND b.image_id = image_b
        ORDER BY image_a, image_b
        """,
        {"dataset_id": dataset_id},
    )


def leaks(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """Pairs of images that show the same cells but lie in two splits, by the two splits; none for a split made here.

    Columns: split_a (the more held-out one), split_b, pairs, images (different ones in split_a).
    """
    return frame(
        cursor,
        f"""
        {_PAIRS}, sides AS (
            SELECT a.split AS one, b.split AS other, image_a, image_b,
                {_HELD_OUT.format("a.split")} > {_HELD_OUT.format("b.split")} AS first
            FROM every_pair
            JOIN image a ON a.dataset_id = $dataset_id AND a.image_id = image_a
            JOIN image b ON b.dataset_id = $dataset_id AND b.image_id = image_b
            WHERE a.split != b.split
        ), placed AS (
            SELECT if(first, one, other) AS split_a, if(first, other, one) AS split_b,
                if(first, image_a, image_b) AS held_out
            FROM sides
        )
        SELECT split_a, split_b, count(*) AS pairs, count(DISTINCT held_out) AS images
        FROM placed GROUP BY split_a, split_b
        ORDER BY {_HELD_OUT.format("split_a")} DESC, {_HELD_OUT.format("split_b")} DESC
        """,
        {"dataset_id": dataset_id},
    )
