"""The fitted score of a trial, durably beside its weights: scope.safetensors and scope.json."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from core.evaluation.scope import ENERGY, MAHALANOBIS, METHODS, VERSION, Floats, Gaussians, ScopeError, energy, p_values
from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash
from store.journal import write_durably

ARRAYS: Final = "scope.safetensors"
FACTS: Final = "scope.json"


@dataclass(frozen=True)
class Scope:
    """What a trial's images look like to its network: the fit on training images, and the calibration images' scores.

    Attributes:
        gaussians: class means and covariance of the training images' features.
        calibration: scores (n,) of the calibration images, by method.
        fit_id: hash of all of it.
    """

    gaussians: Gaussians
    calibration: dict[str, Floats]
    fit_id: str

    @property
    def n(self) -> int:
        """Calibration images."""
        return len(self.calibration[MAHALANOBIS])

    def scores(self, features: np.ndarray, logits: np.ndarray) -> dict[str, Floats]:
        """Scores (n,) of images by method, from their features (n, D) and logits (n, C). Raises ScopeError."""
        return scores(self.gaussians, features, logits)

    def p_values(self, found: dict[str, Floats]) -> dict[str, Floats]:
        """Conformal p-values (n,) of such scores, by method."""
        return {method: p_values(self.calibration[method], found[method]) for method in METHODS}


def scores(gaussians: Gaussians, features: np.ndarray, logits: np.ndarray) -> dict[str, Floats]:
    """Scores (n,) of images by method. Raises ScopeError where the network's outputs do not fit."""
    return {MAHALANOBIS: gaussians.distances(features), ENERGY: energy(logits)}


def save_scope(folder: Path, gaussians: Gaussians, calibration: dict[str, Floats]) -> Scope:
    """Write it durably beside the weights; the JSON, written last, vouches for the arrays by hash.

    Raises ScopeError when the folder has no weights.
    """
    arrays: dict[str, np.ndarray] = {"whiten": gaussians.whiten, "means": gaussians.means}
    arrays |= {f"calibration_{method}": calibration[method] for method in METHODS}
    data = save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    facts = {
        "version": VERSION, "shrinkage": gaussians.shrinkage, "weights_sha256": _weights(folder),
        "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    write_durably(folder / ARRAYS, data)
    write_durably(folder / FACTS, json.dumps(facts, indent=1).encode())
    return Scope(gaussians, calibration, str(facts["sha256"]))


def load_scope(folder: Path) -> Scope | None:
    """What `save_scope` wrote for the weights in a trial's folder; None where there is nothing.

    Raises ScopeError when it is damaged, of another version, or of other weights.
    """
    if not (folder / FACTS).is_file():
        return None
    again = "make it anew with python -m core scope"
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
        data = (folder / ARRAYS).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ScopeError(f"{folder / ARRAYS} does not match its {FACTS}; {again}.")
        if facts["version"] != VERSION:
            raise ScopeError(f"{folder / FACTS} is of another version of the scores; {again}.")
        if facts["weights_sha256"] != _weights(folder):
            raise ScopeError(f"{folder / FACTS} was made for other weights than those beside it; {again}.")
        arrays = load_arrays(data)
        gaussians = Gaussians(arrays["whiten"], arrays["means"], float(facts["shrinkage"]))
        calibration = {method: arrays[f"calibration_{method}"] for method in METHODS}
    except ScopeError:
        raise
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ScopeError(f"{folder / FACTS} cannot be read; {again}.") from error
    return Scope(gaussians, calibration, str(facts["sha256"]))


def whole_scope(folder: Path) -> Scope | None:
    """`load_scope`, with None for what cannot be used either."""
    with contextlib.suppress(ScopeError):
        return load_scope(folder)
    return None


def _weights(folder: Path) -> str:
    try:
        return weights_hash(folder)
    except ModelError as error:
        raise ScopeError(str(error)) from error
