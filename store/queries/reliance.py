"""What stands behind a model's readings: its calibration, and how far its readings hold."""

from __future__ import annotations

import pandas as pd

from store.queries.frame import Cursor, frame


def calibrations(cursor: Cursor, model_id: str) -> pd.DataFrame:
    """The calibrations of a trial or a fusion, one row a runtime.

    Columns: model_id, runtime, weights_sha256, classes (list), images (list), coverage (list), temperature,
    loss_before, loss_after, watched, threshold, sensitivity, at.
    """
    return frame(
        cursor,
        """
        SELECT model_id, runtime, weights_sha256, classes, images, coverage, temperature, loss_before, loss_after,
            watched, threshold, sensitivity, recorded_at AS "at"
        FROM calibration WHERE model_id = ? ORDER BY runtime
        """,
        [model_id],
    )


def reading_checks(cursor: Cursor, model_id: str) -> pd.DataFrame:
    """How far the readings of a trial or a fusion hold, the latest of each set of images, test images first.

    Columns: model_id, runtime, images (test, or a dataset_id), name (of the dataset; missing for test), kind (test |
    external | out_of_scope), n, weights_sha256, figures (JSON), at.
    """
    return frame(
        cursor,
        """
        SELECT c.model_id, c.runtime, c.images, d.name, c.kind, c.n, c.weights_sha256, c.figures,
            c.recorded_at AS "at"
        FROM reading_check c LEFT JOIN dataset d ON d.dataset_id = c.images WHERE c.model_id = ?
        ORDER BY c.kind = 'test' DESC, c.kind, c.images, c.runtime
        """,
        [model_id],
    )
