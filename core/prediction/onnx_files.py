"""The files of an exported graph, model.onnx and model.onnx.json: the JSON, written last, vouches for the graph."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash

GRAPH: Final = "model.onnx"
FACTS: Final = "model.onnx.json"
VERSION: Final = 1  # raise it when the graph's inputs or outputs change: older ones are then made anew
INPUT: Final = "images"


@dataclass(frozen=True)
class OnnxFacts:
    """What stands beside a graph.

    Attributes:
        sha256: of the graph's file.
        weights_sha256: of the weights that it was made from.
        outputs: of "maps", "features", "logits", in their order.
        head: the name of a linear classifier on the map's average, among the weights; None where it is another kind.
        differences: the largest from torch in the check, by output and of the probabilities; of maps, features and
            logits relative to the largest value, at least 1.
        tolerance: that none of them may exceed.
        probes: made images in the check.
        images: training images in the check.
        made_with: versions, by package.
    """

    version: int
    sha256: str
    weights_sha256: str
    opset: int
    outputs: list[str]
    head: str | None
    differences: dict[str, float]
    tolerance: float
    probes: int
    images: int
    made_with: dict[str, str]


def read_facts(folder: Path) -> tuple[OnnxFacts, bytes]:
    """The facts and the bytes of a trial's graph. Raises ModelError where it is missing, damaged or stale."""
    again = "make it anew with python -m core export --onnx"
    if not (folder / FACTS).is_file():
        raise ModelError(f"There is no ONNX graph in {folder}; make it with python -m core export --onnx.")
    try:
        facts = OnnxFacts(**json.loads((folder / FACTS).read_text()))
        data = (folder / GRAPH).read_bytes()
        weights = weights_hash(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / GRAPH} or a file that belongs to it cannot be read; {again}.") from error
    if facts.version != VERSION:
        raise ModelError(f"{folder / FACTS} is of another version of this software; {again}.")
    if facts.weights_sha256 != weights:
        raise ModelError(f"{folder / GRAPH} was made from other weights than those beside it; {again}.")
    if hashlib.sha256(data).hexdigest() != facts.sha256:
        raise ModelError(f"{folder / GRAPH} does not match its {FACTS}; {again}.")
    return facts, data
