"""How far a model's readings hold: what `python -m core readings` recorded, as facts of its card and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.evaluation.intervals import wilson
from core.prediction.reading import OUT_OF_SCOPE, name_of
from core.prediction.wording import share
from store.journal import journal_folder, read_records

RECORD: Final = "reading_check"
KINDS: Final = ("test", "external", "out_of_scope")  # in the order of the card

Facts = dict[str, Any]
Name = Callable[[str], str | None]


def readings_of(home: Path, model_id: str, weights_sha256: str, name: Name) -> list[Facts]:
    """The newest record a runtime and set of images, of these weights alone; test images first, then elsewhere.

    Args:
        name: gives the name of a data set's id, None where it is not known any more.
    """
    newest: dict[tuple[str, str], Facts] = {}
    for path in journal_folder(home).glob("readings-*.jsonl"):
        for record in read_records(path)[0]:
            if record["kind"] != RECORD or record["model_id"] != model_id:
                continue
            key = str(record["runtime"]), str(record["images"])
            if record["weights_sha256"] == weights_sha256 and (key not in newest or newest[key]["at"] < record["at"]):
                newest[key] = record
    found = [
        {
            "kind": record["images_kind"], "id": images, "name": None if images == KINDS[0] else name(images),
            "runtime": runtime, "images": int(record["n"]), "at": record["at"], "figures": record["figures"],
        }
        for (runtime, images), record in newest.items() if record["images_kind"] in KINDS
    ]  # fmt: skip
    return sorted(found, key=lambda one: (KINDS.index(one["kind"]), one["name"] or "", one["id"], one["runtime"]))


def readings_words(facts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A row a figure; of the test images, of images from elsewhere and out of scope, as they were."""
    found: dict[str, str] = {}
    for one in facts:
        title = {
            KINDS[0]: "test images", KINDS[1]: f"images from elsewhere, {one['name'] or one['id']}",
            KINDS[2]: f"images that show none of its classes, {one['name'] or one['id']}",
        }[one["kind"]]  # fmt: skip
        rows = _strange(one) if one["kind"] == KINDS[2] else _known(one["figures"])
        found[f"{title}, on {one['runtime']}"] = f"{one['images']:,} images, read {str(one['at'])[:10]}"
        found |= {f"{title}, on {one['runtime']}: {label}": said for label, said in rows.items()}
    return found or {"readings": "not measured"}


def _known(figures: Mapping[str, Any]) -> dict[str, str]:
    """Of images whose class is known."""
    found = {"most probable class right": _share(figures["right"])}
    if figures["coverage"] is None:
        found["expected calibration error"] = f"{figures['ece_before']:.3f}, not calibrated"
    else:
        found["expected calibration error"] = (
            f"{figures['ece_before']:.3f} before calibration, {figures['ece_after']:.3f} after (a calibrated model "
            f"stays below {figures['ece_by_chance']:.3f} in 95 % of such samples)"
        )
        found["prediction sets that hold the class"] = "; ".join(
            f"{name_of(class_)}: {_share(held)}" for class_, held in figures["coverage"].items() if held["n"]
        )
    found["referred to an expert"] = _share(figures["referred"])
    found["right of those decided as one class"] = _share(figures["decided"])
    found["a set of two that holds the class"] = _share(figures["sets"])
    return found


def _strange(facts: Mapping[str, Any]) -> dict[str, str]:
    """Of images that show none of the classes: each that is called one of them is an error."""
    figures, n = facts["figures"], facts["images"]
    found = {"referred to an expert": _share(figures["referred"])}
    if OUT_OF_SCOPE in figures["flagged"]:
        found["flagged as none of these cells"] = _share(figures["flagged"][OUT_OF_SCOPE])
    found["called one of its classes"] = share(figures["called"], n, *wilson(figures["called"], n))
    return found


def _share(found: Mapping[str, Any]) -> str:
    return share(found["k"], found["n"], found["low"], found["high"])
