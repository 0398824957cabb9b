"""The ONNX graph of a trial answers as torch does, or is refused; it is not used once damaged or stale."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from core.data.sample import make_sample
from core.data.scan import scan
from core.learning import model
from core.learning.settings import ModelError
from core.paths import dataset_file, trial_folder
from core.prediction import onnx_export, onnx_runtime
from core.prediction.onnx_export import export_onnx
from core.prediction.onnx_files import FACTS, GRAPH
from core.prediction.onnx_runtime import OnnxPredictor, load_onnx, onnx_available
from core.prediction.predictor import load
from store.journal import journal_files, journal_folder, read_records

TRIAL = "s-20260101-000000-abcdef.00-initial"
CLASSES = ["a", "b", "c"]
SQUARES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


def save(home: Path, backbone: str = "resnet10t", size: int = 64, seed: int = 1, **more: object) -> Path:
    """A trial's weights; batch norm has seen images, so that activations are of a trained network's size."""
    network = model.build(backbone, len(CLASSES), None, seed=seed)
    mean, std = model.input_statistics(network)
    torch.manual_seed(seed)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # what it sees counts at once
    with torch.no_grad():
        network(torch.randn(8, 3, size, size)) if norms else None
    facts = model.ModelFacts(
        backbone, CLASSES, size, mean, std, {**more}, "1", TRIAL, "d", synthetic=True, initial_weights="none"
    )
    model.save_weights(network, facts, trial_folder(home, TRIAL))
    return trial_folder(home, TRIAL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    save(home, input={"standardise": "image"})
    export_onnx(home, TRIAL)
    return home


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("backbone", "linear", "mapped"),
    [
        ("resnet10t", True, True), ("googlenet", True, True), ("mobilenetv3_small_050", False, True),
        ("convnext_atto", False, True), ("test_vit", False, False),
    ],
)  # fmt: skip
def test_every_kind_of_backbone_answers_as_torch_does(tmp_path: Path, backbone: str, linear: bool, mapped: bool):
    size = 160 if backbone == "test_vit" else 64
    save(tmp_path, backbone, size)
    found = export_onnx(tmp_path, TRIAL)
    assert (found.head is not None, "maps" in found.outputs) == (linear, mapped)
    assert max(found.differences.values()) <= found.tolerance
    squares = SQUARES if size == 64 else np.repeat(np.repeat(SQUARES, 3, axis=1), 3, axis=2)[:, :size, :size]
    ours, theirs = load_onnx(tmp_path, TRIAL), load(tmp_path, TRIAL)
    look, other = ours.look(squares), theirs.look(squares)
    assert look.logits == pytest.approx(other.logits, abs=1e-3)
    assert look.features == pytest.approx(other.features, abs=1e-3)
    assert ours.predict_squares(squares) == pytest.approx(theirs.predict_squares(squares), abs=1e-4)
    assert (look.maps is not None) == mapped
    if mapped:
        assert look.maps == pytest.approx(other.maps, abs=1e-3)


class Uneven(nn.Module):
    """Pools a map of 7 x 9 to 4 x 5, as AlexNet and VGG do at other sizes than their own."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.pool, self.classifier = (
            nn.Conv2d(3, 4, 1),
            nn.AdaptiveAvgPool2d((4, 5)),
            nn.Linear(80, 3),
        )

    def forward_features(self, images: Tensor) -> Tensor:
        return self.convolution(images)

    def forward_head(self, maps: Tensor, pre_logits: bool = False) -> Tensor:
        features = self.pool(maps).flatten(1)
        return features if pre_logits else self.classifier(features)

    def get_classifier(self) -> nn.Module:
        return self.classifier


def test_a_pool_to_a_grid_that_does_not_divide_the_map_is_exported_too():
    images = torch.randn(2, 3, 7, 9)
    graph = onnx_export._Graph(Uneven().eval(), images)
    facts = SimpleNamespace(backbone="uneven")
    answers = onnx_export._answers(onnx_export._traced(graph, images, facts), graph.outputs, images.numpy())
    with torch.inference_mode():
        expected = graph(images)
    assert (graph.outputs, graph.head) == (("maps", "features", "logits"), None)
    for name, value in zip(graph.outputs, expected, strict=True):
        assert answers.named[name] == pytest.approx(value.numpy(), abs=1e-6)


@pytest.mark.parametrize(("size", "to"), [((6, 6), 4), ((6, 6), (3, 2)), ((2, 3), 7), ((5, 8), 1)])
def test_such_a_pool_is_torchs(size: tuple[int, int], to: int | tuple[int, int]):
    maps = torch.randn(2, 3, *size)
    expected = functional.adaptive_avg_pool2d(maps, to)
    with onnx_export._EvenPools():
        assert torch.allclose(functional.adaptive_avg_pool2d(maps, to), expected, atol=1e-6)


def test_maps_and_head_give_the_logits(home: Path):
    predictor = load_onnx(home, TRIAL)
    look, head = predictor.look(SQUARES), predictor.head()
    assert head is not None
    assert look.maps is not None
    weight, bias = head
    maps = np.einsum("cd,ndhw->nchw", weight, look.maps)
    assert maps.mean(axis=(2, 3)) + bias == pytest.approx(look.logits, abs=1e-4)


def test_it_reads_with_the_input_settings_of_the_training(home: Path):
    image = np.random.default_rng(1).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    ours, theirs = load_onnx(home, TRIAL, threads=2).predict(image), load(home, TRIAL).predict(image)
    assert ours.classes == theirs.classes == tuple(CLASSES)
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-5)


def test_one_batch_says_what_each_image_alone_says(home: Path):
    predictor = load_onnx(home, TRIAL)
    together = predictor.features_and_logits(SQUARES)[1]
    alone = np.concatenate([predictor.features_and_logits(SQUARES[at : at + 1])[1] for at in range(len(SQUARES))])
    assert together == pytest.approx(alone, abs=1e-4)
    assert (predictor.runtime, predictor.weights_sha256) == ("onnx", load(home, TRIAL).weights_sha256)
    assert onnx_available()


def test_a_whole_graph_is_kept(home: Path):
    before = (trial_folder(home, TRIAL) / GRAPH).stat().st_mtime_ns
    again = export_onnx(home, TRIAL)
    assert (trial_folder(home, TRIAL) / GRAPH).stat().st_mtime_ns == before
    assert (again.probes, again.images) == (3, 0)  # the data are not here


def test_the_graph_says_what_one_needs_elsewhere(home: Path):
    import onnxruntime

    session = onnxruntime.InferenceSession(trial_folder(home, TRIAL) / GRAPH)
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == CLASSES
    assert json.loads(told["input"])["standardise"] == "image"
    assert json.loads(told["synthetic"]) is True
    assert told["weights_sha256"] == load(home, TRIAL).weights_sha256
    assert session.get_inputs()[0].shape == ["n", 3, 64, 64]


def test_training_images_are_among_the_probes_and_the_size_is_recorded(tmp_path: Path):
    dataset = scan(make_sample(tmp_path / "cells", per_class=6, size=64), work=tmp_path / "work")
    dataset_file(tmp_path, "d").parent.mkdir(parents=True)
    dataset.save(dataset_file(tmp_path, "d"))
    folder = save(tmp_path)
    journal_folder(tmp_path, TRIAL.partition(".")[0]).mkdir(parents=True)
    assert export_onnx(tmp_path, TRIAL).images == onnx_export.IMAGES
    [record] = [record for path in journal_files(tmp_path) for record in read_records(path)[0]]
    assert (record["kind"], record["trial_id"]) == ("files", TRIAL)
    assert record["bytes"] == sum(path.stat().st_size for path in folder.iterdir())


def test_a_graph_that_answers_otherwise_is_refused_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = save(tmp_path)
    answers = onnx_export._answers

    def off(*arguments: object):
        found = answers(*arguments)
        found.named["logits"] = found.named["logits"] + np.float32([0.01, 0, 0])
        return found

    monkeypatch.setattr(onnx_export, "_answers", off)
    with pytest.raises(ModelError, match="does not answer as torch does: its logits differ by"):
        export_onnx(tmp_path, TRIAL)
    assert files(folder) == {"weights.json", "weights.safetensors"}


def test_a_missing_runtime_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = save(tmp_path)
    export_onnx(tmp_path, TRIAL)
    for module in (onnx_export, onnx_runtime):
        monkeypatch.setattr(module, "onnx_available", lambda: False)
    with pytest.raises(ModelError, match="not installed here"):
        load_onnx(tmp_path, TRIAL)
    (folder / FACTS).unlink()
    with pytest.raises(ModelError, match="not installed here"):
        export_onnx(tmp_path, TRIAL)


def test_what_is_missing_damaged_or_stale_is_refused_and_made_anew(tmp_path: Path):
    with pytest.raises(ModelError, match="has no weights"):
        load_onnx(tmp_path, TRIAL)
    folder = save(tmp_path)
    with pytest.raises(ModelError, match="There is no ONNX graph"):
        load_onnx(tmp_path, TRIAL)
    export_onnx(tmp_path, TRIAL)
    whole = (folder / GRAPH).read_bytes()
    (folder / GRAPH).write_bytes(whole[:-1] + b"\x00")
    with pytest.raises(ModelError, match="does not match its"):
        OnnxPredictor(folder)
    (folder / GRAPH).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        OnnxPredictor(folder)
    export_onnx(tmp_path, TRIAL)
    (folder / FACTS).write_text("[]")
    with pytest.raises(ModelError, match="cannot be read"):
        OnnxPredictor(folder)
    export_onnx(tmp_path, TRIAL)
    save(tmp_path, seed=2)
    with pytest.raises(ModelError, match="made from other weights"):
        OnnxPredictor(folder)
    export_onnx(tmp_path, TRIAL)
    assert OnnxPredictor(folder).predict_squares(SQUARES) == pytest.approx(
        load(tmp_path, TRIAL).predict_squares(SQUARES), abs=1e-5
    )
