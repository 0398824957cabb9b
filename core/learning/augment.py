"""Augmentation of a whole batch at once, each image by its own random numbers.

Input and output are float tensors (B, 3, S, S) on a 0..1 scale. All randomness comes from the generator that is
given, so (seed, epoch) decides every pixel. torchvision's v2 transforms draw one set of numbers for a whole batch,
which is why the geometry and the colours are computed here; its Gaussian blur is used as it is.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as vision

from core.learning.settings import AugmentSettings

# Optical densities of haematoxylin, eosin and DAB: Ruifrok & Johnston, Anal Quant Cytol Histol 23 (2001).
_HED = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_HED = _HED / _HED.norm(dim=1, keepdim=True)
_LUMA = torch.tensor([0.299, 0.587, 0.114])


def augment(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Augmented copies of (B, 3, S, S) images on a 0..1 scale; with every strength 0 the images as they are."""
    images = _geometry(images, settings, generator)
    images = _colour(images, settings, generator)
    if settings.stain:
        images = _stain(images, settings.stain, generator)
    if settings.blur:
        chosen = torch.rand(len(images), generator=generator) < settings.blur
        if bool(chosen.any()):
            images[chosen] = vision.gaussian_blur(images[chosen], kernel_size=[5, 5], sigma=[1.0, 1.0])
    if settings.noise:
        images = images + settings.noise * torch.randn(images.shape, generator=generator).to(images.device)
    return images.clamp(0, 1)


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _geometry(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Flip, rotation and zoom as one resampling; a cell keeps at least `scale` of the side length."""
    if not settings.flip and not settings.rotation and settings.scale == 1:
        return images.clone()
    n = len(images)
    limit = math.radians(settings.rotation)
    angle = _uniform(n, -limit, limit, generator)
    zoom = _uniform(n, settings.scale, 1.0, generator)
    mirror = 1 - 2 * (torch.rand(n, generator=generator) < settings.flip).float()
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0] = zoom * angle.cos() * mirror
    matrix[:, 0, 1] = -zoom * angle.sin()
    matrix[:, 1, 0] = zoom * angle.sin() * mirror
    matrix[:, 1, 1] = zoom * angle.cos()
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _colour(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Brightness, contrast and saturation, each scaled by its own factor around 1."""
    n = len(images)

    def factor(strength: float) -> Tensor:
        return _uniform(n, 1 - strength, 1 + strength, generator).view(n, 1, 1, 1).to(images.device)

    if settings.brightness:
        images = images * factor(settings.brightness)
    if settings.contrast:
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        images = mean + (images - mean) * factor(settings.contrast)
    if settings.saturation:
        grey = (images * _LUMA.to(images.device).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        images = grey + (images - grey) * factor(settings.saturation)
    return images


def _stain(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Scale and shift each stain's amount (HED jitter: Tellez et al., IEEE TMI 37, 2018)."""
    n = len(images)
    to_stain = torch.linalg.inv(_HED).to(images.device)
    density = -torch.log(images.clamp(1 / 255, 1))
    amount = torch.einsum("bchw,cs->bshw", density, to_stain)
    alpha = _uniform(3 * n, 1 - strength, 1 + strength, generator).view(n, 3, 1, 1).to(images.device)
    beta = _uniform(3 * n, -strength, strength, generator).view(n, 3, 1, 1).to(images.device)
    density = torch.einsum("bshw,sc->bchw", amount * alpha + beta, _HED.to(images.device))
    return torch.exp(-density)
