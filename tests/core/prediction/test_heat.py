"""A map lies on the image where its network looked, and only what speaks for a class is coloured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.data.intake import to_square
from core.prediction.heat import COLOURS, heat_overlay, on_image
from core.prediction.map_places import Places, even, places_of, traced

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("height", "width"), [(60, 60), (60, 62), (40, 120), (120, 30), (7, 300)])
def test_a_map_lies_on_the_image_where_the_square_shows_it(height: int, width: int):
    """A blob of the image, followed through `to_square` and back."""
    image = np.zeros((height, width, 3), np.uint8)
    top, left = height * 2 // 3, width // 5
    down, across = max(2, height // 8), max(2, width // 8)
    image[top : top + down, left : left + across] = 255
    square = to_square(image, 96)[..., 0].astype(np.float32)
    back = on_image(square, height, width, 96)
    assert back.shape == (height, width)
    rows, columns = np.mgrid[:height, :width]
    centre = [float((back * grid).sum() / back.sum()) for grid in (rows, columns)]
    assert centre[0] == pytest.approx(top + (down - 1) / 2, abs=0.01 * max(height, width))
    assert centre[1] == pytest.approx(left + (across - 1) / 2, abs=0.01 * max(height, width))


def test_what_lies_over_the_padding_is_left_out():
    map_ = np.zeros((9, 9), np.float32)
    map_[:2] = 1  # an image three times as wide as high fills rows 3 to 5; row 2 is still the neighbour of its edge
    assert on_image(map_, 100, 300, 99).max() == 0
    map_[2:7] = 2
    assert on_image(map_, 100, 300, 99) == pytest.approx(2)


def test_only_support_is_coloured_and_the_strength_blends_it():
    image = RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    map_ = np.full((8, 8), -3.0, np.float32)
    assert (heat_overlay(image, map_, 1.0) == image).all()
    map_[:4] = 3
    half = heat_overlay(image, map_, 0.5)
    assert half.dtype == np.uint8
    assert (half[-10:] == image[-10:]).all()
    assert half[0, 0] == pytest.approx((image[0, 0] + COLOURS[-1]) / 2, abs=1)
    assert heat_overlay(image, map_, 1.0)[0, 0] == pytest.approx(COLOURS[-1])
    assert (heat_overlay(image, map_, 0.0) == image).all()
    weak = heat_overlay(image, map_, 1.0, full=300.0)  # 1 % of what is strong
    assert np.abs(weak.astype(int) - image).max() < 10
    assert (heat_overlay(image, np.zeros((8, 8), np.float32), 1.0) == image).all()


@pytest.mark.parametrize(
    ("backbone", "size", "expected"),
    [("inception_v3", 224, (37.5, 32.0)), ("resnet18", 96, (0.5, 32.0)), ("tf_efficientnet_b0", 96, (31.5, 32.0))],
)
def test_the_places_of_a_map_are_found_from_the_layers(backbone: str, size: int, expected: tuple[float, float]):
    found = places_of(backbone, size)
    assert found is not None
    assert (found.first, found.step) == expected


def test_a_network_without_a_map_has_no_places():
    assert places_of("vit_tiny_patch16_224", 224) is None


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        conv = torch.nn.Conv2d
        self.layers = torch.nn.Sequential(
            conv(3, 2, 3, stride=2), conv(2, 2, 3, padding=1), torch.nn.AvgPool2d(3, 2, padding=1), conv(2, 2, 4, 2),
        )  # fmt: skip

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers(images)
        return found


def test_they_are_the_middles_of_what_a_place_sees():
    """What a place sees is where its gradient is not zero."""
    with torch.device("meta"):
        places = traced(Small(), 64)
    assert places is not None
    images = torch.rand((1, 3, 64, 64), requires_grad=True)
    torch.manual_seed(0)
    map_ = Small().forward_features(images)
    for at in range(1, map_.shape[-1] - 1):  # those at the edge see padding
        (gradient,) = torch.autograd.grad(map_[0, :, at, at].sum(), images, retain_graph=True)
        rows = np.flatnonzero(gradient[0].abs().sum(dim=(0, 2)).numpy())
        assert (rows[0] + rows[-1] + 1) / 2 == places.first + at * places.step


def test_a_map_is_laid_by_its_places():
    map_ = np.zeros((5, 5), np.float32)
    map_[3, 1] = 1
    laid: Any = on_image(map_, 448, 448, 224, Places(37.5, 32))  # at 2 px for each of the square's
    assert np.unravel_index(laid.argmax(), laid.shape) == (pytest.approx(2 * 133.5, abs=1), pytest.approx(139, abs=1))
    spread = on_image(map_, 448, 448, 224)
    assert spread.argmax(axis=0).max() == pytest.approx(2 * 156.8, abs=1)
    assert even(224, 5) == Places(22.4, 44.8)
