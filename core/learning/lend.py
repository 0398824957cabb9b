"""What images lend each other in training, so that colour and surroundings say nothing of the class.

Every image may take from any other, of whatever class and source: what it takes is then independent of its class.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.data.cell_mask import cell_mask
from core.learning.inputs import glass

NUCLEAR = 0.02  # share of the pixels, the darkest in green, from which the nuclear stain is read
LEAST_DENSITY = 0.05  # of a nucleus: below it there is none, and nothing to scale by
BRIGHTEST = 1.2  # times the glass: what reflects more is cut
LEAST_VARIANCE = 1e-5  # added to each channel's variance, on a 0..1 scale: a flat image has none


def recoloured(images: Tensor, lenders: Tensor) -> Tensor:
    """Images (B, 3, H, W) whose colours have the mean and the covariance of their lenders' (B, 3, H, W), on 0..1.

    The linear map that moves colours least (F. Pitie and A. Kokaram, "The linear Monge-Kantorovitch linear colour
    mapping for example-based colour transfer", CVMP 2007, equation 5).
    """
    mean, covariance = _moments(images)
    wanted_mean, wanted = _moments(lenders)
    root, inverse = _roots(covariance)
    middle, _ = _roots(root @ wanted @ root)
    centred = images.flatten(2) - mean
    moved = inverse @ middle @ inverse @ centred + wanted_mean
    return moved.view_as(images).clamp(0, 1)


def restained(images: Tensor, lenders: Tensor) -> Tensor:
    """Images (B, 3, S, S) on 0..1 with the glass and the depth of nuclear stain of their lenders.

    Optical density is linear in the amount of stain (Beer and Lambert; Ruifrok and Johnston 2001), so each channel's
    density is scaled until the darkest nuclei are as dense as the lender's, over the lender's glass. Unlike the moments
    of all colours, this does not depend on how much of the picture is nucleus.
    """
    own, theirs = glass(images), glass(lenders)
    density = _density(images, own)
    ratio = _nuclear(lenders, theirs) / _nuclear(images, own)
    return (theirs * torch.exp(-density * ratio)).clamp(0, 1)


def surrounded(images: Tensor, lenders: Tensor) -> Tensor:
    """The cells of images (B, 3, S, S), restained, in the surroundings of their lenders, whose cells are gone."""
    cells = restained(images, lenders)
    mask = _softened(_masks(images))
    gap = _softened(_masks(lenders))
    surroundings = lenders * (1 - gap) + glass(lenders) * gap
    return cells * mask + surroundings * (1 - mask)


def _density(images: Tensor, glass_colour: Tensor) -> Tensor:
    """Optical density a channel; a little below 0 where a pixel is brighter than the glass."""
    return -(images / glass_colour).clamp(1 / 255, BRIGHTEST).log()


def _nuclear(images: Tensor, glass_colour: Tensor) -> Tensor:
    """Mean optical density (B, 3, 1, 1) of the pixels that let least green through."""
    flat = images.flatten(2)  # (B, 3, P)
    count = max(1, int(NUCLEAR * flat.shape[2]))
    darkest = flat[:, 1].topk(count, dim=1, largest=False).indices
    colour = flat.gather(2, darkest[:, None, :].expand(-1, 3, -1)).mean(dim=2)[..., None, None]
    return _density(colour, glass_colour).clamp(min=LEAST_DENSITY)


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, 3, 1) and covariance (B, 3, 3) of the colours."""
    flat = images.flatten(2)
    mean = flat.mean(dim=2, keepdim=True)
    centred = flat - mean
    covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
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


def _masks(images: Tensor) -> Tensor:
    """1 where the cell is, else 0: (B, 1, S, S)."""
    squares = (images.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).byte().cpu().numpy()
    return torch.from_numpy(np.stack([cell_mask(square) for square in squares])).float()[:, None].to(images.device)
