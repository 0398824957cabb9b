"""Augmentation of a whole batch at once, each image by its own random numbers.

Input and output are float tensors (B, 3, S, S) on a 0..1 scale. All randomness comes from the generator that is
given, so (seed, epoch) decides every pixel. torchvision's v2 transforms draw one set of numbers for a whole batch,
which is why the geometry and the colours are computed here; its Gaussian blur and resizing are used as they are.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as vision

from core.learning.inputs import as_jpeg
from core.learning.lend import recoloured, surrounded
from core.learning.settings import AugmentSettings

# Optical densities of haematoxylin, eosin and DAB: Ruifrok & Johnston, Anal Quant Cytol Histol 23 (2001).
_HED = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_HED = _HED / _HED.norm(dim=1, keepdim=True)
_LUMA = torch.tensor([0.299, 0.587, 0.114])
LEAST_DETAIL = 0.35  # share of the side to which an image is reduced, at the least
QUALITIES = (25, 96)  # of JPEG, from and below


def augment(images: Tensor, settings: AugmentSettings, generator: Generator, lenders: Tensor | None = None) -> Tensor:
    """Augmented copies of (B, 3, S, S) images on a 0..1 scale; with every strength 0 the images as they are.

    `lenders` (B, 3, S, S) are the training images from which `transfer` and `surround` take.
    """
    if lenders is not None:
        images = _borrow(images, settings, generator, lenders)
    images = _geometry(images, settings, generator)
    images = _colour(images, settings, generator)
    if settings.stain:
        images = _stain(images, settings.stain, generator)
    if settings.blur:
        chosen = torch.rand(len(images), generator=generator) < settings.blur
        if bool(chosen.any()):
            images[chosen] = vision.gaussian_blur(images[chosen], kernel_size=[5, 5], sigma=[1.0, 1.0])
    if settings.detail:
        images = _reduce(images, settings.detail, generator)
    if settings.noise:
        images = images + settings.noise * torch.randn(images.shape, generator=generator).to(images.device)
    images = images.clamp(0, 1)
    return _encode(images, settings.jpeg, generator) if settings.jpeg else images


def lends(settings: AugmentSettings) -> bool:
    """Whether `augment` needs lenders."""
    return settings.transfer > 0 or settings.surround > 0


def _borrow(images: Tensor, settings: AugmentSettings, generator: Generator, lenders: Tensor) -> Tensor:
    """Surroundings for some images, colours for some of the others."""
    images = images.clone()
    moved = torch.rand(len(images), generator=generator) < settings.surround
    coloured = (torch.rand(len(images), generator=generator) < settings.transfer) & ~moved
    if bool(moved.any()):
        images[moved] = surrounded(images[moved], lenders[moved])
    if bool(coloured.any()):
        images[coloured] = recoloured(images[coloured], lenders[coloured])
    return images


def _reduce(images: Tensor, rate: float, generator: Generator) -> Tensor:
    """Some images with less resolution: made smaller, then as large again, each by its own factor."""
    size = images.shape[-1]
    chosen = torch.rand(len(images), generator=generator) < rate
    sides = (_uniform(len(images), LEAST_DETAIL, 1.0, generator) * size).round().int().clamp(min=1)
    for index in chosen.nonzero().flatten().tolist():
        small = vision.resize(images[index], [int(sides[index])] * 2, antialias=True)
        images[index] = vision.resize(small, [size, size], antialias=True)
    return images


def _encode(images: Tensor, rate: float, generator: Generator) -> Tensor:
    """Some images as a JPEG of a random quality shows them."""
    chosen = torch.rand(len(images), generator=generator) < rate
    qualities = torch.randint(*QUALITIES, (len(images),), generator=generator).tolist()
    for index in chosen.nonzero().flatten().tolist():
        picture = vision.to_pil_image((images[index] * 255).round().byte().cpu())
        images[index] = vision.pil_to_tensor(as_jpeg(picture, qualities[index])).to(images.device).float() / 255
    return images


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _geometry(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Flip, rotation, zoom and magnification as one resampling; zoom shows at least `scale` of the side length."""
    if not settings.flip and not settings.rotation and settings.scale == 1 and not settings.magnification:
        return images.clone()
    n = len(images)
    limit = math.radians(settings.rotation)
    angle = _uniform(n, -limit, limit, generator)
    zoom = _uniform(n, settings.scale, 1.0, generator)
    if settings.magnification:  # as likely so much larger as so much smaller
        most = math.log1p(settings.magnification)
        zoom = zoom * _uniform(n, -most, most, generator).exp()
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
