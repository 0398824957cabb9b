"""The training loop that a user would write with torchvision and timm, to compare with: nothing of ours in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2


def dataset(folder: Path, image_size: int, mean: list[float], std: list[float]) -> Any:
    """Class folders of image files, decoded and augmented image by image."""
    transform = v2.Compose(
        [
            v2.Resize((image_size, image_size)),
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(180),
            v2.ColorJitter(brightness=0.1, contrast=0.1, saturation=0.1),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
        ]
    )
    return ImageFolder(str(folder), transform)


def loader(images: Any, batch_size: int, workers: int) -> Any:
    """Shuffled batches; worker processes stay alive between epochs, which is to the plain loop's advantage."""
    return DataLoader(images, batch_size=batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


class PlainLoop:
    """Model, AdamW with its default arguments, cross-entropy."""

    def __init__(self, backbone: str, n_classes: int) -> None:
        self._model: nn.Module = timm.create_model(backbone, pretrained=False, num_classes=n_classes)
        self._optimiser = torch.optim.AdamW(self._model.parameters())
        self._criterion = nn.CrossEntropyLoss()

    def epoch(self, batches: Any) -> float:
        """Train one epoch; seconds."""
        started = time.perf_counter()
        self._model.train()
        total_loss, right, seen = 0.0, 0, 0
        for images, labels in batches:
            self._optimiser.zero_grad()
            outputs = self._model(images)
            loss = self._criterion(outputs, labels)
            loss.backward()
            self._optimiser.step()
            total_loss += loss.item() * len(labels)
            right += int((outputs.argmax(dim=1) == labels).sum())
            seen += len(labels)
        return time.perf_counter() - started
