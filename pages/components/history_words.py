"""How a reading and a review are said, in tables, on cards and in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.prediction.reading import REFER, Decision, Kind, name_of
from core.prediction.reading_words import RESULTS
from core.prediction.wording import percent
from pages.charts.wording import missing
from pages.components.history_filter import RAISED, THROUGH

NO_DECISION = "not recorded"  # by the version that made the reading


def plain_list(value: Any) -> list[Any]:
    """A list column's value; empty where it is missing."""
    return list(value) if isinstance(value, list | tuple | np.ndarray) else []


def decision_words(row: Mapping[Any, Any]) -> str:
    """'Monocyte', 'Monocyte or erythroblast', 'Refer to an expert'."""
    if missing(row["decision"]):
        return NO_DECISION
    kind: Kind = row["decision"]
    return Decision(kind, tuple(map(str, plain_list(row["decided_classes"]))), "").words


def review_words(row: Mapping[Any, Any], class_: str = "expert_class") -> str:
    """'monocyte (confirmed)', 'lymphocyte (corrected)', 'referred'; '' without a review."""
    if missing(row["verdict"]):
        return ""
    if row["verdict"] == REFER:
        return "referred"
    return f"{name_of(str(row[class_]))} ({'confirmed' if row['verdict'] == 'confirm' else 'corrected'})"


def highest(row: Mapping[Any, Any]) -> str:
    """The highest probability; '' where none is on record."""
    shares = list(map(float, plain_list(row["probabilities"])))
    return percent(max(shares)) if shares else ""


def raised_words(row: Mapping[Any, Any]) -> str:
    return ", ".join(RAISED.get(str(one), str(one)) for one in plain_list(row["raised"]))


def through_words(row: Mapping[Any, Any]) -> str:
    return "" if missing(row["through"]) else THROUGH.get(str(row["through"]), str(row["through"]))


def checks(flags: Any) -> pd.DataFrame:
    """check, result (raised | not raised | not checked), reason: of the JSON of a reading's flags, of either form."""
    found = [] if missing(flags) else json.loads(str(flags))
    if isinstance(found, dict):
        rows = [(RAISED.get(name, name), "", json.dumps(said)) for name, said in found.items()]
    else:
        rows = [(RAISED.get(one["name"], one["name"]), RESULTS[one["raised"]], one["reason"]) for one in found]
    return pd.DataFrame(rows, columns=["check", "result", "reason"])


def as_file(readings: pd.DataFrame) -> pd.DataFrame:
    """Readings with their latest review as a flat table: lists as text, a column a class for the probabilities."""
    rows = []
    for row in readings.to_dict("records"):
        flat = {
            str(name): " ".join(map(str, value)) if name == "box" else "; ".join(map(str, value))
            if isinstance(value, np.ndarray | list) else value
            for name, value in row.items() if name not in ("classes", "probabilities")
        }  # fmt: skip
        each = zip(plain_list(row["classes"]), plain_list(row["probabilities"]), strict=True)
        rows.append(flat | {f"p_{name}": probability for name, probability in each})
    return pd.DataFrame(rows, columns=None if rows else list(readings.columns))
