"""How good one model is on one split, as tables: rates with intervals, Table 4, ROC points. pandas and NumPy only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation.intervals import wilson
from core.evaluation.metrics import COUNTS, Report, report_of
from core.evaluation.roc import class_curves, macro_curve, micro_curve

RATE_COLUMNS = ["class", "rate", "value", "low", "high", "successes", "n"]


def last_epoch(classes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch of `queries.class_epochs`, in class order."""
    if classes.empty:
        return classes
    rows: pd.DataFrame = classes[classes["epoch"] == classes["epoch"].max()]
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
            low, high = wilson(good, n) if n else (float("nan"), float("nan"))
            out.append((row["class"], rate, good / n if n else float("nan"), low, high, good, n))
    return pd.DataFrame(out, columns=RATE_COLUMNS)


def table4(rows: pd.DataFrame) -> pd.DataFrame:
    """The study's Table 4: a row a class and a last one for the macro average; rates in [0, 1], n is the images.

    The macro AUC is missing when a class has none.
    """
    report = rates_of(rows)
    table = pd.DataFrame(
        {
            "class": rows["class"].astype(str).to_numpy(),
            "AUC": rows["auc"].astype(float).to_numpy(),
            "precision": report.precision,
            "recall": report.recall,
            "F1": report.f1,
            "specificity": report.specificity,
            "n": rows["support"].astype(int).to_numpy(),
        }
    )
    mean = {
        "class": "macro average",
        "AUC": table["AUC"].mean(skipna=False),
        "precision": report.macro["precision"],
        "recall": report.macro["recall"],
        "F1": report.macro["f1"],
        "specificity": report.macro["specificity"],
        "n": report.n,
    }
    return pd.concat([table, pd.DataFrame([mean])], ignore_index=True)


def roc_points(predictions: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Points of the ROC curves, a row each: name, false_positive_rate, true_positive_rate, auc.

    `predictions` as from `queries.predictions`. Classes without images have none; micro and macro come last.
    """
    columns = ["name", "false_positive_rate", "true_positive_rate", "auc"]
    if predictions.empty:
        return pd.DataFrame(columns=columns)
    index = {name: position for position, name in enumerate(classes)}
    true = predictions["true_class"].map(index).to_numpy(dtype=np.int64)
    probabilities = np.array(predictions["probabilities"].tolist(), dtype=np.float64)
    curves = class_curves(true, probabilities, classes)
    parts = [
        pd.DataFrame(
            {
                "name": curve.name,
                "false_positive_rate": curve.false_positive_rate,
                "true_positive_rate": curve.true_positive_rate,
                "auc": curve.auc,
            }
        )
        for curve in [*curves.values(), micro_curve(true, probabilities), macro_curve(curves)]
        if curve is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
