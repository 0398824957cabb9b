"""Where on its input a network's last feature map looks: the centre of each place's receptive field.

The places of a map do not divide the input evenly. A layer of kernel k, stride s and padding p moves the centre of the
first place by ((k - 1) / 2 - p) times the distance of its input's places, and multiplies that distance by s (Araujo,
Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019). InceptionV3 at 224 px has 5
places, 32 px apart from 37.5 px on: spread evenly, the last one would lie 36 px too far out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Places:
    """Centres of a map's places along a side of the square, in its pixels: first, first + step, ..."""

    first: float
    step: float


def even(size: int, places: int) -> Places:
    """Places that divide a side of `size` px evenly."""
    return Places(size / places / 2, size / places)


@lru_cache(maxsize=32)
def places_of(backbone: str, size: int) -> Places | None:
    """Those of a backbone's last feature map for a square of `size` px.

    Found from its layers, without its weights and without computing anything. None where a step between two sizes of
    maps is none of the layers that are known here (convolutions and pooling), or there is no map.
    """
    import torch

    from core.learning import backbones

    with torch.device("meta"):
        network: Any = backbones.create(backbone).eval()
        return traced(network, size)


def traced(network: Any, size: int) -> Places | None:
    """`places_of` for a network on torch's meta device."""
    import torch
    from torch import nn

    steps: dict[int, tuple[int, float, int]] = {}  # height -> (height after, shift of the first centre, stride)

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        before, after = int(inputs[0].shape[-2]), int(output.shape[-2])
        if before not in steps and (found := _step(layer, before, after)) is not None:
            steps[before] = (after, *found)

    kinds = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
    hooks = [part.register_forward_hook(note) for part in network.modules() if isinstance(part, kinds)]
    try:
        with torch.inference_mode():
            map_ = network.forward_features(torch.empty((1, 3, size, size), device="meta"))
    except (RuntimeError, AssertionError, ValueError, NotImplementedError):
        return None
    finally:
        for hook in hooks:
            hook.remove()
    if map_.ndim != 4:
        return None
    side, first, distance = size, 0.5, 1.0
    while side != map_.shape[-2]:
        if side not in steps:
            return None
        side, shift, stride = steps[side]
        first += shift * distance
        distance *= stride
    return Places(first, distance)


def _step(layer: Any, before: int, after: int) -> tuple[float, int] | None:
    """(shift, stride) of a layer that makes `after` places of `before`; None for one that keeps them, or is unlike."""
    kernel, stride, padding, dilation = (
        _down(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "padding", "dilation")
    )
    if after == before or kernel is None or stride is None or dilation is None:
        return None
    reach = dilation * (kernel - 1)
    if padding is not None and after in {
        rounded((before + 2 * padding - reach - 1) / stride) + 1 for rounded in (math.floor, math.ceil)
    }:
        return reach / 2 - padding, stride
    if after == math.ceil(before / stride):  # padded as TensorFlow does, the odd pixel behind
        return reach / 2 - max((after - 1) * stride + reach + 1 - before, 0) // 2, stride
    return None


def _down(value: Any) -> int | None:
    """The vertical one of a layer's two numbers."""
    found = value[0] if isinstance(value, tuple) else value
    return found if isinstance(found, int) else None
