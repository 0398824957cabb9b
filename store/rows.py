"""What each kind of record becomes: rows of tables, or one sentence on what is wrong with it. No DuckDB in here."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from store.fields import Fields, RecordError
from store.journal import HOME_JOURNAL, Record
from store.rows_data import RULES, probabilities
from store.rows_readings import READING_RULES

Row = dict[str, Any]
TableRow = tuple[str, Row]  # table name and its row, by column name

COUNTS = ("support", "tp", "fp", "tn", "fn")


def search_of(record: Record) -> str | None:
    """The search that a record speaks of, and whose deletion removes it; None for records that outlive searches."""
    search_id = record.get("search_id")
    return search_id if isinstance(search_id, str) and record.get("kind") != "tombstone" else None


def deleted_search(record: Record) -> str | None:
    """The search that a record deletes; None where it deletes none."""
    search_id = record.get("search_id") if record.get("kind") == "tombstone" else None
    return search_id if isinstance(search_id, str) and search_id not in ("", HOME_JOURNAL) else None


def table_rows(record: Record, *, timeless: bool = False) -> list[TableRow] | None:
    """All rows of one record, without their source; None where the kind is unknown.

    Only a `timeless` record may lack its time, which decides between two that state the same.
    Raises RecordError when the payload is unusable: then none of it is taken.
    """
    kind = record.get("kind")
    rule = _RULES.get(kind) if isinstance(kind, str) else None
    if rule is None:
        return None
    fields = Fields(record)
    recorded_at = fields.moment("at")
    if recorded_at is None and not timeless:
        raise RecordError("it has no time")
    return [(table, {**row, "recorded_at": recorded_at}) for table, row in rule(fields)]


# --- one function a kind ------------------------------------------------------------------------------------------


def _search(f: Fields) -> Iterator[TableRow]:
    command = f.values.get("command")
    yield "search_record", {
        "search_id": f.text("search_id"), "name": f.text("name"), "origin": f.text("origin"),
        "objective": f.text("objective", optional=True), "patience": f.whole("patience", optional=True),
        "settings": f.json("settings"), "environment": f.json("environment"),
        "command": shlex.join(f.texts("command")) if isinstance(command, list) else f.text("command", optional=True),
    }  # fmt: skip


def _search_data(f: Fields) -> Iterator[TableRow]:
    yield "search_data", {
        "search_id": f.text("search_id"), "dataset_id": f.text("dataset_id"), "settled": f.json("settled"),
        "command": f.text("command", optional=True),
    }  # fmt: skip


def _search_event(f: Fields) -> Iterator[TableRow]:
    names = ("best_trial_id", "model_trial_id", "stop_reason", "message")
    yield "search_event", {
        "search_id": f.text("search_id"), "attempt": f.whole("attempt"), "seq": f.whole("seq"),
        "status": f.status("status"), "de_count": f.whole("de_count", optional=True),
        **{name: f.text(name, optional=True) for name in names},
    }  # fmt: skip


def _cycle(f: Fields) -> Iterator[TableRow]:
    yield "cycle", {
        "search_id": f.text("search_id"), "cycle": f.whole("cycle"), "trial_ids": f.texts("trial_ids"),
        "chosen_trial_id": f.text("chosen_trial_id", optional=True), "chosen_score": f.real("chosen_score"),
        "runner_up_score": f.real("runner_up_score"), "improved": f.flag("improved"),
        "de_count": f.whole("de_count", optional=True),
    }  # fmt: skip


def _trial(f: Fields) -> Iterator[TableRow]:
    wholes = ("position", "cycle", "batch_size", "epochs", "seed", "de_count", "reused_epochs")
    yield "trial_record", {
        "trial_id": f.text("trial_id"), "search_id": f.text("search_id"), "learning_rate": f.real("learning_rate"),
        **{name: f.whole(name, optional=True) for name in wholes},
        "coordinate": f.text("coordinate", optional=True), "from_trial_id": f.text("from_trial_id", optional=True),
        "settings": f.json("settings"),
    }  # fmt: skip


def _trial_event(f: Fields) -> Iterator[TableRow]:
    yield "trial_event", {
        "trial_id": f.text("trial_id"), "search_id": f.text("search_id"), "attempt": f.whole("attempt"),
        "seq": f.whole("seq"), "status": f.status("status"), "error": f.text("error", optional=True),
        "pid": f.whole("pid", optional=True), "host": f.text("host", optional=True),
    }  # fmt: skip


def _epoch(f: Fields) -> Iterator[TableRow]:
    """Of an epoch (train, val) or of an evaluation (test, calibration): one row a split."""
    shared = {
        "trial_id": f.text("trial_id"), "epoch": f.whole("epoch"), "search_id": f.text("search_id"),
        "reused": bool(f.flag("reused")), "seconds": f.real("seconds"),
        "images_per_second": f.real("images_per_second"),
    }  # fmt: skip
    splits, predictions = f.objects("splits"), f.objects("predictions")
    for split in {**splits, **predictions}:
        scores = splits.get(split, Fields({}))
        row = {"loss": scores.real("loss"), "accuracy": scores.real("accuracy"), **_per_class(scores)}
        if split in predictions:
            row |= _predictions(predictions[split], row["support"])
        yield "epoch_split", {**shared, "split": split, **row}


def _per_class(f: Fields) -> Row:
    row: Row = {name: f.wholes(name) for name in COUNTS}
    row |= {"class_loss": f.reals("class_loss"), "class_auc": f.reals("class_auc"), "confusion": f.wholes("confusion")}
    lengths = {len(row[name]) for name in (*COUNTS, "class_loss", "class_auc") if row[name] is not None}
    if row["confusion"] is not None:
        lengths.add(math.isqrt(len(row["confusion"])))
        if math.isqrt(len(row["confusion"])) ** 2 != len(row["confusion"]):
            raise RecordError("the confusion matrix is not square")
    if len(lengths) > 1:
        raise RecordError("the lists of values per class differ in length")
    return row


def _predictions(f: Fields, support: list[int] | None) -> Row:
    image_ids = f.wholes("image_ids") or []
    true = np.array(f.wholes("true_class", below=2**15) or [], dtype=np.int64)
    if len(true) != len(image_ids):
        raise RecordError(f"{len(image_ids)} images and {len(true)} classes do not go together")
    n = len(image_ids)
    given = probabilities(f, n, len(support) if support else None)
    n_classes = given.shape[1]
    if n and true.max() >= n_classes:
        raise RecordError("a true class is none of the classes")
    cells = true * n_classes + (given.argmax(axis=1) if n else 0)  # a tie: the first class, as numpy's argmax
    return {
        "image_ids": image_ids, "true_classes": true.tolist(), "probabilities": given,
        "confusion": np.bincount(cells, minlength=n_classes**2).tolist(),
    }  # fmt: skip


def _heartbeat(f: Fields) -> Iterator[TableRow]:
    wholes = ("pid", "epoch", "done", "total", "rss_bytes")
    yield "heartbeat", {
        "search_id": f.text("search_id"), "trial_id": f.text("trial_id", optional=True) or "",
        **{name: f.whole(name, optional=True) for name in wholes},
        **{name: f.text(name, optional=True) for name in ("host", "stage", "unit")},
    }  # fmt: skip


def _files(f: Fields) -> Iterator[TableRow]:
    yield "trial_files", {"trial_id": f.text("trial_id"), "search_id": f.text("search_id"), "bytes": f.whole("bytes")}


def _cost(f: Fields) -> Iterator[TableRow]:
    yield "trial_cost", {
        "trial_id": f.text("trial_id"), "search_id": f.text("search_id"), "parameters": f.whole("parameters"),
        "predict_images_per_second": f.real("predict_images_per_second"),
        "peak_rss_bytes": f.whole("peak_rss_bytes", optional=True),
    }  # fmt: skip


def _annotation(f: Fields) -> Iterator[TableRow]:
    yield "annotation", {
        "search_id": f.text("search_id"), "trial_id": f.text("trial_id", optional=True) or "", "note": f.text("note"),
        "tags": f.texts("tags"), "written_by": f.text("written_by", optional=True),
    }  # fmt: skip


def _fusion(f: Fields) -> Iterator[TableRow]:
    trial_ids, weights = f.texts("trial_ids"), f.reals("weights")
    if weights is None or len(weights) != len(trial_ids) or any(weight is None or weight < 0 for weight in weights):
        raise RecordError(f"'weights' must be {len(trial_ids)} numbers of at least 0, one a member")
    yield "fusion", {
        "fusion_id": f.text("fusion_id"), "name": f.text("name"), "dataset_id": f.text("dataset_id"),
        "rule": f.text("rule"), "trial_ids": trial_ids, "weights": weights, "chosen_by": f.text("chosen_by"),
        "removed": bool(f.flag("removed")),
    }  # fmt: skip


def _operating_point(f: Fields) -> Iterator[TableRow]:
    yield "operating_point", {
        "operating_point_id": f.text("operating_point_id"), "name": f.text("name"),
        "search_id": f.text("search_id", optional=True), "model_id": f.text("model_id"),
        "classes": f.texts("classes"), "rule": f.json("rule"), "prevalence": f.json("prevalence"),
        "removed": bool(f.flag("removed")),
    }  # fmt: skip


def _tombstone(f: Fields) -> Iterator[TableRow]:
    if deleted_search(f.values) is None:
        raise f.wrong("search_id", "a search")
    yield "tombstone", {"search_id": f.text("search_id")}


_RULES: dict[str, Callable[[Fields], Iterator[TableRow]]] = {
    **RULES, **READING_RULES, "search": _search, "search_data": _search_data, "search_event": _search_event,
    "cycle": _cycle,
    "trial": _trial, "trial_event": _trial_event, "epoch": _epoch, "evaluation": _epoch, "heartbeat": _heartbeat,
    "files": _files, "cost": _cost, "annotation": _annotation, "fusion": _fusion,
    "operating_point": _operating_point, "tombstone": _tombstone,
}  # fmt: skip
KINDS = tuple(_RULES)
