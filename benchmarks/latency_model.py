"""A model of random weights with all that a reading rests on: calibration, limits of the checks, out-of-scope score."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import nn

from core.data.intake import decode_image, to_square
from core.evaluation.scope import fit
from core.evaluation.scope_file import Scope, scores
from core.learning import model
from core.learning.inputs import network_input
from core.learning.settings import InputSettings
from core.paths import trial_folder
from core.prediction.calibration import calibrate
from core.prediction.models import ModelEntry
from core.prediction.onnx_export import export_onnx
from core.prediction.quality import learn, measure
from core.prediction.reader import Reader
from core.prediction.readers import network

TRIAL: Final = "s-20260101-000000-abcdef.00-initial"
CLASSES: Final = ("basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil")
WARM: Final = 4  # images from which batch norm takes its statistics


@dataclass(frozen=True)
class Made:
    """Readers by runtime; the same network as timm has it, and what standardises its input."""

    readers: dict[str, Reader]
    network: nn.Module
    mean: list[float]
    std: list[float]


def make_model(
    home: Path, files: Sequence[bytes], backbone: str, size: int, background: str, threads: int, seed: int,
    runtimes: Sequence[str],
) -> Made:  # fmt: skip
    """Save a model in `home`, and make it ready for readings from these images, whose classes are made up.

    Raises ModelError where there is no such backbone, or its ONNX graph does not answer as torch does.
    """
    images = [decode_image(file) for file in files]
    squares = np.stack([to_square(image, size) for image in images])
    labels = np.arange(len(files)) % len(CLASSES)
    mean, std = _save(home, squares, backbone, background, seed)
    os.environ["CELLASCENT_READING_THREADS"] = str(threads)
    if "onnx" in runtimes:
        export_onnx(home, TRIAL)
    limits = learn([measure(square, *image.shape[1::-1]) for square, image in zip(squares, images, strict=True)])
    entry = ModelEntry(TRIAL, "benchmark", "trial", CLASSES, "d-0", (TRIAL,))
    readers, scope, calibration = {}, None, None
    for runtime in runtimes:
        net: Any = network(home, TRIAL, runtime)
        if scope is None:  # what the scores are does not matter here: they take as long on both
            features, logits = _outputs(net, squares)
            gaussians = fit(features, labels)
            scope = Scope(gaussians, scores(gaussians, features, logits), "benchmark")
            calibration = calibrate(softmax(logits.astype(np.float64), axis=1), labels, CLASSES)
        readers[runtime] = Reader(entry, [net], calibration=calibration, limits=limits, scope=scope)
    plain: Any = model.load_trained(trial_folder(home, TRIAL))[0].to(memory_format=torch.contiguous_format)
    torch.set_num_threads(threads)
    return Made(readers, plain, mean, std)


def _save(
    home: Path, squares: NDArray[np.uint8], backbone: str, background: str, seed: int
) -> tuple[list[float], list[float]]:
    """Random weights whose batch norm has seen images, so that nothing overflows; mean and std of the input."""
    net = model.build(backbone, len(CLASSES), None, seed)
    mean, std = model.input_statistics(net)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    settings = InputSettings(background=background)
    with torch.no_grad():
        net(network_input(squares[:WARM], settings, mean, std))
    facts = model.ModelFacts(
        backbone, list(CLASSES), squares.shape[1], mean, std, {"input": asdict(settings)}, "benchmark", TRIAL, "d-0",
        synthetic=True, initial_weights="none",
    )  # fmt: skip
    model.save_weights(net, facts, trial_folder(home, TRIAL))
    return mean, std


def _outputs(net: Any, squares: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    parts = [net.features_and_logits(squares[at : at + 1]) for at in range(len(squares))]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
