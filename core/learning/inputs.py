"""From pixels to the network's input: one way for training, evaluation and use."""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from core.data.cell_mask import background_colour, cell_mask
from core.learning.settings import InputSettings

Pixels = NDArray[np.uint8]
LEAST_DEVIATION = 1 / 255  # of a channel: below it an image is one flat colour, and there is nothing to spread
LEAST_GLASS = 1 / 255  # of a channel: a black picture is divided by no less


def network_input(squares: Pixels, settings: InputSettings, mean: list[float], std: list[float]) -> Tensor:
    """uint8 RGB images (n, S, S, 3) -> standardised floats (n, 3, S, S), channels last in memory."""
    return standardised(as_floats(prepared(squares, settings)), settings, mean, std)


def as_floats(squares: Pixels) -> Tensor:
    """uint8 images (n, S, S, 3) -> floats (n, 3, S, S) on a 0..1 scale."""
    return torch.from_numpy(np.ascontiguousarray(squares)).permute(0, 3, 1, 2).float().div_(255)


def prepared(squares: Pixels, settings: InputSettings) -> Pixels:
    """The images (n, S, S, 3) of uint8 as the settings want their background, their detail and their file."""
    if settings.background == "kept" and not settings.detail and not settings.quality:
        return squares
    return np.stack([_prepared(np.asarray(square), settings) for square in squares])


def standardised(images: Tensor, settings: InputSettings, mean: list[float], std: list[float]) -> Tensor:
    """(B, 3, H, W) floats on a 0..1 scale -> standardised, channels last in memory."""
    if settings.standardise == "image":
        shift = images.mean(dim=(2, 3), keepdim=True)
        scale = images.std(dim=(2, 3), keepdim=True, correction=0).clamp(min=LEAST_DEVIATION)
    else:
        if settings.standardise == "white":
            images = images / glass(images)
        shift = torch.tensor(mean, device=images.device).view(1, 3, 1, 1)
        scale = torch.tensor(std, device=images.device).view(1, 3, 1, 1)
    return ((images - shift) / scale).contiguous(memory_format=torch.channels_last)


def _prepared(square: Pixels, settings: InputSettings) -> Pixels:
    if settings.background == "masked":
        mask = cell_mask(square)
        square = np.where(mask[..., None], square, background_colour(square).round()).astype(np.uint8)
    side = len(square)
    picture = Image.fromarray(square)
    if 0 < settings.detail < side:
        small = picture.resize((settings.detail, settings.detail), Image.Resampling.BICUBIC)
        picture = small.resize((side, side), Image.Resampling.BICUBIC)
    if settings.quality:
        picture = as_jpeg(picture, settings.quality)
    return np.asarray(picture, dtype=np.uint8)


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """The picture as a JPEG of this quality (Pillow's scale) shows it."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file, formats=("JPEG",)).convert("RGB")


def glass(images: Tensor) -> Tensor:
    """The colour of the empty glass of each image, (B, 3, 1, 1): the median of the brightest third of its pixels."""
    flat = images.flatten(2)  # (B, 3, P)
    count = max(1, flat.shape[2] // 3)
    brightest = flat.sum(dim=1).topk(count, dim=1).indices
    colour = flat.gather(2, brightest[:, None, :].expand(-1, 3, -1)).median(dim=2).values
    return colour.clamp(min=LEAST_GLASS)[..., None, None]
