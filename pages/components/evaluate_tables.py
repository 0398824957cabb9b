"""What the probabilities of single images give, as tables: curves, areas, reliability, the images themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.bootstrap import Areas
from core.evaluation.calibration import Reliability
from core.evaluation.intervals import Estimate, wilson
from core.evaluation.precision_recall import class_precision_recall, micro_precision_recall
from core.evaluation.roc import class_curves, macro_curve, micro_curve

POINTS = 400  # of a curve that are drawn; more cannot be told apart on a screen
NAN = float("nan")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def roc_points(true: Ints, probabilities: Floats, classes: list[str]) -> pd.DataFrame:
    """Points of the ROC curves, a row each: name, false_positive_rate, true_positive_rate.

    `true` are class indices (n,), `probabilities` (n, C). Classes without images have none; micro and macro come last.
    """
    curves = class_curves(true, probabilities, classes) if len(true) else {}
    averages = [micro_curve(true, probabilities), macro_curve(curves)] if curves else []
    parts = [
        _points(curve.name, {"false_positive_rate": curve.false_positive_rate,
                             "true_positive_rate": curve.true_positive_rate})
        for curve in [*curves.values(), *averages] if curve is not None
    ]  # fmt: skip
    return _joined(parts, ["name", "false_positive_rate", "true_positive_rate"])


def precision_recall_points(true: Ints, probabilities: Floats, classes: list[str]) -> pd.DataFrame:
    """Points of the precision-recall curves, a row each: name, recall, precision, share (of positives).

    Arguments as of `roc_points`; micro comes last, and there is no macro curve.
    """
    curves = class_precision_recall(true, probabilities, classes) if len(true) else {}
    micro = micro_precision_recall(true, probabilities) if curves else None
    parts = [
        _points(curve.name, {"recall": curve.recall, "precision": curve.precision}).assign(share=curve.share)
        for curve in [*curves.values(), micro] if curve is not None
    ]  # fmt: skip
    return _joined(parts, ["name", "recall", "precision", "share"])


def areas_table(roc: Areas, precision: Areas, true: Ints, classes: list[str]) -> pd.DataFrame:
    """A row a class, then micro and macro: name, AUC with interval and its method, average precision likewise, images.

    `images` are those of the class, `others` the rest; of the averages `images` are all.
    """
    support = np.bincount(true, minlength=len(classes))
    n = len(true)
    rows: list[dict[str, Any]] = []
    for index, name in enumerate(classes):
        rows.append(_area_row(name, roc.classes[index], precision.classes[index], int(support[index]), n))
    rows.append(_area_row("micro", roc.micro, precision.micro, n, None))
    rows.append(_area_row("macro", roc.macro, precision.macro, n, None))
    return pd.DataFrame(rows)


def legend(table: pd.DataFrame, figure: str) -> dict[str, str]:
    """'0.9987 (0.9931 to 0.9998)' of each name of `areas_table`; `figure` is AUC or average precision."""
    out = {}
    for row in table.to_dict("records"):
        if not np.isnan(row[figure]):
            low, high = row[f"{figure} low"], row[f"{figure} high"]
            bounds = "" if np.isnan(low) else f" ({low:.4f} to {high:.4f})"
            out[str(row["name"])] = f"{row[figure]:.4f}{bounds}"
    return out


def bins_table(found: Reliability) -> pd.DataFrame:
    """A row a bin: low, high (edges), images, right, confidence, accuracy, `accuracy low` and `high` (95 %, Wilson).

    What an empty bin has none of is NaN.
    """
    rows = []
    for index, (images, right) in enumerate(zip(found.images.tolist(), found.right.tolist(), strict=True)):
        low, high = wilson(right, images) if images else (NAN, NAN)
        rows.append(
            {
                "low": found.edges[index], "high": found.edges[index + 1], "images": images, "right": right,
                "confidence": found.confidence[index], "accuracy": right / images if images else NAN,
                "accuracy low": low, "accuracy high": high,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def images_table(images: pd.DataFrame, true: Ints, probabilities: Floats, classes: list[str]) -> pd.DataFrame:
    """A row an image, the surest first: image_id, path, true_class, called, probability (of called), of_true, right.

    `images` has image_id and path, in the order of `true` (n,) and `probabilities` (n, C).
    """
    names = np.array(classes, dtype=object)
    called = probabilities.argmax(axis=1) if len(true) else np.empty(0, dtype=np.int64)
    rows = np.arange(len(true))
    table = pd.DataFrame(
        {
            "image_id": images["image_id"].to_numpy(),
            "path": images["path"].to_numpy(),
            "true_class": names[true],
            "called": names[called],
            "probability": probabilities[rows, called],
            "of_true": probabilities[rows, true],
            "right": called == true,
        }
    )
    return table.sort_values(["probability", "image_id"], ascending=[False, True], ignore_index=True)


def _area_row(
    name: str, roc: Estimate | None, precision: Estimate | None, images: int, n: int | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name}
    for label, one in (("AUC", roc), ("average precision", precision)):
        values = (NAN, NAN, NAN, None) if one is None else (one.value, one.low, one.high, one.method)
        row |= dict(zip((label, f"{label} low", f"{label} high", f"{label} interval by"), values, strict=True))
    return row | {"images": images, "others": NAN if n is None else n - images}


def _points(name: str, columns: dict[str, Floats]) -> pd.DataFrame:
    """The curve's points, thinned to about POINTS along its length: the first and the last of each piece stay."""
    x, y = columns.values()
    if len(x) > 2 * POINTS:
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        piece = (along / along[-1] * POINTS).astype(np.int64)
        change = np.flatnonzero(np.diff(piece))
        keep = np.unique(np.concatenate([[0], change, change + 1, [len(x) - 1]]))
        columns = {column: values[keep] for column, values in columns.items()}
    return pd.DataFrame({"name": name, **columns})


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
