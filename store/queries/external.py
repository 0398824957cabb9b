"""Images from elsewhere: which data sets are external to which, and what models said of them. Never used to choose."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.queries.frame import Cursor, frame


def external_sets(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """The data sets that are external to one, in the order of their registration; those taken back are left out.

    Columns: external_id, name, root, synthetic, classes (list), usable (images), counted (those that models are judged
    by), unknown (images of classes that the data set lacks), shared (images that the data set has too, left out), alike
    (those of them that are encoded anew, turned, or cropped from the same field), searched (how such were looked for;
    missing: not yet), unread, crowded (images that were not compared, or not with all others), at.
    """
    return frame(
        cursor,
        """
        WITH registered AS (
            SELECT external_id, recorded_at FROM external_set WHERE dataset_id = $id AND NOT removed
        ), own AS (
            SELECT sha256 AS digest FROM image WHERE dataset_id = $id AND status = 'ok'
            UNION SELECT pixel_sha256 FROM image WHERE dataset_id = $id AND status = 'ok'
        ), judged AS (
            SELECT i.dataset_id AS external_id,
                coalesce(list_contains((SELECT classes FROM dataset WHERE dataset_id = $id), i.class), false) AS known,
                coalesce(i.sha256 IN (SELECT digest FROM own WHERE digest IS NOT NULL), false)
                    OR coalesce(i.pixel_sha256 IN (SELECT digest FROM own WHERE digest IS NOT NULL), false) AS equal,
                coalesce(list_contains(x.image_ids, i.image_id), false) AS alike
            FROM image i SEMI JOIN registered r ON r.external_id = i.dataset_id
            LEFT JOIN external_shared x ON x.dataset_id = $id AND x.external_id = i.dataset_id
            WHERE i.status = 'ok'
        ), counts AS (
            SELECT external_id, count(*) FILTER (WHERE known AND NOT equal AND NOT alike) AS counted,
                count(*) FILTER (WHERE NOT known) AS unknown,
                count(*) FILTER (WHERE known AND (equal OR alike)) AS shared,
                count(*) FILTER (WHERE known AND alike AND NOT equal) AS alike
            FROM judged GROUP BY external_id
        )
        SELECT r.external_id, d.name, d.root, d.synthetic, d.classes, d.usable, c.counted, c.unknown, c.shared, c.alike,
            x.searched, x.unread, x.crowded, r.recorded_at AS "at"
        FROM registered r
        LEFT JOIN dataset d ON d.dataset_id = r.external_id
        LEFT JOIN counts c ON c.external_id = r.external_id
        LEFT JOIN external_shared x ON x.dataset_id = $id AND x.external_id = r.external_id
        ORDER BY r.recorded_at, r.external_id
        """,
        {"id": dataset_id},
    )


def external_results(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """What any number of trials got right of images from elsewhere, a row a trial and set, by trial, then by time.

    Images that turned out to be in the data that were trained on do not count.

    Columns: trial_id, search_id, external_id, name (of the set), registered (false: taken back since), n (images),
    n_right (called right: the class with the highest probability), seconds (duration), at.
    """
    return frame(
        cursor,
        """
        WITH wanted AS (
            SELECT * FROM external_result WHERE list_contains(?::VARCHAR[], trial_id)
        ), again AS (
            SELECT d.search_id, x.external_id, unnest(x.image_ids) AS image_id
            FROM external_shared x JOIN search_data d ON d.dataset_id = x.dataset_id
        ), item AS (
            SELECT search_id, trial_id, external_id, unnest(image_ids) AS image_id, unnest(true_classes) AS true_index,
                unnest(probabilities) AS probabilities
            FROM wanted
        ), counts AS (
            SELECT trial_id, external_id, count(*) AS n,
                count(*) FILTER (WHERE called - 1 = true_index) AS n_right
            FROM (
                SELECT *, list_position(probabilities, list_max(probabilities)) AS called
                FROM item ANTI JOIN again USING (search_id, external_id, image_id)
            )
            GROUP BY trial_id, external_id
        )
        SELECT w.trial_id, w.search_id, w.external_id, d.name, coalesce(NOT s.removed, false) AS registered, c.n,
            c.n_right, w.seconds, w.recorded_at AS "at"
        FROM wanted w
        JOIN counts c ON c.trial_id = w.trial_id AND c.external_id = w.external_id
        LEFT JOIN dataset d ON d.dataset_id = w.external_id
        LEFT JOIN search_data t ON t.search_id = w.search_id
        LEFT JOIN external_set s ON s.dataset_id = t.dataset_id AND s.external_id = w.external_id
        ORDER BY w.trial_id, w.recorded_at, w.external_id
        """,
        [list(trial_ids)],
    )


def external_cells(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """What trials got right of images from elsewhere, a row a set, source, class and trial, in that order of columns.

    Sets that were taken back are left out, and images that turned out to be in the data that were trained on.

    Columns: external_id, name (of the set), source (missing: not known), class,
    class_index, trial_id, n (images), n_right (called right: the class with the highest probability).
    """
    return frame(
        cursor,
        """
        SELECT p.external_id, d.name, p.source, p.true_class AS class, p.true_index AS class_index, p.trial_id,
            count(*) AS n,
            count(*) FILTER (WHERE list_position(p.probabilities, list_max(p.probabilities)) - 1 = p.true_index)
                AS n_right
        FROM external_prediction p
        JOIN search_data t ON t.search_id = p.search_id
        JOIN external_set e ON e.dataset_id = t.dataset_id AND e.external_id = p.external_id AND NOT e.removed
        LEFT JOIN dataset d ON d.dataset_id = p.external_id
        WHERE list_contains(?::VARCHAR[], p.trial_id)
        GROUP BY ALL ORDER BY p.external_id, p.source NULLS LAST, p.true_index, p.trial_id
        """,
        [list(trial_ids)],
    )


def external_predictions(cursor: Cursor, trial_id: str, external_id: str) -> pd.DataFrame:
    """What a trial says of each image of an external set, by image_id.

    Columns: image_id, path (below the set's root), true_class, true_index (position in the classes of the trial's data
    set), probabilities (array, in the order of those classes), source (missing: not known).
    """
    return frame(
        cursor,
        """
        SELECT p.image_id, i.path, p.true_class, p.true_index, p.probabilities,
            -- as in image_sources: a person's word counts, even that a source is not known
            CASE WHEN s.told_by = 'person' THEN s.source ELSE coalesce(s.source, i.source) END AS source
        FROM external_prediction p
        LEFT JOIN image i ON i.dataset_id = p.external_id AND i.image_id = p.image_id
        LEFT JOIN image_source s ON s.dataset_id = p.external_id AND s.image_id = p.image_id
        WHERE p.trial_id = ? AND p.external_id = ? ORDER BY p.image_id
        """,
        [trial_id, external_id],
    )
