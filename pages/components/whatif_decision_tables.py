"""What an operating point does on one split, as tables. pandas and NumPy only, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.decision import Costs, Rule, Thresholds, decide, decision_matrix, sweep
from core.evaluation.fusion import Outputs
from core.evaluation.intervals import wilson
from core.evaluation.prevalence import MEASURES, mean_at, rates_at, shares_of

Shares = NDArray[np.float64]
COLUMNS = ["class", "measure", "value", "low", "high", "successes", "n", "interval"]
WORDS = {"sensitivity": "sensitivity", "specificity": "specificity", "ppv": "PPV", "npv": "NPV"}
WILSON = "Wilson"
SIMULATED = "Jeffreys, simulated"  # core.evaluation.prevalence says how


@dataclass(frozen=True)
class Judged:
    """One split under one rule: the matrix of decisions (C, C + 1) and the rates of each class, at one prevalence."""

    matrix: NDArray[np.int64]
    rates: pd.DataFrame  # COLUMNS
    right: tuple[float, float, float]  # share of images decided rightly, low, high
    referred: tuple[float, float, float]
    cost: tuple[float, float, float] | None  # a mean an image; None without a cost matrix

    @property
    def n(self) -> int:
        return int(self.matrix.sum())


def judge(rule: Rule, outputs: Outputs, classes: Sequence[str], shares: Shares | None) -> Judged:
    """`shares` is the prevalence (C,), sum 1, at which specificity, PPV and NPV are told; None: the images' own."""
    n_classes = len(classes)
    matrix = decision_matrix(outputs.true, decide(rule, outputs.probabilities), n_classes)
    own = shares_of(matrix.sum(axis=1))
    right = np.eye(n_classes, n_classes + 1)
    refer = np.zeros_like(right)
    refer[:, -1] = 1
    rates = counted(matrix, classes)
    if shares is not None:
        rates = at_prevalence(rates, matrix, classes, shares)
    return Judged(
        matrix,
        rates,
        _share(matrix, right, shares),
        _share(matrix, refer, shares),
        mean_at(matrix, rule.matrix, own if shares is None else shares) if isinstance(rule, Costs) else None,
    )


def counted(matrix: NDArray[np.int64], classes: Sequence[str]) -> pd.DataFrame:
    """MEASURES of each class as shares of the images, with 95 % Wilson intervals: a row each, COLUMNS.

    A referred image is not decided as any class. A share of nothing is NaN, and so is its interval.
    """
    rows = []
    for index, name in enumerate(classes):
        tp = int(matrix[index, index])
        called, support, n = int(matrix[:, index].sum()), int(matrix[index].sum()), int(matrix.sum())
        tn = n - support - called + tp
        for measure, good, of in (
            ("sensitivity", tp, support),
            ("specificity", tn, n - support),
            ("ppv", tp, called),
            ("npv", tn, n - called),
        ):
            low, high = wilson(good, of) if of else (np.nan, np.nan)
            rows.append((name, measure, good / of if of else np.nan, low, high, good, of, WILSON))
    return pd.DataFrame(rows, columns=COLUMNS)


def at_prevalence(
    rates: pd.DataFrame, matrix: NDArray[np.int64], classes: Sequence[str], shares: Shares
) -> pd.DataFrame:
    """`rates` with specificity, PPV and NPV as they are where the classes have the shares (C,)."""
    found = rates_at(matrix, shares)
    rates = rates.copy()
    for measure in MEASURES[1:]:  # a sensitivity rests on one class and stays
        rows = (rates["measure"] == measure).to_numpy()
        rates.loc[rows, ["value", "low", "high"]] = np.c_[found[measure].value, found[measure].interval]
        rates.loc[rows, "interval"] = SIMULATED
    return rates


def _share(matrix: NDArray[np.int64], of: Shares, shares: Shares | None) -> tuple[float, float, float]:
    if shares is not None:
        return mean_at(matrix, of, shares)
    good, n = int((matrix * of).sum()), int(matrix.sum())
    return (good / n if n else float("nan"), *wilson(good, n))


def with_interval(value: float, low: float, high: float, digits: int = 4) -> str:
    """'0.9833 (0.9113 to 0.9971)', or '–'."""
    if np.isnan(value):
        return "–"
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def wide(splits: dict[str, Judged], classes: Sequence[str]) -> pd.DataFrame:
    """A row a class and split, in words: class, images (split), n, and each measure with its interval."""
    rows = []
    for name in classes:
        for split, judged in splits.items():
            own = {rate["measure"]: rate for rate in judged.rates[judged.rates["class"] == name].to_dict("records")}
            row: dict[str, object] = {"class": name, "images": split, "n": own["sensitivity"]["n"]}
            for measure in MEASURES:
                row[WORDS[measure]] = with_interval(*(own[measure][column] for column in ("value", "low", "high")))
            rows.append(row)
    return pd.DataFrame(rows)


def curves(rule: Thresholds, outputs: Outputs, index: int, shares: Shares | None) -> pd.DataFrame:
    """What the threshold of one class would do: threshold, measure, value; specificity and PPV at the prevalence."""
    n_classes = len(rule.values)
    own = shares_of(np.bincount(outputs.true, minlength=n_classes))
    swept = sweep(rule, outputs.true, outputs.probabilities, index, own if shares is None else shares)
    parts = [
        pd.DataFrame({"threshold": swept.thresholds, "measure": measure, "value": getattr(swept, measure)})
        for measure in MEASURES[:3]
    ]
    return pd.concat(parts, ignore_index=True)


def long_csv(splits: dict[str, Judged]) -> str:
    """Every rate with its interval, counts and method as CSV."""
    parts = [judged.rates.assign(images=split) for split, judged in splits.items()]
    return str(pd.concat(parts, ignore_index=True).to_csv(index=False))


def matrix_csv(splits: dict[str, Judged], classes: Sequence[str]) -> str:
    """The matrices of decisions as CSV: split, true class, decision, images."""
    decisions = [*classes, "refer"]
    rows = [
        (split, true, decided, int(judged.matrix[row, column]))
        for split, judged in splits.items()
        for row, true in enumerate(classes)
        for column, decided in enumerate(decisions)
    ]
    return str(pd.DataFrame(rows, columns=["images", "true_class", "decision", "count"]).to_csv(index=False))


def in_words(rule: Rule, classes: Sequence[str]) -> str:
    """'thresholds a 0.2, b 0.05; below all: refer to an expert' or 'costs: ...' with what differs from 0 and 1."""
    if isinstance(rule, Thresholds):
        listed = ", ".join(f"{name} {value:.4g}" for name, value in zip(classes, rule.values, strict=True))
        return f"thresholds {listed}; below all: {'refer to an expert' if rule.refer else 'the largest ratio'}"
    decisions = [*classes, "referral"]
    odd = [
        f"{true} as {decided} {cost:g}" if decided != "referral" else f"referral of {true} {cost:g}"
        for row, true in enumerate(classes)
        for column, decided in enumerate(decisions)
        if (cost := rule.matrix[row][column]) != float(row != column)
    ]
    return "costs 0 and 1" + (f", but {', '.join(odd)}" if odd else "")


def of_a_thousand(judged: Judged, classes: Sequence[str], index: int, shares: Shares | None) -> str:
    """What to expect of 1,000 images or cells for one class; '' where a rate is unknown."""
    name = classes[index]
    rates = judged.rates[judged.rates["class"] == name].set_index("measure")["value"]
    own = shares_of(judged.matrix.sum(axis=1)) if shares is None else shares
    share = float(own[index])
    if np.isnan(rates["sensitivity"]) or np.isnan(rates["specificity"]):
        return ""
    present, found = 1000 * share, 1000 * share * rates["sensitivity"]
    false = 1000 * (1 - share) * (1 - rates["specificity"])
    return (
        f"Of 1,000 cells, {present:.3g} are {name}: {found:.3g} of them are decided so, "
        f"and so {'is' if round(false, 1) == 1 else 'are'} {false:.3g} of the others."
    )
