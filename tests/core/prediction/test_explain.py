"""Activation maps give the logit exactly, a probe tells networks without one, and the map lies where it should."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.learning import backbones
from core.learning.model import ModelFacts, input_statistics, save_weights
from core.prediction import explain as looking
from core.prediction.explain import ACTIVATION, OCCLUSION, class_maps, explain, linear_head, occlusion_maps
from core.prediction.models import ModelEntry
from core.prediction.predictor import Look, TorchPredictor
from core.prediction.reader import Reader

RNG = np.random.default_rng(0)
WITH_NORMS = ("inception_v3", "resnet18", "efficientnet_b0", "googlenet")


def network(backbone: str) -> Any:
    """Random weights, with batch norms that have seen a batch: without it the numbers explode or vanish on the way."""
    torch.manual_seed(1)
    model: Any = backbones.create(backbone)
    model.reset_classifier(5)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        if backbone in WITH_NORMS:
            model.train()(torch.rand((4, 3, 128, 128)) * 2 - 1)
    return model.eval()


def maps_and_logits(model: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    images = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(size)) * 2 - 1
    with torch.inference_mode():
        return model.forward_features(images)[0].numpy(), model(images)[0].numpy()


@pytest.mark.parametrize(
    ("backbone", "sizes"),
    [("inception_v3", {299: 8, 128: 2}), ("resnet18", {96: 3}), ("efficientnet_b0", {96: 3}), ("googlenet", {96: 3})],
)
def test_the_mean_of_a_class_map_and_the_bias_are_the_logit(backbone: str, sizes: dict[int, int]):
    model = network(backbone)
    torch.nn.init.normal_(model.get_classifier().bias)
    head = linear_head(model)
    assert head is not None
    assert head[0].shape == (5, model.num_features)
    for size, side in sizes.items():
        features, logits = maps_and_logits(model, size)
        maps = class_maps(features, head)
        assert maps.shape == (5, side, side)
        assert maps.mean(axis=(1, 2)) + head[1] == pytest.approx(logits, abs=1e-4)


@pytest.mark.parametrize("backbone", ["convnext_atto", "mobilenetv3_small_050", "alexnet", "vit_tiny_patch16_224"])
def test_a_network_with_more_than_a_linear_head_has_no_exact_map(backbone: str):
    assert linear_head(network(backbone)) is None


def test_another_pooling_is_found_out_by_the_probe():
    model = network("resnet18")
    model.global_pool = torch.nn.Sequential(torch.nn.AdaptiveMaxPool2d(1), torch.nn.Flatten())
    assert linear_head(model) is None
    assert linear_head(torch.nn.Linear(3, 2)) is None


def bright_corner(squares: np.ndarray) -> np.ndarray:
    """Probabilities of (bright top left corner, not)."""
    bright = squares[:, :8, :8].mean(axis=(1, 2, 3)) / 255
    return np.stack([bright, 1 - bright], axis=1)


def corner_image(height: int = 32, width: int = 32) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:8, :8] = 255
    return image


def test_occlusion_finds_the_place_that_the_answer_rests_on():
    falls = occlusion_maps(bright_corner, corner_image())
    assert falls.shape == (2, 32, 32)
    assert falls[0, 0, 0] == pytest.approx(1.0)  # the patch of 8 px hides all of it
    assert falls[0, 16:, 16:] == pytest.approx(0)
    assert falls[0].argmax() == 0
    assert falls[1] == pytest.approx(-falls[0])


class Net(SimpleNamespace):
    """A network of 32 px whose last feature map is `side` cells wide and lit at one of them."""

    def __init__(self, side: int, linear: bool = True, size: int = 32) -> None:
        facts = SimpleNamespace(image_size=size, backbone="inception_v3")
        super().__init__(facts=facts, side=side, linear=linear, runtime="torch", weights_sha256="w")

    def head(self) -> tuple[np.ndarray, np.ndarray] | None:
        return (np.array([[2.0], [-1.0]], np.float32), np.zeros(2, np.float32)) if self.linear else None

    def look(self, squares: np.ndarray) -> Look:
        assert squares.shape[1:3] == (self.facts.image_size, self.facts.image_size)
        maps = np.zeros((len(squares), 1, self.side, self.side), np.float32)
        maps[:, 0, 1, 3] = 4
        probabilities = bright_corner(squares).clip(1e-9)
        return Look(maps, maps[:, :, 1, 3], np.log(probabilities).astype(np.float32))


def explained(*members: Net) -> looking.Explanation:
    weights = (0.75, 0.25)[: len(members)]
    entry = ModelEntry("s.00", "a model", "trial", ("bright", "dark"), "d", ("s.00", "s.01")[: len(members)], weights)
    reader: Any = Reader(entry, members)  # type: ignore[arg-type]
    return explain(reader, reader.see(png(corner_image())))


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_a_map_of_five_by_five_is_used_and_a_coarser_one_is_not():
    found = explained(Net(5))
    assert (found.method, found.maps.shape, found.full) == (ACTIVATION, (2, 5, 5), 8.0)
    assert (found.maps[0, 1, 3], found.maps[1, 1, 3]) == (8.0, -4.0)  # one scale for all classes
    for members in ([Net(4)], [Net(8, linear=False)]):
        found = explained(*members)
        assert (found.method, found.maps.shape) == (OCCLUSION, (2, 32, 32))
        assert found.maps[0, 0, 0] == pytest.approx(1)


def test_a_fusion_is_occluded_as_a_whole_each_member_at_its_own_size():
    found = explained(Net(8), Net(8, size=16))
    assert (found.method, found.maps.shape) == (OCCLUSION, (2, 32, 32))
    # At 16 px the corner that the second one looks at is four times as large, so a quarter of it is bright.
    assert found.maps[0, 0, 0] == pytest.approx(0.75 + 0.25 * 0.25, abs=0.05)


def test_falls_of_nothing_have_no_strong_colour():
    assert looking.occlusion(lambda squares: np.full((len(squares), 2), 0.5), corner_image()).full == 0.05


def test_a_trained_networks_maps_give_its_logits(tmp_path: Path):
    model = network("resnet10t")
    mean, std = input_statistics(model)
    facts = ModelFacts(
        "resnet10t", ["a", "b", "c", "d", "e"], 64, mean, std, {}, "1", "s.00", "d", synthetic=True, initial_weights=""
    )
    save_weights(model, facts, tmp_path)
    predictor = TorchPredictor(tmp_path)
    look, head = predictor.look(RNG.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)), predictor.head()
    assert look.maps is not None
    assert head is not None
    for maps, logits in zip(look.maps, look.logits, strict=True):
        assert class_maps(maps, head).mean(axis=(1, 2)) + head[1] == pytest.approx(logits, abs=1e-4)
