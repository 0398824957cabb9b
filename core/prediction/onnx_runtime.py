"""A trial's network on ONNX Runtime, where that is installed: the surface of `TorchPredictor`, in less time."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from scipy.special import softmax

from core.data.intake import to_square
from core.learning.inputs import network_input
from core.learning.model import ModelFacts
from core.learning.settings import InputSettings, ModelError
from core.paths import trial_folder
from core.prediction.onnx_files import INPUT, read_facts
from core.prediction.predictor import Look, Prediction

if TYPE_CHECKING:
    from torch import Tensor

RUNTIME: Final = "onnx"
THREADS: Final = 1
_QUIET: Final = 3  # errors only
_GIVE_BACK: Final = "memory.enable_memory_arena_shrinkage"


def onnx_available() -> bool:
    """Whether ONNX Runtime is installed here."""
    return find_spec("onnxruntime") is not None


def session_of(graph: bytes, threads: int = THREADS) -> Any:
    """A session of a graph on the CPU that waits for work without spinning: a core that it spins on, a training lacks.

    Raises ModelError when ONNX Runtime is not installed or takes the graph for none.
    """
    if not onnx_available():
        raise ModelError(
            "ONNX Runtime is not installed here; pip install -r requirements-onnx.txt, or read with torch."
        )
    import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _QUIET
    for name, value in {
        "session.intra_op.allow_spinning": "0", "session.inter_op.allow_spinning": "0",
        "session.use_device_allocator_for_initializers": "1",  # outside the arena, so that it can be given back
    }.items():  # fmt: skip
        options.add_session_config_entry(name, value)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has exceptions of its own, without a common class
        raise ModelError(
            f"ONNX Runtime cannot use the graph ({type(error).__name__}); make it anew with "
            "python -m core export --onnx."
        ) from error


class OnnxPredictor:
    """A trial's graph on the CPU. Safe to use from several threads."""

    runtime = RUNTIME

    def __init__(self, folder: Path, threads: int = THREADS) -> None:
        """Raises ModelError where the graph is missing, damaged or stale, or ONNX Runtime is not installed."""
        found, graph = read_facts(folder)
        try:
            described = json.loads((folder / "weights.json").read_text())
            self.weights_sha256 = str(described.pop("sha256"))
            self.facts = ModelFacts(**described)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / 'weights.json'} cannot be read; train the trial again.") from error
        self._head = None if found.head is None else _linear(folder, found.head)
        self._outputs = found.outputs
        self._input = InputSettings(**self.facts.settings.get("input", {}))  # {}: of a version without them
        self._session = session_of(graph, threads)

    def predict(self, image: np.ndarray) -> Prediction:
        """Read one (H, W, 3) uint8 RGB image."""
        square = to_square(image, self.facts.image_size)
        return Prediction(tuple(self.facts.classes), self.predict_squares(square[None])[0])

    def predict_squares(self, squares: np.ndarray) -> np.ndarray:
        """Probabilities (n, C) of uint8 RGB images (n, S, S, 3) of the model's own size S, as one batch."""
        return np.asarray(softmax(self.features_and_logits(squares)[1], axis=1))

    def features_and_logits(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pooled features (n, D) before the classifier, and logits (n, C), as `TorchPredictor.features_and_logits`."""
        found = self._run(squares, ["features", "logits"])
        return found["features"], found["logits"]

    def look(self, squares: np.ndarray) -> Look:
        """All that one forward pass gives of images (n, S, S, 3) of uint8."""
        found = self._run(squares, self._outputs)
        return Look(found.get("maps"), found["features"], found["logits"])

    def head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weight (C, D) and bias (C,) of the classifier; None where it is not linear on an average pool."""
        return self._head

    def network_input(self, squares: np.ndarray) -> Tensor:
        """(n, 3, S, S): the squares as this model was trained to see them."""
        return network_input(squares, self._input, self.facts.mean, self.facts.std)

    def _run(self, squares: np.ndarray, outputs: list[str]) -> dict[str, NDArray[np.float32]]:
        images = self.network_input(squares).contiguous().numpy()
        found = self._session.run(outputs, {INPUT: images}, self._options(len(images)))
        return dict(zip(outputs, found, strict=True))

    def _options(self, n: int) -> Any:
        """After a batch, the memory that one image does not need is given back; after one image it is kept."""
        if n == 1:
            return None
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.add_run_config_entry(_GIVE_BACK, "cpu:0")
        return options


def load_onnx(home: Path, trial_id: str, threads: int = THREADS) -> OnnxPredictor:
    """The predictor of a trial on ONNX Runtime.

    Raises ModelError when its weights or its graph are not there (`export_onnx` makes it), damaged or stale.
    """
    folder = trial_folder(home, trial_id)
    if not (folder / "weights.json").exists():
        raise ModelError(f"Trial {trial_id} has no weights; only a trial that has finished its training does.")
    return OnnxPredictor(folder, threads)


def _linear(folder: Path, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of a linear layer, from the weights file alone."""
    try:
        with safe_open(folder / "weights.safetensors", "np") as weights:
            weight = np.asarray(weights.get_tensor(f"{name}.weight"), np.float32)
            there = f"{name}.bias" in weights.keys()  # noqa: SIM118  # it is no mapping
            bias = weights.get_tensor(f"{name}.bias") if there else np.zeros(len(weight))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{folder / 'weights.safetensors'} cannot be read; train the trial again.") from error
    return weight, np.asarray(bias, np.float32)
