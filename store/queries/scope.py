"""How strange images are to trials: their own calibration and test images, and images that show none of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from store.queries.frame import Cursor, frame


def scope_fits(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """The latest fit of any number of trials, by trial.

    Columns: trial_id, search_id, fit (hash), n_train, n_calibration, n_test (images), n_features, shrinkage, version
    (of the scores), seconds, at.
    """
    return frame(
        cursor,
        """
        SELECT trial_id, search_id, fit, n_train, len(calibration_ids) AS n_calibration, len(test_ids) AS n_test,
            n_features, shrinkage, version, seconds, recorded_at AS "at"
        FROM scope_fit WHERE list_contains(?::VARCHAR[], trial_id) ORDER BY trial_id
        """,
        [list(trial_ids)],
    )


def scope_results(cursor: Cursor, trial_ids: Sequence[str]) -> pd.DataFrame:
    """The sets out of scope that any number of trials were judged by, by trial, then by time.

    What rests on an earlier fit is left out.

    Columns: trial_id, search_id, outside_id, name (of the set), n (images), version (of the scores), seconds, at.
    """
    return frame(
        cursor,
        """
        SELECT r.trial_id, r.search_id, r.outside_id, d.name, len(r.image_ids) AS n, r.version, r.seconds,
            r.recorded_at AS "at"
        FROM scope_result r
        JOIN scope_fit f ON f.trial_id = r.trial_id AND f.fit = r.fit
        LEFT JOIN dataset d ON d.dataset_id = r.outside_id
        WHERE list_contains(?::VARCHAR[], r.trial_id) ORDER BY r.trial_id, r.recorded_at, r.outside_id
        """,
        [list(trial_ids)],
    )


def scope_scores(cursor: Cursor, trial_id: str, outside_id: str | None = None) -> pd.DataFrame:
    """The scores of a trial's calibration and test images, and of those of a set out of scope, by part, then image_id.

    Columns: part (calibration | test | outside), dataset_id, image_id, path, class, mahalanobis, energy (higher is
    stranger), mahalanobis_p, energy_p (conformal p-values; missing for calibration images).
    """
    return frame(
        cursor,
        """
        SELECT part, dataset_id, image_id, path, class, mahalanobis, energy, mahalanobis_p, energy_p
        FROM scope_score WHERE trial_id = $trial AND (part <> 'outside' OR dataset_id = $outside)
        ORDER BY part, image_id
        """,
        {"trial": trial_id, "outside": outside_id},
    )
