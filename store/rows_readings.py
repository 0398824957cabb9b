"""Rows of readings and of their reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from store.fields import Fields, RecordError

TableRow = tuple[str, dict[str, Any]]
DECISIONS = ("class", "set", "refer")
VERDICTS = ("confirm", "correct", "refer")
BLAST = "blast"  # beside the names of the checks


def _reading(f: Fields) -> Iterator[TableRow]:
    """Of this version's form, or of the older one: model_trial_id, probabilities and flags alone."""
    classes = f.texts("classes")
    trial_id = f.text("model_trial_id", optional=True)
    texts = (
        "file_name", "runtime", "weights_sha256", "decided_by", "operating_point_id", "through", "batch_id", "asked_by"
    )  # fmt: skip
    yield "reading", {
        "reading_id": f.text("reading_id"), "model_id": f.text("model_id", optional=True) or trial_id,
        "model_trial_id": trial_id, "image_sha256": f.text("image_sha256"), "classes": classes,
        "probabilities": _numbers(f, "probabilities", len(classes)),
        "raw": _numbers(f, "raw", len(classes), optional=True),
        "p_values": _numbers(f, "p_values", len(classes), optional=True),
        **{name: f.text(name, optional=True) for name in texts},
        **{name: f.whole(name, optional=True) for name in ("width", "height")},
        **{name: f.json(name) for name in ("flags", "blast", "coverage")},
        **{name: None if f.values.get(name) is None else f.texts(name) for name in ("prediction_set", "reasons")},
        "calibrated": f.flag("calibrated"), "temperature": f.real("temperature"), "kept": bool(f.flag("kept")),
        "box": _box(f), "raised": _raised(f.values.get("flags"), f.values.get("blast")), **_decision(f),
    }  # fmt: skip


def _decision(f: Fields) -> dict[str, Any]:
    """An older record names the class that was decided on itself."""
    decision = f.text("decision", optional=True)
    if decision is not None and decision not in DECISIONS:
        return {"decision": "class", "decided_classes": [decision]}
    classes = None if f.values.get("decided_classes") is None else f.texts("decided_classes")
    fitting = {"class": (1,), "set": (2,), "refer": (0,), None: (0,)}[decision]
    if len(classes or []) not in fitting:
        raise RecordError(f"the decision is {decision!r}, but 'decided_classes' are {len(classes or [])}")
    return {"decision": decision, "decided_classes": classes}


def _raised(flags: Any, blast: Any) -> list[str]:
    """Names of the raised checks. An older record holds them by name: true, or an object with 'flagged'."""
    if isinstance(flags, dict):
        return [
            str(name) for name, said in flags.items()
            if said is True or (isinstance(said, dict) and said.get("flagged") is True)
        ]  # fmt: skip
    names = [
        str(flag.get("name")) for flag in flags if isinstance(flag, dict) and flag.get("raised") is True
    ] if isinstance(flags, list) else []  # fmt: skip
    return [*names, BLAST] if isinstance(blast, dict) and blast.get("raised") is True else names


def _box(f: Fields) -> list[int] | None:
    box = f.wholes("box")
    if box is not None and (len(box) != 4 or min(box[2:]) < 1):
        raise f.wrong("box", "x, y, width, height in pixels")
    return box


def _numbers(f: Fields, name: str, n: int, *, optional: bool = False) -> list[float | None] | None:
    given = f.reals(name)
    if given is None and optional:
        return None
    if given is None or len(given) != n or None in given:
        raise RecordError(f"{name!r} must be {n} numbers, one a class")
    return given


def _review(f: Fields) -> Iterator[TableRow]:
    verdict, class_ = f.text("verdict"), f.text("class", optional=True)
    if verdict not in VERDICTS:
        raise f.wrong("verdict", " or ".join(VERDICTS))
    if (class_ is None) != (verdict == "refer"):
        raise f.wrong("class", "a class name, or missing with the verdict 'refer'")
    yield "review", {
        "review_id": f.text("review_id"), "reading_id": f.text("reading_id"), "verdict": verdict, "class": class_,
        "note": f.text("note", optional=True) or "", "reviewed_by": f.text("reviewed_by", optional=True),
    }  # fmt: skip


def _calibration(f: Fields) -> Iterator[TableRow]:
    classes, images = f.texts("classes"), f.wholes("images")
    if images is None or len(images) != len(classes):
        raise RecordError(f"'images' must be {len(classes)} whole numbers, one a class")
    yield "calibration", {
        **{name: f.text(name) for name in ("model_id", "runtime", "weights_sha256")},
        "classes": classes, "images": images, "coverage": _numbers(f, "coverage", len(classes)),
        **{name: f.real(name) for name in ("temperature", "loss_before", "loss_after", "threshold", "sensitivity")},
        "watched": f.text("watched", optional=True),
    }  # fmt: skip


def _reading_check(f: Fields) -> Iterator[TableRow]:
    yield "reading_check", {
        **{name: f.text(name) for name in ("model_id", "runtime", "images", "weights_sha256")},
        "kind": f.text("images_kind"), "n": f.whole("n"), "figures": f.json("figures"),
    }  # fmt: skip


READING_RULES: Mapping[str, Callable[[Fields], Iterator[TableRow]]] = {
    "reading": _reading, "review": _review, "calibration": _calibration, "reading_check": _reading_check,
}  # fmt: skip
