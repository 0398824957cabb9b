"""Every SELECT of the pages, one function each. Rates are in [0, 1], losses plain means per image, times UTC.

Each takes a cursor of the calling thread (`StoreOwner.cursor`) and reads its result whole. An unknown id gives an
empty DataFrame with the same columns. What is unknown is missing (NaN, NaT, None or <NA>).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pandas as pd

from store.liveness import with_lost

Cursor = duckdb.DuckDBPyConnection


def _frame(cursor: Cursor, sql: str, parameters: list[Any] | dict[str, Any] | None = None) -> pd.DataFrame:
    frame: pd.DataFrame = cursor.execute(sql, parameters).df()
    return frame


# --- searches -----------------------------------------------------------------------------------------------------

_SEARCHES = """
    WITH s AS MATERIALIZED (
        SELECT * FROM search WHERE $search_id IS NULL OR search_id = $search_id
    ), t AS MATERIALIZED (  -- once, for the sums and for the two trials that are named
        SELECT search_id, trial_id, status, epochs, epochs_done, reused_epochs, val_accuracy, test_accuracy
        FROM trial WHERE $search_id IS NULL OR search_id = $search_id
    ), sums AS (
        SELECT
            search_id, count(*) AS trials_total, count(*) FILTER (WHERE status = 'COMPLETE') AS trials_done,
            count(*) FILTER (WHERE status = 'FAILED') AS trials_failed, CAST(sum(epochs) AS BIGINT) AS epochs_total,
            CAST(sum(least(epochs_done, epochs)) AS BIGINT) AS epochs_done,
            CAST(sum(coalesce(reused_epochs, 0)) AS BIGINT) AS epochs_reused
        FROM t GROUP BY search_id
    )
    SELECT
        s.*, d.name AS dataset_name, d.synthetic, sums.* EXCLUDE (search_id),
        b.val_accuracy AS best_val_accuracy, b.test_accuracy AS best_test_accuracy,
        m.test_accuracy AS model_test_accuracy, h.stage, h.pid, h.host, false AS lost
    FROM s
    LEFT JOIN dataset d ON d.dataset_id = s.dataset_id
    LEFT JOIN sums ON sums.search_id = s.search_id
    LEFT JOIN t b ON b.search_id = s.search_id AND b.trial_id = s.best_trial_id
    LEFT JOIN t m ON m.search_id = s.search_id AND m.trial_id = s.model_trial_id
    LEFT JOIN heartbeat h ON h.search_id = s.search_id AND h.trial_id = ''
    ORDER BY s.created_at DESC NULLS LAST, s.search_id DESC
"""


def searches(cursor: Cursor) -> pd.DataFrame:
    """All searches, newest first, the published one last.

    Columns: those of `search`.
    """
    return with_lost(_frame(cursor, _SEARCHES, {"search_id": None}))


def search(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """One search, one row (none when unknown).

    Columns: search_id, name, origin (own | published), dataset_id, objective, patience, status (WAITING | RUNNING |
    COMPLETE | STOPPED | FAILED), de_count, best_trial_id, created_at, finished_at, settings (JSON), model_trial_id,
    stop_reason, message, command, environment (JSON), heartbeat_at (of the controller), attempt, event_at (of the
    status), dataset_name, synthetic, trials_total (asked so far, final ones too), trials_done, trials_failed,
    epochs_total (of those trials), epochs_done, epochs_reused, best_val_accuracy, best_test_accuracy,
    model_test_accuracy, stage (what the controller does), pid, host, lost (RUNNING, but its process is gone; as of
    this call).
    """
    return with_lost(_frame(cursor, _SEARCHES, {"search_id": search_id}))


def cycles(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """Finished cycles in order.

    Columns: cycle, trial_ids (list), chosen_trial_id, chosen_score, runner_up_score, improved, de_count (after the
    cycle), at.
    """
    return _frame(
        cursor,
        """
        SELECT cycle, trial_ids, chosen_trial_id, chosen_score, runner_up_score, improved, de_count,
            recorded_at AS "at"
        FROM cycle WHERE search_id = ? ORDER BY cycle
        """,
        [search_id],
    )


def heartbeats(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """The latest sign of life of each process of a search, the controller (trial_id missing) first.

    Columns: trial_id, pid, host, stage, epoch, done, total, unit, rss_bytes (bytes), at.
    """
    return _frame(
        cursor,
        """
        SELECT nullif(trial_id, '') AS trial_id, pid, host, stage, epoch, done, total, unit, rss_bytes,
            recorded_at AS "at"
        FROM heartbeat WHERE search_id = ? ORDER BY heartbeat.trial_id
        """,
        [search_id],
    )


def epochs_saved(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """What reuse has saved, one row: reused (epochs taken over), total (epochs asked for), trials."""
    return _frame(
        cursor,
        """
        SELECT CAST(coalesce(sum(reused_epochs), 0) AS BIGINT) AS reused,
            CAST(coalesce(sum(epochs), 0) AS BIGINT) AS total, count(*) AS trials
        FROM trial_record WHERE search_id = ?
        """,
        [search_id],
    )


# --- trials -------------------------------------------------------------------------------------------------------


def trials(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """All trials of a search, in the order asked.

    Columns: trial_id, search_id, cycle (missing for final), coordinate, learning_rate, batch_size, epochs, seed,
    de_count (while it ran), status, reused_epochs, from_trial_id, train_loss, train_accuracy, val_loss,
    val_accuracy (of the last epoch), test_loss, test_accuracy, started_at, finished_at, error, settings (JSON),
    position, attempt, files_bytes (bytes), heartbeat_at, epochs_done, pid, host, lost (as of this call).
    """
    frame = _frame(cursor, "SELECT * FROM trial WHERE search_id = ? ORDER BY position, trial_id", [search_id])
    return with_lost(frame.assign(lost=False), event="started_at")


def trial(cursor: Cursor, trial_id: str) -> pd.DataFrame:
    """One trial, one row (none when unknown). Columns: those of `trials`."""
    frame = _frame(cursor, "SELECT * FROM trial WHERE trial_id = ?", [trial_id])
    return with_lost(frame.assign(lost=False), event="started_at")


def epochs(cursor: Cursor, trial_ids: Sequence[str], splits: Sequence[str] | None = None) -> pd.DataFrame:
    """Curves of any number of trials, by trial, split and epoch; of all splits unless some are named.

    Columns: trial_id, epoch, split, loss, accuracy, seconds (of the whole epoch), images_per_second, at, reused.
    """
    return _frame(
        cursor,
        """
        SELECT trial_id, epoch, split, loss, accuracy, seconds, images_per_second, "at", reused
        FROM epoch WHERE list_contains(?::VARCHAR[], trial_id) AND (?::VARCHAR[] IS NULL OR list_contains(?, split))
        ORDER BY trial_id, split, epoch
        """,
        [list(trial_ids), None if splits is None else list(splits), None if splits is None else list(splits)],
    )


def class_epochs(cursor: Cursor, trial_id: str, split: str) -> pd.DataFrame:
    """Counts, loss and AUC of each class at every epoch, by epoch and class.

    Columns: epoch, class, class_index, support, tp, fp, tn, fn (images), loss, auc.
    """
    return _frame(
        cursor,
        """
        SELECT epoch, class, class_index, support, tp, fp, tn, fn, loss, auc
        FROM class_metric WHERE trial_id = ? AND split = ? ORDER BY epoch, class_index
        """,
        [trial_id, split],
    )


_LAST = "(SELECT max(epoch) FROM epoch_split WHERE trial_id = ? AND split = ?)"


def class_report(cursor: Cursor, trial_id: str, split: str, epoch: int | None = None) -> pd.DataFrame:
    """Rates of each class after one epoch (the last unless named), in class order.

    Columns: class, support (images), precision, recall, specificity, f1 (0 where undefined), auc, loss.
    """
    return _frame(
        cursor,
        f"""
        SELECT class, support, precision, recall, specificity, f1, auc, loss
        FROM class_report WHERE trial_id = ? AND split = ? AND epoch = coalesce(?, {_LAST}) ORDER BY class_index
        """,
        [trial_id, split, epoch, trial_id, split],
    )


def confusion(cursor: Cursor, trial_id: str, split: str) -> pd.DataFrame:
    """The confusion matrix after the last epoch that has one: a row for each pair of classes, in class order.

    Columns: true_class, predicted_class, count (images).
    """
    return _frame(
        cursor,
        """
        SELECT true_class, predicted_class, count
        FROM confusion WHERE trial_id = ? AND split = ? ORDER BY true_index, predicted_index
        """,
        [trial_id, split],
    )


def predictions(cursor: Cursor, trial_id: str, split: str, epoch: int | None = None) -> pd.DataFrame:
    """Probabilities of every image after one epoch (the last unless named), by image.

    Columns: image_id, path (relative to the dataset's root), true_class, probabilities (list, in class order).
    """
    return _frame(
        cursor,
        f"""
        SELECT p.image_id, i.path, p.true_class, p.probabilities
        FROM prediction p
        LEFT JOIN search_data s ON s.search_id = p.search_id
        LEFT JOIN image i ON i.dataset_id = s.dataset_id AND i.image_id = p.image_id
        WHERE p.trial_id = ? AND p.split = ? AND p.epoch = coalesce(?, {_LAST})
        ORDER BY p.image_id
        """,
        [trial_id, split, epoch, trial_id, split],
    )


# --- data ---------------------------------------------------------------------------------------------------------


def dataset(cursor: Cursor, dataset_id: str) -> pd.DataFrame:
    """One dataset, one row (none when unknown).

    Columns: dataset_id, name, root, classes (list), split_origin (given | made), split_seed, fractions (JSON),
    synthetic, usable, bad (images), at.
    """
    return _frame(
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
    return _frame(
        cursor,
        """
        SELECT class, split, count(*) AS count
        FROM image WHERE dataset_id = ? AND status = 'ok' GROUP BY class, split ORDER BY class, split
        """,
        [dataset_id],
    )


def images(cursor: Cursor, dataset_id: str, status: str | None = None) -> pd.DataFrame:
    """Files of a dataset, by image_id; only those of a status (ok | bad) if one is named.

    Columns: image_id, path, sha256, pixel_sha256, class, split, group_id, source, width, height (pixels), status,
    reason.
    """
    return _frame(
        cursor,
        """
        SELECT image_id, path, sha256, pixel_sha256, class, split, group_id, source, width, height, status, reason
        FROM image WHERE dataset_id = ? AND (?::VARCHAR IS NULL OR status = ?) ORDER BY image_id
        """,
        [dataset_id, status, status],
    )


def readings(cursor: Cursor, limit: int = 100) -> pd.DataFrame:
    """The latest live predictions, newest first.

    Columns: reading_id, model_trial_id, file_name, image_sha256, classes (list), probabilities (list), flags (JSON),
    decided_by, decision, at.
    """
    return _frame(
        cursor,
        """
        SELECT reading_id, model_trial_id, file_name, image_sha256, classes, probabilities, flags, decided_by,
            decision, recorded_at AS "at"
        FROM reading ORDER BY recorded_at DESC, reading_id LIMIT ?
        """,
        [limit],
    )


# --- the store itself ---------------------------------------------------------------------------------------------


def journals(cursor: Cursor) -> pd.DataFrame:
    """How far each journal has been applied.

    Columns: path, search_id, read_bytes, records, damaged, unknown (lines), read_at.
    """
    return _frame(cursor, "SELECT * FROM journal ORDER BY path")


def damage(cursor: Cursor) -> pd.DataFrame:
    """Journal lines that were left out. Columns: journal, line_at (byte position), reason."""
    return _frame(cursor, "SELECT * FROM damage ORDER BY journal, line_at")
