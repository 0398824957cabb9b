"""Readings with the latest review of each, all reviews of one, and what people filter them by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import pandas as pd

from store.queries.frame import Cursor, frame

_WHERE = """
    ($model_id::VARCHAR IS NULL OR model_id = $model_id)
    AND ($class_::VARCHAR IS NULL OR list_contains(decided_classes, $class_))
    AND ($expert_class::VARCHAR IS NULL OR expert_class = $expert_class)
    AND ($decision::VARCHAR IS NULL OR decision = $decision)
    AND ($raised::VARCHAR IS NULL OR list_contains(raised, $raised))
    AND ($reviewed::BOOLEAN IS NULL OR (review_id IS NOT NULL) = $reviewed)
    AND ($verdict::VARCHAR IS NULL OR verdict = $verdict)
    AND ($through::VARCHAR IS NULL OR through = $through)
    AND ($batch_id::VARCHAR IS NULL OR batch_id = $batch_id)
    AND ($since::TIMESTAMP IS NULL OR recorded_at >= $since)
    AND ($until::TIMESTAMP IS NULL OR recorded_at < $until)
    AND ($text::VARCHAR IS NULL OR contains(lower(file_name), lower($text)))
"""


@dataclass(frozen=True)
class Wanted:
    """Which readings; None: any.

    Attributes:
        class_: decided on, alone or in a set.
        expert_class: that the latest review settled on.
        decision: class | set | refer.
        raised: name of a check that was raised; blast: the watch on blasts.
        reviewed: whether there is a review.
        verdict: of the latest review: confirm | correct | refer.
        through: page | batch | field | api | command line.
        since, until: when it was made (UTC): at or after, and before.
        text: in the file name, in any case of its letters.
    """

    model_id: str | None = None
    class_: str | None = None
    expert_class: str | None = None
    decision: str | None = None
    raised: str | None = None
    reviewed: bool | None = None
    verdict: str | None = None
    through: str | None = None
    batch_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def parameters(self) -> dict[str, object]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


ALL = Wanted()


def readings(cursor: Cursor, wanted: Wanted = ALL, limit: int = 100, offset: int = 0) -> pd.DataFrame:
    """Readings, newest first, `limit` from `offset` on.

    Columns: reading_id, model_id, model_trial_id, file_name, image_sha256, box (list, px), width, height (px), kept,
    runtime, weights_sha256, classes, probabilities (lists), calibrated, temperature, prediction_set, raised (lists),
    decision, decided_classes (list), decided_by, reasons (list), operating_point_id, through, batch_id, asked_by, at,
    and of the latest review review_id, verdict, expert_class, review_note, reviewed_by, reviewed_at, reviews (count).
    """
    return frame(
        cursor,
        f"""
        SELECT * EXCLUDE (flags, blast, coverage, raw, p_values) RENAME (recorded_at AS "at")
        FROM reviewed_reading WHERE {_WHERE} ORDER BY recorded_at DESC, reading_id LIMIT $limit OFFSET $offset
        """,
        {**wanted.parameters(), "limit": limit, "offset": offset},
    )


def reading_count(cursor: Cursor, wanted: Wanted = ALL) -> pd.DataFrame:
    """How many readings there are, one row: readings, reviewed, kept (whose image file was kept)."""
    return frame(
        cursor,
        f"""
        SELECT count(*) AS readings, count(review_id) AS reviewed, count(*) FILTER (kept) AS kept
        FROM reviewed_reading WHERE {_WHERE}
        """,
        wanted.parameters(),
    )


def reading(cursor: Cursor, reading_id: str) -> pd.DataFrame:
    """All that is on record of one reading, one row (none when unknown).

    Columns: those of `readings`, and raw, p_values (lists), flags, blast, coverage (JSON): reading_id, model_id,
    model_trial_id, file_name, image_sha256, box, width, height, kept, runtime, weights_sha256, classes, probabilities,
    calibrated, temperature, prediction_set, raised, decision, decided_classes, decided_by, reasons,
    operating_point_id, through, batch_id, asked_by, at, review_id, verdict, expert_class, review_note, reviewed_by,
    reviewed_at, reviews.
    """
    return frame(
        cursor,
        'SELECT * RENAME (recorded_at AS "at") FROM reviewed_reading WHERE reading_id = ?',
        [reading_id],
    )


def reviews(cursor: Cursor, reading_id: str) -> pd.DataFrame:
    """All reviews of one reading, the latest first: it is the one that counts.

    Columns: review_id, verdict (confirm | correct | refer), class (settled on; missing with refer), note, reviewed_by,
    at.
    """
    return frame(
        cursor,
        """
        SELECT review_id, verdict, class, note, reviewed_by, recorded_at AS "at"
        FROM review WHERE reading_id = ? ORDER BY recorded_at DESC, journal DESC, line_at DESC
        """,
        [reading_id],
    )


def reading_choices(cursor: Cursor) -> pd.DataFrame:
    """What readings can be told apart by: one row a value and what it is of, with the readings that have it.

    Columns: column (model_id | class_ | expert_class | decision | raised | verdict | through), value, readings.
    """
    return frame(
        cursor,
        """
        WITH one AS (
            SELECT unnest([
                {"column": 'model_id', "value": model_id}, {"column": 'expert_class', "value": expert_class},
                {"column": 'decision', "value": decision}, {"column": 'verdict', "value": verdict},
                {"column": 'through', "value": through}
            ], recursive := true) FROM reviewed_reading
            UNION ALL SELECT 'class_', unnest(decided_classes) FROM reading
            UNION ALL SELECT 'raised', unnest(raised) FROM reading
        )
        SELECT "column", "value", count(*) AS readings FROM one WHERE "value" IS NOT NULL
        GROUP BY ALL ORDER BY "column", "value"
        """,
    )


def review_counts(cursor: Cursor, wanted: Wanted = ALL) -> pd.DataFrame:
    """How often each call of a model met each word of the expert; what `core.evaluation.agreement` counts.

    Of several reviewed readings of one image (or box) by one model only the one reviewed last counts: the others are no
    new evidence.

    Columns: decision, decided (list, sorted), verdict, expert_class, readings.
    """
    return frame(
        cursor,
        f"""
        WITH once AS (
            SELECT * FROM reviewed_reading WHERE review_id IS NOT NULL AND {_WHERE}
            QUALIFY row_number() OVER (
                PARTITION BY model_id, image_sha256, box ORDER BY reviewed_at DESC, recorded_at DESC, reading_id
            ) = 1
        )
        SELECT decision, list_sort(decided_classes) AS decided, verdict, expert_class, count(*) AS readings
        FROM once GROUP BY ALL ORDER BY ALL
        """,
        wanted.parameters(),
    )


def gatherable(cursor: Cursor, wanted: Wanted = ALL) -> pd.DataFrame:
    """Readings whose image was kept and whose class an expert settled, the latest review first.

    Columns: reading_id, model_id, file_name, image_sha256, box (list; missing: the whole image), width, height (px, as
    it was read), decision, decided_classes (list), verdict, expert_class, reviewed_by, reviewed_at, judged_in (the name
    of a data set whose test split has the file, or that is external to another; missing: none).
    """
    return frame(
        cursor,
        f"""
        WITH judged AS (
            SELECT i.sha256 AS image_sha256, min(d.name) AS judged_in
            FROM image i JOIN dataset d ON d.dataset_id = i.dataset_id
            WHERE i.status = 'ok' AND (i.split = 'test' OR i.dataset_id IN (
                SELECT external_id FROM external_set WHERE NOT removed
            )) AND i.sha256 IN (SELECT image_sha256 FROM reading WHERE kept)
            GROUP BY i.sha256
        )
        SELECT reading_id, model_id, file_name, image_sha256, box, width, height, decision, decided_classes, verdict,
            expert_class, reviewed_by, reviewed_at, judged_in
        FROM reviewed_reading LEFT JOIN judged USING (image_sha256)
        WHERE kept AND expert_class IS NOT NULL AND {_WHERE}
        ORDER BY reviewed_at DESC, reading_id
        """,
        wanted.parameters(),
    )
