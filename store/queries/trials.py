"""Trials: their epochs, rates per class, confusion matrices and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.liveness import with_lost
from store.queries.frame import Cursor, frame


def trials(cursor: Cursor, search_id: str) -> pd.DataFrame:
    """All trials of a search, in the order asked.

    Columns: trial_id, search_id, cycle (missing for final and what-if), coordinate, learning_rate, batch_size, epochs,
    seed, de_count (while it ran), status, reused_epochs, from_trial_id, train_loss, train_accuracy, val_loss,
    val_accuracy (of the last epoch), test_loss, test_accuracy, started_at, finished_at, error, settings (JSON),
    position, attempt, files_bytes (bytes), heartbeat_at, epochs_done, pid, host, backbone, recipe, image_size (px),
    swap_accuracy (on validation images in the looks of another source), parameters, predict_images_per_second,
    peak_rss_bytes, lost (as of this call).
    """
    found = frame(cursor, "SELECT * FROM trial WHERE search_id = ? ORDER BY position, trial_id", [search_id])
    return with_lost(found.assign(lost=False), event="started_at")


def trial(cursor: Cursor, trial_id: str) -> pd.DataFrame:
    """One trial, one row (none when unknown). Columns: those of `trials`."""
    found = frame(cursor, "SELECT * FROM trial WHERE trial_id = ?", [trial_id])
    return with_lost(found.assign(lost=False), event="started_at")


def epochs(cursor: Cursor, trial_ids: Sequence[str], splits: Sequence[str] | None = None) -> pd.DataFrame:
    """Curves of any number of trials, by trial, split and epoch; of all splits unless some are named.

    Columns: trial_id, epoch, split, loss, accuracy, seconds (of the training part), images_per_second, at, reused.
    """
    return frame(
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
    return frame(
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
    return frame(
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
    return frame(
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
    return frame(
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
