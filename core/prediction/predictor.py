"""One image in, the probabilities of a trained model out. `Predictor` is the seam for other runtimes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from core.data.intake import to_square
from core.learning.inputs import network_input
from core.learning.model import ModelFacts, load_trained
from core.learning.settings import InputSettings, ModelError
from core.learning.weights_hash import weights_hash
from core.paths import trial_folder
from core.prediction.explain import linear_head


@dataclass(frozen=True)
class Prediction:
    """Probabilities (C,) in the order of `classes`; plain softmax, not calibrated."""

    classes: tuple[str, ...]
    probabilities: np.ndarray

    @property
    def best(self) -> str:
        return self.classes[int(self.probabilities.argmax())]


@dataclass(frozen=True)
class Look:
    """What a network saw in n images.

    Attributes:
        maps: (n, D, h, w) the last feature map, before pooling; None where the network has none.
        features: (n, D) pooled features before the classifier.
        logits: (n, C).
    """

    maps: np.ndarray | None
    features: np.ndarray
    logits: np.ndarray


class Predictor(Protocol):
    """Anything that reads an image."""

    @property
    def facts(self) -> ModelFacts: ...

    def predict(self, image: np.ndarray) -> Prediction:
        """Read one (H, W, 3) uint8 RGB image."""


class Network(Predictor, Protocol):
    """One network, on any runtime: what explains and checks a reading asks it for more than probabilities."""

    runtime: str  # "torch" | "onnx"
    weights_sha256: str

    def predict_squares(self, squares: np.ndarray) -> np.ndarray:
        """Probabilities (n, C) of uint8 RGB images (n, S, S, 3) of the model's own size S."""

    def features_and_logits(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pooled features (n, D) and logits (n, C) of such images."""

    def look(self, squares: np.ndarray) -> Look:
        """All that one forward pass gives of such images."""

    def head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weight (C, D) and bias (C,) of a linear classifier right after average pooling; None: it is another kind."""


class TorchPredictor:
    """A trial's weights on the CPU."""

    runtime = "torch"

    def __init__(self, folder: Path) -> None:
        """Raises core.learning.settings.ModelError when the folder holds no usable weights."""
        self._model: Any  # timm's networks have more than torch's
        self._model, self.facts = load_trained(folder)
        self.weights_sha256 = weights_hash(folder)
        self._head = linear_head(self._model)

    def predict(self, image: np.ndarray) -> Prediction:
        square = to_square(image, self.facts.image_size)
        return Prediction(tuple(self.facts.classes), self.predict_squares(square[None])[0])

    @torch.inference_mode()
    def predict_squares(self, squares: np.ndarray) -> np.ndarray:
        """Probabilities (n, C) of uint8 RGB images (n, S, S, 3) of the model's own size S, as one batch."""
        return np.asarray(self._model(self.network_input(squares)).softmax(dim=1))

    def features_and_logits(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pooled features (n, D) before the classifier, and logits (n, C), of images as `predict_squares` takes them.

        The logits are those behind its probabilities.
        """
        seen = self.look(squares)
        return seen.features, seen.logits

    @torch.inference_mode()
    def look(self, squares: np.ndarray) -> Look:
        """All that one forward pass gives of images as `predict_squares` takes them."""
        seen = self._model.forward_features(self.network_input(squares))
        features = self._model.forward_head(seen, pre_logits=True).flatten(1)
        logits = self._model.forward_head(seen)
        maps = np.asarray(seen.float()) if seen.ndim == 4 else None
        return Look(maps, np.asarray(features.float()), np.asarray(logits.float()))

    def head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weight (C, D) and bias (C,) of a linear classifier right after average pooling; None: it is another kind."""
        return self._head

    def network_input(self, squares: np.ndarray) -> torch.Tensor:
        """(n, 3, S, S): the squares as this model was trained to see them."""
        settings = InputSettings(**self.facts.settings.get("input", {}))  # {}: of a version without them
        return network_input(squares, settings, self.facts.mean, self.facts.std)


def load(home: Path, trial_id: str) -> TorchPredictor:
    """The predictor of a trial. Raises ModelError when its weights are not there (yet) or damaged."""
    folder = trial_folder(home, trial_id)
    if not (folder / "weights.json").exists():
        raise ModelError(f"Trial {trial_id} has no weights; only a trial that has finished its training does.")
    return TorchPredictor(folder)
