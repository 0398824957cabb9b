"""Recorded robustness as tables: what is known, rates, curves, where classes break, how long the rest would take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.evaluation.robustness_summary import BASE, Matrices, Rate, breaks, cannot_break, rates, under_shift
from core.evaluation.shifts import SEVERITIES, SHIFTS, UNCHANGED, VERSION, label

ACCURACY = "accuracy"
FORWARD_SHARE = 1 / 3  # of a training step's time that judging an image takes: no backward pass, no optimiser


def matrices_of(rows: pd.DataFrame) -> Matrices:
    """Confusion matrices (C, C) by (shift, severity), from `queries.robustness` rows of one trial.

    What was measured with another version of the shifts is left out.
    """
    found = {}
    for row in rows[rows["version"] == VERSION].to_dict("records"):
        flat = np.asarray(row["confusion"], dtype=np.int64)
        side = round(len(flat) ** 0.5)
        found[str(row["shift"]), int(row["severity"])] = flat.reshape(side, side)
    return found


def mean_under_shift(rows: pd.DataFrame) -> pd.Series:
    """Mean accuracy under shift by trial, of rows of any number of trials; only of trials with every shift whole."""
    means = {}
    for trial_id, own in rows.groupby("trial_id", sort=False):
        found = under_shift(matrices_of(own))
        if found is not None and len(found.shifts) == len(SHIFTS):
            means[str(trial_id)] = found.mean
    return pd.Series(means, dtype=float)


def rates_table(matrices: Matrices, classes: Sequence[str]) -> pd.DataFrame:
    """A row a condition: shift, severity, strength, images, accuracy with interval, and each class's sensitivity.

    A class's columns are its name (sensitivity), `NAME low`, `NAME high` (95 %, Wilson), `NAME right` and `NAME n`.
    """
    table: list[dict[str, object]] = []
    for rate in rates(matrices, classes):
        if rate.class_ is None:
            strength = SHIFTS[rate.shift].strength(rate.severity) if rate.shift in SHIFTS else ""
            table.append({
                "shift": label(rate.shift), "severity": rate.severity, "strength": strength, "images": rate.n,
                ACCURACY: rate.value, "accuracy low": rate.low, "accuracy high": rate.high,
            })  # fmt: skip
        else:
            name = rate.class_
            table[-1] |= {
                name: rate.value, f"{name} low": rate.low, f"{name} high": rate.high, f"{name} right": rate.right,
                f"{name} n": rate.n,
            }  # fmt: skip
    return pd.DataFrame(table)


def curve_rows(matrices: Matrices, classes: Sequence[str], what: str) -> pd.DataFrame:
    """Rows for `charts.robustness.shift_curves`: of the accuracy, or of the sensitivity of the class `what`."""
    wanted = [rate for rate in rates(matrices, classes) if rate.class_ == (None if what == ACCURACY else what)]
    base = [rate for rate in wanted if rate.shift == UNCHANGED]
    shifts = dict.fromkeys(rate.shift for rate in wanted if rate.shift in SHIFTS)
    rows = [(shift, rate) for shift in shifts for rate in (*base, *(one for one in wanted if one.shift == shift))]
    return pd.DataFrame(
        [(label(shift), r.severity, r.value, r.low, r.high, r.right, r.n) for shift, r in rows],
        columns=["label", "severity", "value", "low", "high", "right", "n"],
    )


def break_cells(matrices: Matrices, classes: Sequence[str]) -> pd.DataFrame:
    """Rows for `charts.robustness.break_map`, a row a class and shift, in their order."""
    found = {(one.class_, one.shift): one for one in breaks(matrices, classes)}
    few = set(cannot_break(matrices, classes))
    cells = []
    for name in classes:
        for shift, facts in SHIFTS.items():
            one = found.get((name, shift))
            severity, state, words = float("nan"), "unknown", "not measured, or nothing to lose"
            if one is not None and one.at is not None:
                severity, state = float(one.at.severity), "breaks"
                words = f"severity {one.at.severity}: {_of(one.at)} called right, unchanged {_of(one.unchanged)}"
            elif one is not None and name in few:
                words = f"too few images ({one.unchanged.n}) to tell"
            elif one is not None and one.tried == SEVERITIES:
                state = "holds"
                words = f"at worst {_of(one.lowest)} called right (severity {one.lowest.severity})"
            elif one is not None:
                words = f"severities {', '.join(map(str, one.tried))} do not break it; the others are not measured"
            cells.append((name, facts.label, severity, state, words))
    return pd.DataFrame(cells, columns=["class", "label", "severity", "state", "words"])


def left(matrices: Matrices, support: Sequence[int]) -> int:
    """Conditions of all shifts that are not known on at least `support` images of each class."""
    keys = [BASE, *((shift, severity) for shift in SHIFTS for severity in SEVERITIES)]
    wanted = np.asarray(support)
    known = [
        key in matrices and len(matrices[key]) == len(wanted) and bool((matrices[key].sum(axis=1) >= wanted).all())
        for key in keys
    ]
    return len(keys) - sum(known)


def seconds_an_image(rows: pd.DataFrame, images_per_second: float | None) -> tuple[float | None, str]:
    """How long judging one image takes, and how that is known; None where nothing tells.

    Args:
        rows: of the trial, from `queries.robustness`.
        images_per_second: of its training.
    """
    timed = rows[rows["seconds"].notna()] if len(rows) else rows
    if len(timed):
        images = sum(int(np.sum(confusion)) for confusion in timed["confusion"])
        return float(timed["seconds"].sum()) / max(images, 1), "as measured on this trial"
    if images_per_second:
        return FORWARD_SHARE / images_per_second, "a guess from the pace of its training"
    return None, ""


def _of(rate: Rate) -> str:
    return f"{rate.right} of {rate.n}"
