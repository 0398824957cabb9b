"""What images lend each other in training, so that colour and surroundings say nothing of the class.

Every image may take from any other, of whatever class and source: what it takes is then independent of its class.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.data.cell_mask import background_colour, cell_mask

LEAST_VARIANCE = 1e-5  # added to each channel's variance, on a 0..1 scale: a flat image has none


def recoloured(images: Tensor, lenders: Tensor) -> Tensor:
    """Images (B, 3, H, W) whose colours have the mean and the covariance of their lenders' (B, 3, H, W), on 0..1.

    The linear map that moves colours least (F. Pitie and A. Kokaram, "The linear Monge-Kantorovitch linear colour
    mapping for example-based colour transfer", CVMP 2007, equation 5).
    """
    whole = torch.ones_like(images[:, :1])
    return _recoloured(images, whole, lenders, whole)


def surrounded(images: Tensor, lenders: Tensor) -> Tensor:
    """The cells of images (B, 3, S, S) in the surroundings of their lenders, in the colours of their lenders' cells."""
    own, other, glass = [], [], []
    for image, lender in zip(_squares(images), _squares(lenders), strict=True):
        own.append(cell_mask(image))
        other.append(cell_mask(lender))
        glass.append(background_colour(lender) / 255)
    mask = torch.from_numpy(np.stack(own)).float()[:, None].to(images.device)
    gap = torch.from_numpy(np.stack(other)).float()[:, None].to(images.device)
    empty = torch.from_numpy(np.stack(glass)).float()[..., None, None].to(images.device)
    cells = _recoloured(images, mask, lenders, gap)
    gap, mask = _softened(gap), _softened(mask)
    surroundings = lenders * (1 - gap) + empty * gap
    return cells * mask + surroundings * (1 - mask)


def _recoloured(images: Tensor, where: Tensor, lenders: Tensor, there: Tensor) -> Tensor:
    mean, covariance = _moments(images, where)
    wanted_mean, wanted = _moments(lenders, there)
    root, inverse = _roots(covariance)
    middle, _ = _roots(root @ wanted @ root)
    centred = images.flatten(2) - mean
    moved = inverse @ middle @ inverse @ centred + wanted_mean
    return moved.view_as(images).clamp(0, 1)


def _moments(images: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, 3, 1) and covariance (B, 3, 3) of the colours where `where` (B, 1, H, W) is 1."""
    flat, weight = images.flatten(2), where.flatten(2)
    weight = weight / weight.sum(dim=2, keepdim=True)
    mean = (flat * weight).sum(dim=2, keepdim=True)
    centred = flat - mean
    covariance = (centred * weight) @ centred.transpose(1, 2)
    return mean, covariance + LEAST_VARIANCE * torch.eye(3, device=images.device)


def _roots(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Square root and inverse square root of symmetric positive definite matrices (B, 3, 3)."""
    values, vectors = torch.linalg.eigh(matrices)
    values = values.clamp(min=LEAST_VARIANCE**2).sqrt()
    root = vectors @ torch.diag_embed(values) @ vectors.transpose(1, 2)
    return root, vectors @ torch.diag_embed(1 / values) @ vectors.transpose(1, 2)


def _softened(mask: Tensor) -> Tensor:
    """A mask (B, 1, S, S) with a border of some pixels instead of a step, which no photograph has."""
    side = 2 * max(1, mask.shape[-1] // 64) + 1
    return functional.avg_pool2d(mask, side, stride=1, padding=side // 2, count_include_pad=False)


def _squares(images: Tensor) -> np.ndarray:
    pixels: np.ndarray = (images.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).byte().cpu().numpy()
    return pixels
