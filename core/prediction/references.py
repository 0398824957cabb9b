"""The training images nearest to an image in the network's own features: references.safetensors and references.json.

What looks near to a network need not look near to a person, and the classes are those of the labels. They lie beside
the weights; references.json names the weights that they were made with, and vouches for the features by hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash
from store.journal import write_durably

ARRAYS: Final = "references.safetensors"
FACTS: Final = "references.json"
VERSION: Final = 1


class ReferencesError(ValueError):
    """Reference cells cannot be made or used; the message is one sentence."""


@dataclass(frozen=True)
class References:
    """Training images as the network sees them.

    Attributes:
        features: (n, D) float16, each of length 1, those of a class side by side.
        image_ids: (n,), of the dataset that the weights were trained on.
        rows: by class, which of the n are its own.
        sha256: of the file; it names what a reading was compared with.
    """

    features: NDArray[np.float16]
    image_ids: NDArray[np.int64]
    rows: dict[str, slice]
    sha256: str

    def nearest(self, features: NDArray[np.floating[Any]], class_: str, k: int) -> list[tuple[int, float]]:
        """The k images of a class that are nearest by cosine similarity, as (image_id, similarity), the nearest first.

        Args:
            features: (D,) of one image, of any length.

        Returns:
            Fewer than k where the class has fewer images; none for a class without any.

        Raises ReferencesError when the features are not of this network.
        """
        features = np.asarray(features, np.float32).ravel()
        if features.size != self.features.shape[1]:
            raise ReferencesError(
                f"The reference cells have {self.features.shape[1]} features each, the image has {features.size}; make "
                "them anew with python -m core calibrate."
            )
        rows = self.rows.get(class_, slice(0, 0))
        similar = self.features[rows].astype(np.float32) @ _unit(features[None])[0]
        order = np.argsort(-similar, kind="stable")[:k]
        return [(int(self.image_ids[rows][at]), float(np.clip(similar[at], -1, 1))) for at in order]


def save_references(
    folder: Path, features: NDArray[np.floating[Any]], image_ids: Sequence[int], classes: Sequence[str]
) -> References:
    """Write them durably beside the weights; the JSON, written last, vouches for the features by hash.

    Args:
        folder: of the trial.
        features: (n, D) of training images, of any length.
        image_ids: (n,).
        classes: (n,), the class of each image.

    Raises ReferencesError when the three do not belong together, a feature is no number, or the folder has no weights.
    """
    if features.ndim != 2 or not len(features) == len(image_ids) == len(classes) > 0:
        raise ReferencesError("Reference cells need one row of features, one image id and one class for each image.")
    if not np.isfinite(features).all():
        raise ReferencesError("The network gives features that are no numbers; train the trial again.")
    names = sorted(set(classes))
    labels = np.array([names.index(name) for name in classes], np.int64)
    order = np.argsort(labels, kind="stable")
    arrays: dict[str, Any] = {
        "features": np.ascontiguousarray(_unit(np.asarray(features, np.float32))[order], np.float16),
        "image_ids": np.asarray(image_ids, np.int64)[order],
        "labels": labels[order],
    }
    data = save_arrays(arrays)
    facts = {
        "version": VERSION, "weights_sha256": _weights(folder), "sha256": hashlib.sha256(data).hexdigest(),
        "classes": names,
    }  # fmt: skip
    write_durably(folder / ARRAYS, data)
    write_durably(folder / FACTS, json.dumps(facts, indent=1).encode())
    return _references(arrays, facts)


def load_references(folder: Path) -> References | None:
    """What `save_references` wrote for the weights in a trial's folder; None where there is nothing.

    Raises ReferencesError when it is damaged, of another version, or of other weights.
    """
    if not (folder / FACTS).is_file():
        return None
    again = "make it anew with python -m core calibrate"
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
        data = (folder / ARRAYS).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ReferencesError(f"{folder / ARRAYS} does not match its {FACTS}; {again}.")
        if facts["version"] != VERSION:
            raise ReferencesError(f"{folder / FACTS} is of another version; {again}.")
        if facts["weights_sha256"] != _weights(folder):
            raise ReferencesError(f"{folder / FACTS} was made for other weights than those beside it; {again}.")
        return _references(load_arrays(data), facts)
    except ReferencesError:
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
        raise ReferencesError(f"{folder / FACTS} cannot be read; {again}.") from error


def whole_references(folder: Path) -> References | None:
    """`load_references`, with None for what cannot be used either."""
    with contextlib.suppress(ReferencesError):
        return load_references(folder)
    return None


def _references(arrays: dict[str, Any], facts: dict[str, Any]) -> References:
    labels = arrays["labels"]
    edges = np.searchsorted(labels, np.arange(len(facts["classes"]) + 1))
    rows = {name: slice(int(edges[at]), int(edges[at + 1])) for at, name in enumerate(facts["classes"])}
    return References(arrays["features"], arrays["image_ids"], rows, str(facts["sha256"]))


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays, similar to nothing."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), np.float32)


def _weights(folder: Path) -> str:
    try:
        return weights_hash(folder)
    except ModelError as error:
        raise ReferencesError(str(error)) from error
