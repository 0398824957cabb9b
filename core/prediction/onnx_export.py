"""A trained model as an ONNX graph beside its weights, checked against torch: model.onnx and model.onnx.json.

The graph takes images (n, 3, S, S) of float32 as `core.learning.inputs.network_input` makes them, n at will, and gives
`features` (n, D) and `logits` (n, C); where the network has one also its last feature map before pooling, `maps`
(n, D, h, w), from which class activation maps follow exactly where the classifier is linear on its average. Its
metadata say what one needs to use it elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import threading
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from core.data.external import ExternalError, described
from core.data.intake import IntakeError, decode_image, to_square
from core.learning.inputs import network_input
from core.learning.model import ModelFacts, load_trained
from core.learning.reuse import bytes_taken
from core.learning.settings import InputSettings, ModelError
from core.learning.weights_hash import weights_hash
from core.paths import trial_folder, trial_name
from core.prediction.explain import linear_head
from core.prediction.onnx_files import FACTS, GRAPH, INPUT, VERSION, OnnxFacts, read_facts
from core.prediction.onnx_runtime import onnx_available, session_of
from store.journal import JournalWriter, journal_folder, next_attempt, write_durably

OPSET: Final = 17
TOLERANCE: Final = 1e-4  # of a probability, and of a logit or a feature relative to the largest (at least 1)
IMAGES: Final = 4  # training images among the probes
KIND: Final = "onnx"  # how the journals of an export begin

_one_at_a_time = threading.Lock()  # torch.onnx.export keeps its state in the module


@dataclass(frozen=True)
class _Outputs:
    """What a network says of some images, by the names of the graph's outputs."""

    named: dict[str, NDArray[np.float32]]

    def differences(self, other: _Outputs) -> dict[str, float]:
        """The largest difference by output: relative to the largest value, at least 1; of probabilities as it is."""
        found = {}
        for name, mine in self.named.items():
            scale = max(1.0, float(np.abs(mine).max()))
            found[name] = float(np.abs(mine - other.named[name]).max()) / scale
        found["probabilities"] = float(np.abs(_softmax(self.named["logits"]) - _softmax(other.named["logits"])).max())
        return found


def export_onnx(home: Path, trial_id: str) -> OnnxFacts:
    """Make the graph of a trial where there is no whole one yet, check it, write it durably; what its JSON says.

    Raises ModelError, one sentence, when the trial has no usable weights, onnx or onnxruntime is not installed, the
    network has no graph, or the graph's answers are not torch's. Nothing is left behind then.
    """
    folder = trial_folder(home, trial_id)
    with _one_at_a_time:
        with contextlib.suppress(ModelError):
            return read_facts(folder)[0]
        if not onnx_available() or not _onnx_installed():
            raise ModelError(
                "ONNX Runtime is not installed here, so no graph can be made; pip install -r requirements-onnx.txt."
            )
        if not (folder / "weights.json").exists():
            raise ModelError(f"Trial {trial_id} has no weights; only a trial that has finished its training does.")
        network, facts = load_trained(folder)
        data, found = _checked(network, facts, _probes(home, facts), trial_id, weights_hash(folder))
        write_durably(folder / GRAPH, data)
        write_durably(folder / FACTS, json.dumps(asdict(found), indent=1).encode())
    _record_size(home, trial_id, folder)
    return found


def _checked(
    network: nn.Module, facts: ModelFacts, probes: tuple[NDArray[np.uint8], int], trial_id: str, weights_sha256: str
) -> tuple[bytes, OnnxFacts]:
    """The graph's bytes and facts. Raises ModelError where its answers are not torch's."""
    squares, n_real = probes
    images = network_input(
        squares, InputSettings(**facts.settings.get("input", {})), facts.mean, facts.std
    ).contiguous()
    graph = _Graph(network, images[:2]).eval()
    with torch.inference_mode():
        expected = _Outputs({name: part.numpy() for name, part in zip(graph.outputs, graph(images), strict=True)})
    data = _with_metadata(_traced(graph, images[:2], facts), facts, weights_sha256)
    answers = _answers(data, graph.outputs, images.numpy())
    differences = expected.differences(answers)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:  # NaN too
            raise ModelError(
                f"The ONNX graph of trial {trial_id} does not answer as torch does: its {name} differ by "
                f"{difference:.2g}, above {TOLERANCE:g}, so it was not kept; read with torch."
            )
    return data, OnnxFacts(
        version=VERSION, sha256=hashlib.sha256(data).hexdigest(), weights_sha256=weights_sha256, opset=OPSET,
        outputs=list(graph.outputs), head=graph.head, differences=differences, tolerance=TOLERANCE,
        probes=len(squares) - n_real, images=n_real,
        made_with={name: version(name) for name in ("torch", "timm", "onnx", "onnxruntime")},
    )  # fmt: skip


class _Graph(nn.Module):
    """The network with the outputs that a reading needs. `head` names a linear classifier on the map's average."""

    @torch.inference_mode()
    def __init__(self, network: Any, images: Tensor) -> None:
        super().__init__()
        self._network: Any = network
        maps = network.forward_features(images)
        self.outputs = ("maps", "features", "logits") if maps.ndim == 4 else ("features", "logits")
        self.head: str | None = None
        if maps.ndim == 4 and linear_head(network) is not None:
            classifier = network.get_classifier()
            self.head = next(name for name, part in network.named_modules() if part is classifier)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = self._network.forward_features(images)
        features = self._network.forward_head(maps, pre_logits=True).flatten(1)
        found = {"maps": maps, "features": features, "logits": self._network.forward_head(maps)}
        return tuple(found[name] for name in self.outputs)


class _EvenPools(TorchFunctionMode):
    """Average pools to a grid that does not divide the map, as two products of matrices: ONNX has no such pool."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is functional.adaptive_avg_pool2d:
            maps, size = args
            rows, columns = (size, size) if isinstance(size, int) else size
            height, width = maps.shape[2:]
            if rows and columns and (height % rows or width % columns):
                return _means(int(rows), int(height)) @ maps @ _means(int(columns), int(width)).T
        return function(*args, **(kwargs or {}))


def _means(parts: int, side: int) -> Tensor:
    """(parts, side): row i averages what torch's adaptive pool gives to part i."""
    found = torch.zeros(parts, side)
    for part in range(parts):
        low, high = part * side // parts, -(-(part + 1) * side // parts)
        found[part, low:high] = 1 / (high - low)
    return found


def _traced(graph: _Graph, images: Tensor, facts: ModelFacts) -> bytes:
    """By the exporter that needs no further package; it is deprecated, and says so at every call."""
    file: Any = io.BytesIO()  # torch's types know only paths
    axes = {name: {0: "n"} for name in (INPUT, *graph.outputs)}
    with warnings.catch_warnings(), _EvenPools():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                graph, (images,), file, input_names=[INPUT], output_names=list(graph.outputs), dynamic_axes=axes,
                opset_version=OPSET, dynamo=False,
            )  # fmt: skip
        except (RuntimeError, TypeError, ValueError) as error:  # a layer that ONNX has no word for
            raise ModelError(
                f"{facts.backbone} has no ONNX graph ({type(error).__name__}: {str(error).splitlines()[0][:120]}); "
                "read with torch."
            ) from error
    data: bytes = file.getvalue()
    return data


def _with_metadata(data: bytes, facts: ModelFacts, weights_sha256: str) -> bytes:
    """The graph with what one needs to use it elsewhere."""
    import onnx  # type: ignore[import-not-found,import-untyped,unused-ignore]

    proto = onnx.load_from_string(data)
    proto.producer_name = "CellAscent"
    for name, value in metadata(facts, weights_sha256).items():
        proto.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))
    found: bytes = proto.SerializeToString()
    return found


def metadata(facts: ModelFacts, weights_sha256: str) -> dict[str, Any]:
    """What one needs to use the graph elsewhere, beside its inputs and outputs."""
    return {
        "model_id": facts.trial_id, "weights_sha256": weights_sha256, "classes": facts.classes,
        "image_size": facts.image_size, "input": facts.settings.get("input", {}) or asdict(InputSettings()),
        "mean": facts.mean, "std": facts.std, "backbone": facts.backbone, "dataset_id": facts.dataset_id,
        "synthetic": facts.synthetic, "training_version": facts.training_version, "use": "Research use only.",
    }  # fmt: skip


def _answers(data: bytes, outputs: tuple[str, ...], images: NDArray[np.float32]) -> _Outputs:
    """What ONNX Runtime says of the images: the first alone, the others as one batch, so that both are checked."""
    session = session_of(data, threads=1)
    parts = [session.run(list(outputs), {INPUT: part}) for part in (images[:1], images[1:])]
    return _Outputs({name: np.concatenate(both) for name, both in zip(outputs, zip(*parts, strict=True), strict=True)})


def _probes(home: Path, facts: ModelFacts) -> tuple[NDArray[np.uint8], int]:
    """Squares (n, S, S, 3) to compare on, and how many of them are training images: noise, blotches, grey, cells."""
    size = facts.image_size
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    blotches = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.uint8)
    real = _training_images(home, facts)
    return np.stack([noise, blotches, np.full_like(noise, 200), *real]), len(real)


def _training_images(home: Path, facts: ModelFacts) -> list[NDArray[np.uint8]]:
    """A few, spread over the data set; none where the data are not here any more."""
    try:
        dataset = described(home, facts.dataset_id)
    except ExternalError:
        return []
    records = [image for image in dataset.usable if image.split == "train"]
    found = []
    for at in np.linspace(0, len(records) - 1, IMAGES).astype(int) if records else ():
        with contextlib.suppress(OSError, IntakeError):
            data = (dataset.root / records[at].path).read_bytes()
            found.append(to_square(decode_image(data), facts.image_size))
    return found


def _record_size(home: Path, trial_id: str, folder: Path) -> None:
    """What the trial's files take now, where its search still has journals."""
    search_id = trial_id.partition(".")[0]
    journals, name = journal_folder(home, search_id), f"{KIND}-{trial_name(trial_id)}"
    if not journals.is_dir():
        return
    journal = JournalWriter(journals, name, next_attempt(journals, name))
    try:
        journal.append("files", search_id=search_id, trial_id=trial_id, bytes=bytes_taken(folder))
    finally:
        journal.close()


def _onnx_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("onnx") is not None


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
