"""How good one model is on one split, as tables of its counts: rates with intervals, Table 4, the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.bootstrap import Areas
from core.evaluation.intervals import Estimate, wilson
from core.evaluation.metrics import COUNTS, Report, report_of

RATE_COLUMNS = ["class", "rate", "value", "low", "high", "successes", "n"]
MACRO = "macro average"
NAN = float("nan")


def last_epoch(classes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch of `queries.class_epochs`, in class order."""
    return classes if classes.empty else at_epoch(classes, int(classes["epoch"].max()))


def at_epoch(classes: pd.DataFrame, epoch: int | None) -> pd.DataFrame:
    """The rows of one epoch of `queries.class_epochs`, in class order; none where there are none of it."""
    rows: pd.DataFrame = classes[classes["epoch"] == epoch]
    return rows.sort_values("class_index")


def counted(rows: pd.DataFrame) -> bool:
    """Whether the counts of the classes are known (of the published trials mostly not)."""
    return not rows.empty and bool(rows[list(COUNTS)].notna().all(axis=None))


def rates_of(rows: pd.DataFrame) -> Report:
    """The report of the counts of `last_epoch`."""
    return report_of({name: rows[name].to_numpy(dtype=np.int64) for name in COUNTS})


def rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Recall, precision and specificity of each class with their 95 % Wilson intervals, one row each.

    A rate of nothing (no image, or nothing called so) is NaN here, and so is its interval.
    """
    out = []
    for row in rows.to_dict("records"):
        tp, fp, tn, fn = (int(row[name]) for name in ("tp", "fp", "tn", "fn"))
        for rate, good, n in (
            ("recall", tp, tp + fn),
            ("precision", tp, tp + fp),
            ("specificity", tn, tn + fp),
        ):
            low, high = wilson(good, n) if n else (NAN, NAN)
            out.append((row["class"], rate, good / n if n else NAN, low, high, good, n))
    return pd.DataFrame(out, columns=RATE_COLUMNS)


def table4(rows: pd.DataFrame, areas: Areas | None = None, macro: Mapping[str, Estimate] | None = None) -> pd.DataFrame:
    """The study's Table 4: a row a class and a last one for the macro average; rates in [0, 1], n is the images.

    AUC, precision, recall and specificity stand with their 95 % intervals (`... low`, `... high`): Wilson's for the
    rates of a class, those of `areas` for AUC and of `macro` (`macro.macro_rates`) for the averages; NaN where
    neither is given. The macro AUC is missing when a class has none.
    """
    report = rates_of(rows)
    bounds = rates(rows).set_index(["rate", "class"])
    classes = rows["class"].astype(str)
    auc = rows["auc"].astype(float)
    each = areas.classes if areas else [None] * len(rows)
    table: dict[str, list[object]] = {"class": [*classes, MACRO], "AUC": [*auc, auc.mean(skipna=False)]}
    for end in ("low", "high"):
        table[f"AUC {end}"] = [
            NAN if one is None else getattr(one, end) for one in [*each, areas.macro if areas else None]
        ]
    for name, label in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("specificity", "specificity")):
        table[label] = [*getattr(report, name), report.macro[name]]
        if name != "f1":
            for end in ("low", "high"):
                table[f"{label} {end}"] = [
                    *(bounds.loc[(name, cls), end] for cls in classes),
                    getattr(macro[name], end) if macro else NAN,
                ]
    table["n"] = [*rows["support"].astype(int), report.n]
    return pd.DataFrame(table)


def pairs_of(matrix: NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    """A confusion matrix (C, C) as `queries.confusion` gives it: true_class, predicted_class, count."""
    cells = [(true, called, int(matrix[i, j])) for i, true in enumerate(names) for j, called in enumerate(names)]
    return pd.DataFrame(cells, columns=["true_class", "predicted_class", "count"])


def matrix_of(pairs: pd.DataFrame, names: list[str]) -> NDArray[np.int64]:
    """The confusion matrix (C, C), row = true class, of `queries.confusion`."""
    wide = pairs.pivot_table(index="true_class", columns="predicted_class", values="count", aggfunc="sum")
    return wide.reindex(index=names, columns=names).fillna(0).to_numpy(dtype=np.int64)
