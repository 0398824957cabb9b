"""What a trial's out-of-scope score says, as tables. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.scope import LABELS, METHODS
from core.evaluation.scope_summary import Flagged, Verdict, verdict
from pages.charts.scope import INSIDE, OUTSIDE

ALL = "all of them"
TEST = "test images (false alarms)"


def scores_of(rows: pd.DataFrame, part: str, method: str) -> NDArray[np.float64]:
    """Scores (n,) of a part (calibration, test, outside) of `queries.scope_scores`."""
    return rows.loc[rows["part"] == part, method].to_numpy(dtype=np.float64)


def verdicts(rows: pd.DataFrame, alpha: float) -> dict[str, Verdict]:
    """By method, from rows of `queries.scope_scores`. Raises ScopeError for a level that is none."""
    classes = [str(name) for name in rows.loc[rows["part"] == "outside", "class"]]
    found = {}
    for method in METHODS:
        calibration, test, outside = (scores_of(rows, part, method) for part in ("calibration", "test", "outside"))
        found[method] = verdict(calibration, test, outside, classes, alpha)
    return found


def by_class(found: Mapping[str, Verdict]) -> pd.DataFrame:
    """A row a class of the images out of scope, one for all of them, one for the test images.

    Columns: class, n, and of each method flagged, share, low, high (95 % Wilson interval).
    """
    rows = []
    first = found[METHODS[0]]
    names = [*(one.name for one in first.classes), *([ALL] if first.flagged.n else []), TEST]
    for at, name in enumerate(names):
        row: dict[str, object] = {"class": name}
        for method, said in found.items():
            one = [*said.classes, *([said.flagged] if said.flagged.n else []), said.alarms][at]
            row |= {"n": one.n} | _columns(LABELS[method], one)
        rows.append(row)
    return pd.DataFrame(rows)


def histogram_rows(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """Rows for `charts.scope.scope_histogram`: group and score."""
    groups = {"test": INSIDE, "outside": OUTSIDE}
    own = rows[rows["part"].isin(list(groups))]
    return pd.DataFrame({"group": own["part"].map(groups), "score": own[method]}).reset_index(drop=True)


def _columns(label: str, one: Flagged) -> dict[str, object]:
    return {f"{label}: flagged": one.flagged, f"{label}: share": one.share, f"{label}: low": one.low,
            f"{label}: high": one.high}  # fmt: skip
