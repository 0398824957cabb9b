"""A card's facts in words, and the sentences that are true of every model here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from core.evaluation.audit_words import SHORT
from core.evaluation.scope_summary import NOT_KNOWN
from core.prediction.card_readings import readings_words
from core.prediction.reading import name_of
from core.prediction.wording import at_least, share

Sections = dict[str, dict[str, str]]

UNKNOWN: Final = "not known"
FOR: Final = (
    "Research and demonstration: to sort microscope images of single cells into the classes below, for an expert who "
    "looks at each image too."
)
NOT_FOR: Final = (
    "Diagnosis, treatment, screening, or a patient's report; it is no medical device. Cells of other kinds, images of "
    "several cells, or counts without the correction for its errors."
)
ALWAYS: Final = (
    "It knows its own classes alone: a cell of another kind is called one of them unless a check stops it.",
    "It looks at one image of one cell; it knows nothing of the patient, of other cells, or of counts.",
    "No study of its use in a clinic is on record here.",
    "It has not been measured on other stains, cameras and hospitals than those whose images are named here.",
)


def sections(facts: Mapping[str, Any]) -> Sections:
    """What each part says, by its title and its label."""
    found: Sections = {
        "Model": _model(facts["model"]),
        "Use": {"for": FOR, "not for": NOT_FOR},
        "Data": _data(facts["data"]),
    }
    if "training" in facts:
        found["Training"] = _training(facts["training"])
    found["Accuracy on its own data"] = _own(facts["accuracy"])
    found["Accuracy on images from elsewhere"] = _elsewhere(facts["elsewhere"])
    found["Shortcuts"] = _shortcuts(facts["shortcuts"])
    found["Calibration"] = _calibration(facts["calibration"])
    found["How far its readings hold"] = readings_words(facts["readings"])
    if "out_of_scope" in facts:
        found["Checks of the image"] = _checks(facts.get("image_checks"), facts["out_of_scope"])
    found["What it does not know"] = {str(at): one for at, one in enumerate(not_known(facts), 1)}
    return found


def not_known(facts: Mapping[str, Any]) -> list[str]:
    """What nobody can say of it: sentences that hold for every model, and those that follow from its facts."""
    found = list(ALWAYS)
    classes = list(facts["model"]["classes"])
    if not facts["elsewhere"]:
        found.append("It has not been judged by images from elsewhere, so its accuracy there is not known.")
    else:
        seen = {name for one in facts["elsewhere"] for name in one["classes"]}
        absent = [name_of(name) for name in classes if name not in seen]
        if absent:
            found.append(
                f"No image from elsewhere shows: {', '.join(absent)}; how well it knows them there is not known."
            )
    if not facts["calibration"]:
        found.append("It is not calibrated: its probabilities do not say how often it is right.")
    measured = {one["kind"] for one in facts["readings"]}
    if "test" not in measured:
        found.append("How far its readings hold has not been measured on its test images.")
    if "external" not in measured:
        found.append("How far its readings hold has not been measured on images from elsewhere.")
    if "out_of_scope" in facts:
        scope = facts["out_of_scope"]
        if scope is None:
            found.append("Whether it would notice an image that shows none of its classes has not been measured.")
        elif not scope["sets"]:
            found.append("Its score for images that show none of its classes has not been tried on any such image.")
        else:
            found.append(NOT_KNOWN)
    return [*found, *(f"Of its data: {one}" for one in facts["doubts"])]


def _model(facts: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "name": str(facts["name"]), "id": str(facts["id"]), "classes": ", ".join(map(name_of, facts["classes"])),
        "weights (SHA-256)": str(facts["weights_sha256"]),
    }  # fmt: skip
    if "members" in facts:
        members = ", ".join(f"{name} ({weight:.2f})" for name, weight in facts["members"].items())
        return found | {"members and their weights": members, "rule": str(facts["rule"])}
    found |= {
        "network": f"{facts['backbone']} at {facts['image_size']} px",
        "initial weights": _start(str(facts["initial_weights"])),
        "training began": _time(facts["begun_at"]), "training ended": _time(facts["finished_at"]),
        "code": f"{facts['code'] or UNKNOWN} (training version {facts['training_version']})",
    }  # fmt: skip
    if facts["onnx"]:
        largest = facts["onnx"]["differences"]["probabilities"]
        found["ONNX graph"] = (
            f"differs from torch by at most {largest:.1g} of a probability on {facts['onnx']['probes']} made and "
            f"{facts['onnx']['images']} training images"
        )
    return found


def _data(facts: Mapping[str, Any]) -> dict[str, str]:
    found = {"name": facts["name"] or UNKNOWN, "id": str(facts["id"])}
    if facts["images"] is not None:
        total = {split: sum(one[split] for one in facts["images"].values()) for split in _splits(facts["images"])}
        found["images"] = f"{sum(total.values()):,} ({_counts(total)})"
        found |= {f"images of {name_of(name)}": _counts(one) for name, one in facts["images"].items()}
        found["split"] = "given by the data's folders" if facts["split"] == "given" else "made here, by groups"
    sources = facts["sources"]
    by = ", ".join(facts.get("told_by") or [])
    found["sources"] = f"{_counts(sources)}; as told by: {by}" if sources else UNKNOWN
    patients = facts["patients"]
    found["patients"] = UNKNOWN if patients is None else f"named in the column {patients}, which no split uses"
    found["licence"] = facts["licence"] or UNKNOWN
    return found


def _training(facts: Mapping[str, Any]) -> dict[str, str]:
    recipe = f"{facts['recipe']}: {facts['recipe_does']}" if facts["recipe_does"] else str(facts["recipe"])
    found = {"recipe": recipe}
    if facts["settings"]:
        found["settings"] = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts["settings"].items())
    if facts["input"]:
        found["input"] = ", ".join(f"{name} {value}" for name, value in facts["input"].items())
    if facts["search"]:
        found["search"] = str(facts["search"])
    return found


def _own(facts: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    if "test" in facts:
        found["test images, used for nothing else"] = _outcome(facts["test"])
        found |= {f"test images of {name_of(name)}": _of_class(one) for name, one in facts["test"]["classes"].items()}
    if "val" in facts:
        found["validation images, by which the search chose"] = _outcome(facts["val"])
    return found or {"accuracy": UNKNOWN}


def _elsewhere(facts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in facts:
        name = f"{one['name'] or UNKNOWN} ({one['id']})"
        sources = f"; sources: {', '.join(one['sources'])}" if one["sources"] else ""
        found[name] = f"{_outcome(one)}{sources}"
        found |= {f"{name}, {name_of(class_)}": _of_class(part) for class_, part in one["classes"].items()}
    return found or {"accuracy": UNKNOWN}


def _shortcuts(facts: Mapping[str, Any]) -> dict[str, str]:
    found = {"verdict": str(facts["verdict"]), "says": str(facts["says"])}
    if facts["accuracies"]:
        told = ", ".join(f"{SHORT.get(name, name)} {value:.3f}" for name, value in facts["accuracies"].items())
        found["class told without looking at the cell"] = f"{told} (accuracy; chance {facts['chance']:.3f})"
    return found


def _calibration(facts: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for runtime, one in facts.items():
        images = sum(one["images"].values())
        least = min(one["coverage"], key=lambda name: float(one["coverage"][name]))
        watch = f"; {name_of(one['watched'])} is watched" if one["watched"] else "; no class is watched"
        found[f"on {runtime}"] = (
            f"temperature {one['temperature']:.2f} by {images:,} images; prediction sets hold the true class in at "
            f"least {at_least(one['coverage'][least])} of new images of each class, on average ({name_of(least)}, "
            f"by {one['images'][least]} images){watch}"
        )
    return found or {"calibration": "not calibrated"}


def _checks(limits: Mapping[str, Any] | None, scope: Mapping[str, Any] | None) -> dict[str, str]:
    measured = "not set up" if limits is None else f"limits by {limits['training_images']:,} training images"
    found = {"focus, exposure, stain, size": measured}
    if scope is None:
        return found | {"none of these cells": "not set up"}
    alarms = scope["false_alarms"]
    told = share(alarms["flagged"], alarms["images"], alarms["low"], alarms["high"])
    found["none of these cells"] = (
        f"by {scope['calibration_images']:,} calibration images, at level {scope['level']:g}; false alarms on test "
        f"images: {told}"
    )
    for one in scope["sets"]:
        name = f"found of {one['name'] or UNKNOWN} ({one['id']})"
        found[name] = share(one["flagged"], one["images"], one["low"], one["high"])
    return found


def _outcome(facts: Mapping[str, Any]) -> str:
    said = share(facts["right"], facts["images"], facts["low"], facts["high"])
    absent = facts["without_images"]
    return f"{said}; no images of {', '.join(map(name_of, absent))}" if absent else said


def _of_class(facts: Mapping[str, Any]) -> str:
    said = share(facts["right"], facts["images"], facts["low"], facts["high"])
    mistaken = facts["mistaken_for"]
    return f"{said}; mistaken most often for {name_of(mistaken)}" if mistaken else said


def _splits(images: Mapping[str, Mapping[str, int]]) -> list[str]:
    return list(next(iter(images.values()), {}))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items())


def _start(origin: str) -> str:
    """Of a file its name alone: a card is passed on, and the folders of a machine are nobody's business."""
    kind, _, path = origin.partition("the file ")
    return f"the file {PurePath(path).name}" if not kind and path else origin


def _time(at: str | None) -> str:
    """'2026-11-30 06:45 UTC'."""
    return UNKNOWN if not at else f"{at[:16].replace('T', ' ')} UTC"
