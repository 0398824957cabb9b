"""What records about data sets, and about models on other images, become; the rest is in store.rows."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from store.fields import Fields, RecordError

TableRow = tuple[str, dict[str, Any]]
SCOPE_METHODS = ("mahalanobis", "energy")


def columns(f: Fields) -> Iterator[Fields]:
    """The rows of a record that keeps lists of equal length by column name. Raises RecordError for anything else."""
    found = f.values.get("columns")
    if not isinstance(found, dict) or not all(isinstance(values, list) for values in found.values()):
        raise f.wrong("columns", "an object of lists")
    if len({len(values) for values in found.values()}) > 1:
        raise RecordError("the lists in 'columns' differ in length")
    names = list(found)
    for values in zip(*found.values(), strict=True):
        yield Fields(dict(zip(names, values, strict=True)))


def probabilities(f: Fields, n: int, n_classes: int | None) -> np.ndarray[Any, Any]:
    """Class probabilities (n, C) from base64 of little-endian float32. Raises RecordError where they do not fit."""
    try:
        flat = np.frombuffer(base64.b64decode(f.text("probabilities"), validate=True), dtype="<f4")
    except ValueError as error:
        raise RecordError("'probabilities' is not base64 of float32 values") from error
    n_classes = n_classes if n_classes is not None else flat.size // max(n, 1)
    if flat.size != n * n_classes:
        raise RecordError(f"{n} images and {flat.size} probabilities do not go together")
    if not np.isfinite(flat).all():
        raise RecordError("a probability is not finite")
    return flat.reshape(n, n_classes)


def _dataset(f: Fields) -> Iterator[TableRow]:
    yield "dataset", {
        "dataset_id": f.text("dataset_id"), "name": f.text("name"), "root": f.text("root", optional=True),
        "classes": f.texts("classes"), "split_origin": f.text("split_origin", optional=True),
        "split_seed": f.whole("split_seed", optional=True), "fractions": f.json("fractions"),
        "synthetic": f.flag("synthetic"), "usable": f.whole("usable", optional=True),
        "bad": f.whole("bad", optional=True),
    }  # fmt: skip


def _images(f: Fields) -> Iterator[TableRow]:
    dataset_id = f.text("dataset_id")
    for image in columns(f):
        optional = {
            name: image.text(name, optional=True)
            for name in ("sha256", "pixel_sha256", "class", "split", "source", "status", "reason")
        }
        size = {name: image.whole(name, optional=True) for name in ("width", "height")}
        row = {"dataset_id": dataset_id, "image_id": image.whole("image_id"), "path": image.text("path")}
        yield "image", {**row, **optional, **size, "group_id": image.label("group_id")}


def _duplicate_pairs(f: Fields) -> Iterator[TableRow]:
    dataset_id = f.text("dataset_id")
    for pair in columns(f):
        yield "duplicate_pair", {
            "dataset_id": dataset_id, "image_a": pair.whole("image_a"), "image_b": pair.whole("image_b"),
            "kind": pair.text("kind"), "transform": pair.text("transform", optional=True),
            "distance": pair.whole("distance", optional=True),
            **{name: pair.real(name) for name in ("correlation", "dx", "dy")},
        }  # fmt: skip


def _image_sources(f: Fields) -> Iterator[TableRow]:
    shared = {"dataset_id": f.text("dataset_id"), "told_by": f.text("told_by")}
    for image in columns(f):
        yield "image_source", {
            **shared, "image_id": image.whole("image_id"), "source": image.text("source", optional=True),
        }  # fmt: skip


def _audit(f: Fields) -> Iterator[TableRow]:
    labels, confusion = f.texts("labels"), f.wholes("confusion")
    if confusion is None or len(confusion) != len(labels) ** 2:
        raise RecordError(f"'confusion' must be {len(labels) ** 2} counts, a row a label")
    yield "audit", {
        "dataset_id": f.text("dataset_id"), "feature": f.text("feature"), "target": f.text("target"),
        "labels": labels, "confusion": confusion,
        **{name: f.whole(name) for name in ("n", "n_right", "folds", "seed", "version")},
        **{name: _number(f, name) for name in ("accuracy", "low", "high", "chance")}, "seconds": f.real("seconds"),
    }  # fmt: skip


def _label_check(f: Fields) -> Iterator[TableRow]:
    image_ids, suggested, confidence = f.wholes("image_ids"), f.texts("suggested"), f.reals("confidence")
    if image_ids is None or confidence is None or not len(image_ids) == len(suggested) == len(confidence):
        raise RecordError("'image_ids', 'suggested' and 'confidence' differ in length")
    yield "label_check", {
        "dataset_id": f.text("dataset_id"), "method": f.text("method"), "n": f.whole("n"),
        "accuracy": f.real("accuracy"), "image_ids": image_ids, "suggested": suggested, "confidence": confidence,
    }  # fmt: skip


def _external_set(f: Fields) -> Iterator[TableRow]:
    yield "external_set", {
        "dataset_id": f.text("dataset_id"), "external_id": f.text("external_id"), "removed": bool(f.flag("removed")),
    }  # fmt: skip


def _external_shared(f: Fields) -> Iterator[TableRow]:
    image_ids, own_ids, kinds = f.wholes("image_ids") or [], f.wholes("own_ids") or [], f.texts("kinds")
    if not len(image_ids) == len(own_ids) == len(kinds):
        raise RecordError("'image_ids', 'own_ids' and 'kinds' differ in length")
    yield "external_shared", {
        "dataset_id": f.text("dataset_id"), "external_id": f.text("external_id"), "image_ids": image_ids,
        "own_ids": own_ids, "kinds": kinds, "searched": f.text("searched"),
        **{name: f.whole(name) for name in ("unread", "crowded")},
    }  # fmt: skip


def _external_result(f: Fields) -> Iterator[TableRow]:
    image_ids, true = f.wholes("image_ids") or [], f.wholes("true_classes", below=2**15) or []
    if len(image_ids) != len(true):
        raise RecordError("'image_ids' and 'true_classes' differ in length")
    given = probabilities(f, len(image_ids), None)
    if len(true) and max(true) >= given.shape[1]:
        raise RecordError("a true class is none of the classes")
    yield "external_result", {
        "trial_id": f.text("trial_id"), "external_id": f.text("external_id"), "search_id": f.text("search_id"),
        "image_ids": image_ids, "true_classes": true, "probabilities": given, "seconds": f.real("seconds"),
    }  # fmt: skip


def _robustness(f: Fields) -> Iterator[TableRow]:
    confusion = f.wholes("confusion")
    if confusion is None or math.isqrt(len(confusion)) ** 2 != len(confusion):
        raise RecordError("the confusion matrix is not square")
    yield "robustness", {
        **{name: f.text(name) for name in ("trial_id", "shift", "search_id", "split")},
        "severity": f.whole("severity"), "confusion": confusion, "version": f.whole("version"),
        "seconds": f.real("seconds"),
    }  # fmt: skip


def _scope_fit(f: Fields) -> Iterator[TableRow]:
    ids = {split: f.wholes(f"{split}_ids") or [] for split in ("calibration", "test")}
    yield "scope_fit", {
        **{name: f.text(name) for name in ("trial_id", "search_id", "fit")},
        **{name: f.whole(name) for name in ("n_train", "n_features", "version")},
        **{name: f.real(name) for name in ("shrinkage", "seconds")},
        **{f"{split}_ids": of_split for split, of_split in ids.items()},
        **{
            f"{split}_{method}": _numbers(f, f"{split}_{method}", len(of_split))
            for split, of_split in ids.items() for method in SCOPE_METHODS
        },
    }  # fmt: skip


def _scope_result(f: Fields) -> Iterator[TableRow]:
    image_ids, classes = f.wholes("image_ids") or [], f.texts("classes")
    if len(image_ids) != len(classes):
        raise RecordError("'image_ids' and 'classes' differ in length")
    yield "scope_result", {
        **{name: f.text(name) for name in ("trial_id", "outside_id", "search_id", "fit")},
        "image_ids": image_ids, "classes": classes, "version": f.whole("version"), "seconds": f.real("seconds"),
        **{method: _numbers(f, method, len(image_ids)) for method in SCOPE_METHODS},
    }  # fmt: skip


def _numbers(f: Fields, name: str, n: int) -> list[float | None]:
    values = f.reals(name)
    if values is None or len(values) != n or None in values:
        raise RecordError(f"{name!r} must be {n} finite numbers, one an image")
    return values


def _job(f: Fields) -> Iterator[TableRow]:
    kind, subject = f.text("job"), f.text("subject")  # "kind" is the record's own
    yield "job", {
        "job_id": f"{kind}.{subject}", "kind": kind, "subject": subject, "status": f.status("status"),
        **{name: f.text(name, optional=True) for name in ("stage", "message", "result", "host")},
        **{name: f.whole(name, optional=True) for name in ("done", "total", "pid")},
        "started_at": f.moment("started_at"),
    }  # fmt: skip


def _number(f: Fields, name: str) -> float:
    value = f.real(name)
    if value is None:
        raise f.wrong(name, "a finite number")
    return value


RULES: Mapping[str, Callable[[Fields], Iterator[TableRow]]] = {
    "dataset": _dataset, "images": _images, "duplicate_pairs": _duplicate_pairs, "image_sources": _image_sources,
    "audit": _audit, "label_check": _label_check, "external_set": _external_set, "external_shared": _external_shared,
    "external_result": _external_result, "robustness": _robustness, "scope_fit": _scope_fit,
    "scope_result": _scope_result, "job": _job,
}  # fmt: skip
