"""What the tables and columns mean: the comments of schema.sql, for whoever writes a query."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# The tables that people query, in the order in which they are told. The others hold what records say, behind these.
TABLES = ("search", "cycle", "trial", "epoch", "class_report", "class_metric", "confusion", "prediction", "dataset",
          "image", "image_source", "duplicate_pair", "label_issue", "audit", "external_set", "external_prediction",
          "robustness", "scope_score", "scope_fit", "annotation", "fusion", "operating_point", "calibration",
          "reading_check", "reading", "review", "reviewed_reading", "job")  # fmt: skip

# Columns that the views compute, which schema.sql names several to a line.
_COMPUTED = {
    "search_id": "search.search_id", "trial_id": "trial.trial_id", "image_id": "image.image_id", "path": "image.path",
    "dataset_id": "dataset.dataset_id",
    "created_at": "when it was asked for (UTC)", "finished_at": "when it ended (UTC)",
    "heartbeat_at": "when its process was last heard of (UTC)",
    "train_loss": "of the last epoch", "val_loss": "of the last epoch",
    "test_loss": "of the evaluation after the last epoch",
    "class": "class name", "class_index": "position in dataset.classes, from 0",
    "support": "images of the class", "tp": "true positives, one class against the rest",
    "fp": "false positives, one class against the rest", "tn": "true negatives, one class against the rest",
    "fn": "false negatives, one class against the rest", "auc": "area under the ROC curve, one class against the rest",
    "precision": "tp / (tp + fp); 0 where undefined", "recall": "tp / (tp + fn); 0 where undefined",
    "specificity": "tn / (tn + fp); 0 where undefined", "f1": "2 tp / (2 tp + fp + fn); 0 where undefined",
    "true_class": "class name", "predicted_class": "class name",
    "true_index": "position in dataset.classes, from 0", "predicted_index": "position in dataset.classes, from 0",
}  # fmt: skip

_CREATE = re.compile(r"^CREATE (TABLE|VIEW) (\w+)")
_COMMENT = re.compile(r"^COMMENT ON (?:TABLE|VIEW) (\w+) IS '(.*)';")
_TABLE_COLUMN = re.compile(r"^\s+(\w+) [A-Z].*?-- (.*)$")  # name, type, comment
_VIEW_COLUMN = re.compile(r"^\s.*?\"?(\w+)\"?,?\s+-- (.*)$")  # the last name before the comment


def comment(table: str, column: str = "") -> str:
    """What a table, or one of its columns, holds; '' where nothing is said.

    A view's column without a comment of its own has that of the table column it comes from.
    """
    kinds, said = _schema()
    if not column or (table, column) in said:
        return said.get((table, column), "")
    if kinds.get(table) != "VIEW":
        return ""
    if column in _COMPUTED and column != f"{table}_id":
        return _COMPUTED[column]
    behind = (f"{table}_record", f"{table}_event", "epoch_split", "dataset", "reading", "review")
    return next((said[name, column] for name in behind if (name, column) in said), "")


@cache
def _schema() -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """TABLE or VIEW by name, and comments by (table, column); the column '' is the table itself."""
    kinds: dict[str, str] = {}
    said: dict[tuple[str, str], str] = {}
    table = ""
    for line in (Path(__file__).parent / "schema.sql").read_text().splitlines():
        if create := _CREATE.match(line):
            kind, table = create.groups()
            kinds[table] = kind
        elif told := _COMMENT.match(line):
            said[told[1], ""] = told[2].replace("''", "'")
        elif column := (_TABLE_COLUMN if kinds.get(table) == "TABLE" else _VIEW_COLUMN).match(line):
            said[table, column[1]] = column[2]
    return kinds, said
