"""Records of readings and reviews, for tests and for building pages without a model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.prediction.reading import CLASS, SET, BlastFlag, Decision, Flag, Reading
from tests.store.factory import CLASSES
from tests.store.tools import raw

# As earlier versions wrote it.
OLDER = {
    "kind": "reading", "reading_id": "r-old", "model_trial_id": "s-a.final-1", "file_name": "old.png",
    "image_sha256": "00", "classes": ["a", "b"], "probabilities": [0.25, 0.75],
    "flags": {"out_of_scope": {"flagged": True, "p": 0.01}, "fusion": "f"},
}  # fmt: skip
NEW = {
    "kind": "reading", "reading_id": "r-new", "model_id": "f-1", "model_trial_id": None, "file_name": "new.png",
    "image_sha256": "01", "width": 40, "height": 36, "kept": True, "box": [1, 2, 3, 4], "runtime": "onnx",
    "weights_sha256": "w", "classes": ["a", "b"], "probabilities": [0.25, 0.75], "raw": [0.125, 0.875],
    "calibrated": True, "temperature": 1.5, "p_values": [0.25, 0.5], "prediction_set": ["b", "a"],
    "coverage": {"a": 0.95, "b": 0.9}, "flags": [{"name": "blur", "raised": True, "reason": "Blurred."}],
    "blast": {"class": "b", "raised": True}, "decision": "set", "decided_classes": ["b", "a"],
    "decided_by": "prediction set", "reasons": [], "operating_point_id": None, "through": "field", "batch_id": "b-1",
    "asked_by": "N. N.",
}  # fmt: skip
REVIEW = {"kind": "review", "review_id": "v-1", "reading_id": "r-new", "verdict": "correct", "class": "c", "note": ""}


def a_reading(decision: Decision | None = None, **other: Any) -> Reading:
    """A reading by a calibrated trial: a monocyte, or an erythroblast."""
    probabilities = np.array([0.02, 0.3, 0.6, 0.05, 0.03])
    given: dict[str, Any] = {
        "model_id": "s-a.final-1", "runtime": "torch", "weights_sha256": "w" * 64, "image_sha256": "a" * 64,
        "width": 40, "height": 36, "classes": CLASSES, "probabilities": probabilities, "raw": probabilities,
        "calibrated": True, "temperature": 1.25, "p_values": np.array([0.01, 0.2, 0.6, 0.02, 0.01]),
        "prediction_set": ("monocyte", "erythroblast"), "coverage": dict.fromkeys(CLASSES, 0.95),
        "flags": (Flag("blur", False, "As sharp as the training images.", 12.0, 4.0), Flag("size", None, "Unknown.")),
        "blast": BlastFlag("myeloblast", False, 0.05, 0.2, 0.95, 40),
        "decision": decision or Decision(SET, ("monocyte", "erythroblast"), "prediction set"),
        "seconds": {"network": 0.1},
    }  # fmt: skip
    return Reading(**given | other)


def called(class_: str) -> Decision:
    return Decision(CLASS, (class_,), "prediction set")


def write_history(home: Path, n: int, *, model_id: str = "s-a.final-1", seed: int = 0, reviewed: float = 0.5) -> None:
    """Records of n readings, one a minute, and of the reviews of some: mostly confirmed, some corrected or referred."""
    rng = np.random.default_rng(seed)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    records: list[dict[str, Any]] = []
    for number in range(n):
        p = rng.dirichlet(np.full(len(CLASSES), 0.25))
        order = np.argsort(-p)
        kind = "class" if p[order[0]] > 0.75 else "set" if p[order[:2]].sum() > 0.8 else "refer"
        decided = [CLASSES[index] for index in order[: {"class": 1, "set": 2, "refer": 0}[kind]]]
        blurred = bool(rng.random() < 0.1)
        if blurred:
            kind, decided = "refer", []
        at = (start + timedelta(minutes=number)).isoformat()
        through = ("page", "batch", "field", "api", "command line")[number % 5]
        records.append(NEW | {
            "at": at, "reading_id": f"r-{number:06d}", "model_id": model_id, "model_trial_id": model_id,
            "file_name": f"cell_{number:05d}.png", "image_sha256": f"{number:064x}", "kept": False, "box": None,
            "classes": list(CLASSES), "probabilities": p.tolist(), "raw": p.tolist(), "p_values": p.tolist(),
            "prediction_set": decided, "coverage": dict.fromkeys(CLASSES, 0.95), "blast": None, "decision": kind,
            "flags": [{"name": "blur", "raised": blurred, "reason": "Blurred." if blurred else "Sharp enough."}],
            "decided_classes": decided, "decided_by": "flag" if blurred else "prediction set", "through": through,
            "batch_id": f"b-{number // 50}" if through == "batch" else None, "asked_by": None,
        })  # fmt: skip
        if rng.random() < reviewed:
            records.append(_a_review(rng, number, decided, at))
    raw(home, "_home/made-history", records)


def _a_review(rng: np.random.Generator, number: int, decided: list[str], at: str) -> dict[str, Any]:
    verdict = "refer" if rng.random() < 0.1 else "confirm" if decided and rng.random() < 0.8 else "correct"
    others = [name for name in (*CLASSES, "lymphocyte") if name not in decided]
    class_ = {"refer": None, "confirm": decided[0] if decided else None, "correct": str(rng.choice(others))}[verdict]
    return REVIEW | {
        "at": at, "review_id": f"v-{number:06d}", "reading_id": f"r-{number:06d}", "verdict": verdict, "class": class_,
        "reviewed_by": "Dr. M. Huber",
    }  # fmt: skip
