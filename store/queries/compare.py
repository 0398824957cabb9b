"""Any number of trials of any number of searches, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.queries.frame import Cursor, frame


def trial_names(cursor: Cursor) -> pd.DataFrame:
    """Every trial of every search, for choosing: newest search first, the published one last, in the order asked.

    Columns: trial_id, search_id, search_name, position, cycle, coordinate, learning_rate, batch_size, epochs, seed.
    """
    return frame(
        cursor,
        """
        SELECT t.trial_id, t.search_id, s.name AS search_name, t.position, t.cycle, t.coordinate, t.learning_rate,
            t.batch_size, t.epochs, t.seed
        FROM trial_record t JOIN search_record s ON s.search_id = t.search_id
        ORDER BY s.recorded_at DESC NULLS LAST, t.search_id DESC, t.position, t.trial_id
        """,
    )


def compared(cursor: Cursor, search_ids: Sequence[str]) -> pd.DataFrame:
    """All trials of some searches, with their scores and all that they were trained with, in the order of the ids.

    Columns: trial_id, search_id, position, cycle, coordinate, learning_rate, batch_size, epochs, seed, status,
    reused_epochs, from_trial_id, epochs_done, train_loss, train_accuracy, val_loss, val_accuracy, test_loss,
    test_accuracy, seconds (median of the epochs that it trained itself), settings (JSON), search_name, origin (own |
    published), dataset_id, dataset_name, search_settings (JSON), settled (JSON), environment (JSON).
    """
    ids = list(search_ids)
    return frame(
        cursor,
        """
        WITH wanted AS (
            SELECT unnest(?::VARCHAR[]) AS search_id, unnest(range(len(?::VARCHAR[]))) AS place
        ), pace AS (
            SELECT trial_id, median(seconds) AS seconds
            FROM epoch_split SEMI JOIN wanted USING (search_id)
            WHERE split = 'train' AND NOT coalesce(reused, false) GROUP BY trial_id
        )
        SELECT t.trial_id, t.search_id, t.position, t.cycle, t.coordinate, t.learning_rate, t.batch_size, t.epochs,
            t.seed, t.status, t.reused_epochs, t.from_trial_id, t.epochs_done, t.train_loss, t.train_accuracy,
            t.val_loss, t.val_accuracy, t.test_loss, t.test_accuracy, p.seconds, t.settings, s.name AS search_name,
            s.origin, c.dataset_id, d.name AS dataset_name, s.settings AS search_settings, c.settled, s.environment
        FROM wanted w
        JOIN trial t ON t.search_id = w.search_id
        JOIN search_record s ON s.search_id = w.search_id
        LEFT JOIN search_data c ON c.search_id = w.search_id
        LEFT JOIN pace p ON p.trial_id = t.trial_id
        LEFT JOIN dataset d ON d.dataset_id = c.dataset_id
        ORDER BY w.place, t.position, t.trial_id
        """,
        [ids, ids],
    )


def outcomes(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """What any number of trials gave and cost, in the order of the ids.

    Columns: trial_id, search_id, search_name, origin (own | published), position, cycle, coordinate, learning_rate,
    batch_size, epochs, seed, status, backbone, recipe, image_size (px), settled (JSON of the search), val_accuracy,
    swap_accuracy (validation images in the looks of another source), test_accuracy, val_n, swap_n, test_n (images),
    parameters, train_images_per_second (median of the epochs that it trained itself), predict_images_per_second,
    peak_rss_bytes.
    """
    ids = list(trial_ids)
    return frame(
        cursor,
        """
        WITH wanted AS (
            SELECT unnest(?::VARCHAR[]) AS trial_id, unnest(range(len(?::VARCHAR[]))) AS place
        ), known AS (
            SELECT trial_id, median(images_per_second) FILTER (WHERE split = 'train' AND NOT coalesce(reused, false))
                    AS train_images_per_second,
                arg_max_null(list_sum(support), epoch) FILTER (WHERE split = 'val') AS val_n,
                arg_max_null(list_sum(support), epoch) FILTER (WHERE split = 'swap') AS swap_n,
                arg_max_null(list_sum(support), epoch) FILTER (WHERE split = 'test') AS test_n
            FROM epoch_split SEMI JOIN wanted USING (trial_id) GROUP BY trial_id
        )
        SELECT t.trial_id, t.search_id, s.name AS search_name, s.origin, t.position, t.cycle, t.coordinate,
            t.learning_rate, t.batch_size, t.epochs, t.seed, t.status, t.backbone, t.recipe, t.image_size, c.settled,
            t.val_accuracy, t.swap_accuracy, t.test_accuracy, k.val_n, k.swap_n, k.test_n, t.parameters,
            k.train_images_per_second, t.predict_images_per_second, t.peak_rss_bytes
        FROM wanted w
        JOIN trial t ON t.trial_id = w.trial_id
        JOIN search_record s ON s.search_id = t.search_id
        LEFT JOIN search_data c ON c.search_id = t.search_id
        LEFT JOIN known k ON k.trial_id = t.trial_id
        ORDER BY w.place
        """,
        [ids, ids],
    )


def class_ends(cursor: Cursor, trial_ids: Sequence[str], split: str) -> pd.DataFrame:
    """Counts, loss and AUC of each class after the last epoch of each trial that has counts, by trial and class.

    Columns: trial_id, epoch, class, class_index, support, tp, fp, tn, fn (images), loss, auc.
    """
    return frame(
        cursor,
        """
        WITH last AS MATERIALIZED (  -- by row number, so that no list of another epoch is read
            SELECT arg_max(rowid, epoch) AS line FROM epoch_split
            WHERE list_contains($ids::VARCHAR[], trial_id) AND split = $split AND tp IS NOT NULL GROUP BY trial_id
        ), by_class AS (
            SELECT e.*, unnest(range(1, len(e.support) + 1)) AS i
            FROM epoch_split e WHERE e.rowid IN (SELECT line FROM last)
        )
        SELECT e.trial_id, e.epoch, coalesce(d.classes[e.i], 'class ' || (e.i - 1)) AS class, e.i - 1 AS class_index,
            e.support[e.i] AS support, e.tp[e.i] AS tp, e.fp[e.i] AS fp, e.tn[e.i] AS tn, e.fn[e.i] AS fn,
            e.class_loss[e.i] AS loss, e.class_auc[e.i] AS auc
        FROM by_class e
        LEFT JOIN search_data s ON s.search_id = e.search_id
        LEFT JOIN dataset d ON d.dataset_id = s.dataset_id
        ORDER BY e.trial_id, e.i
        """,
        {"ids": list(trial_ids), "split": split},
    )


_RATE = "list_avg(list_transform(list_zip({0}, {1}), lambda z: coalesce(z[1] / nullif(z[1] + z[2], 0), 0)))"


def class_curves(
    cursor: Cursor, trial_ids: Sequence[str], splits: Sequence[str], name: str | None = None
) -> pd.DataFrame:
    """Rates over the epochs of any number of trials: of one class, or the plain means over all classes.

    Columns: trial_id, split, epoch, seconds (of the training part), loss, accuracy (of a class: one against the rest),
    precision, recall, specificity, f1 (0 where undefined), auc (missing where a class has none).
    """
    return frame(
        cursor,
        f"""
        WITH whole AS (
            SELECT e.*, list_position(d.classes, $name::VARCHAR) AS i
            FROM epoch_split e
            LEFT JOIN search_data s ON s.search_id = e.search_id
            LEFT JOIN dataset d ON d.dataset_id = s.dataset_id
            WHERE list_contains($ids::VARCHAR[], e.trial_id) AND list_contains($splits::VARCHAR[], e.split)
                AND e.tp IS NOT NULL
        ), part AS (  -- the wanted classes alone, so that a mean of one is that one
            SELECT trial_id, split, epoch, seconds, loss, accuracy, tp, fp, tn, fn, class_auc AS auc
            FROM whole WHERE $name::VARCHAR IS NULL
            UNION ALL
            SELECT trial_id, split, epoch, seconds, class_loss[i], (tp[i] + tn[i]) / (tp[i] + fp[i] + tn[i] + fn[i]),
                [tp[i]], [fp[i]], [tn[i]], [fn[i]], [class_auc[i]]
            FROM whole WHERE i IS NOT NULL
        )
        SELECT trial_id, split, epoch, seconds, loss, accuracy, {_RATE.format("tp", "fp")} AS precision,
            {_RATE.format("tp", "fn")} AS recall, {_RATE.format("tn", "fp")} AS specificity,
            list_avg(list_transform(list_zip(tp, fp, fn),
                lambda z: coalesce(2 * z[1] / nullif(2 * z[1] + z[2] + z[3], 0), 0))) AS f1,
            CASE WHEN list_count(auc) = len(auc) THEN list_avg(auc) END AS auc
        FROM part ORDER BY trial_id, split, epoch
        """,
        {"ids": list(trial_ids), "splits": list(splits), "name": name},
    )
