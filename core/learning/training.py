"""The training loop: a generator that yields one result an epoch; its caller does all I/O.

Exact: everything random in an epoch is drawn from (seed, epoch), so the learner's state after epoch k decides
epoch k + 1 bit for bit on the CPU at an equal thread count. Stopping, resuming and continuing a finished trial by
more epochs therefore give the same numbers as one uninterrupted run.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from core.learning.augment import augment, lends
from core.learning.inputs import as_floats, prepared, standardised
from core.learning.learner import Learner, frozen_norms
from core.learning.results import SplitResult
from core.learning.settings import InputSettings, TrialSettings

EVALUATION_BATCH = 64
Progress = Callable[[str, int, int], None]  # stage, images done, images in all


class TrainingError(RuntimeError):
    """Training cannot go on; the message gives the reason and the settings to change."""


@dataclass(frozen=True)
class Data:
    """Decoded images (N, S, S, 3) uint8, their class indices (N,), and each split's rows."""

    images: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    classes: tuple[str, ...]
    mean: list[float]
    std: list[float]
    input: InputSettings = field(default_factory=InputSettings)

    def batch(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """(B, 3, S, S) floats on a 0..1 scale, prepared as the network wants them but not standardised yet."""
        return as_floats(prepared(self.images[rows], self.input)).to(device, non_blocking=True)

    def standardised(self, images: Tensor) -> Tensor:
        """The network's input from (B, 3, S, S) floats on a 0..1 scale."""
        return standardised(images, self.input, self.mean, self.std)


@dataclass(frozen=True)
class EpochResult:
    """`seconds` and `images_per_second` are of the training part; `splits` holds train (as trained on) and val."""

    epoch: int
    seconds: float
    images_per_second: float
    splits: dict[str, SplitResult]


def train(learner: Learner, data: Data, settings: TrialSettings, done: int, tell: Progress) -> Iterator[EpochResult]:
    """Train epochs `done` + 1 to `settings.epochs`, yielding after each, when the learner's state may be saved.

    Raises TrainingError when a loss is not finite.
    """
    device = torch.device(settings.device)
    for epoch in range(done + 1, settings.epochs + 1):
        started = time.perf_counter()
        trained = _train_epoch(learner, data, settings, epoch, device, tell)
        estimate_statistics(learner.judged, data, settings, epoch)
        seconds = time.perf_counter() - started
        val = evaluate(learner.judged, data, "val", settings, tell)
        yield EpochResult(epoch, seconds, len(data.splits["train"]) / seconds, {"train": trained, "val": val})


def _train_epoch(
    learner: Learner, data: Data, settings: TrialSettings, epoch: int, device: torch.device, tell: Progress
) -> SplitResult:
    model, optimiser = learner.model, learner.optimiser
    generator = seed_epoch(settings.seed, epoch)
    rows = data.splits["train"][torch.randperm(len(data.splits["train"]), generator=generator).numpy()]
    scaler = torch.amp.GradScaler(device.type, enabled=_precision(device) is torch.float16)
    outputs, losses, done = [], [], 0
    learner.begin_training()
    for batch in batches(rows, settings.batch_size):
        images = augment(
            data.batch(batch, device),
            settings.augment,
            generator,
            _lenders(data, settings, rows, batch, generator, device),
        )
        target = torch.from_numpy(data.labels[batch]).to(device)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, _precision(device), enabled=device.type == "cuda"):
            logits = model(data.standardised(images))
        each = functional.cross_entropy(logits.float(), target, reduction="none")
        loss = _loss(logits.float(), target, each, settings.smoothing)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"The loss became {loss.item()} in epoch {epoch} after {done} images, at learning rate "
                f"{settings.learning_rate:g} and batch size {settings.batch_size}; try a lower learning rate."
            )
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        learner.stepped()
        outputs.append(logits.detach().float().softmax(dim=1).cpu())
        losses.append(each.detach().cpu())
        done += len(batch)
        tell("train", done, len(rows))
    return SplitResult.of(rows, data.labels[rows], torch.cat(outputs).numpy(), torch.cat(losses).numpy())


def _lenders(
    data: Data, settings: TrialSettings, rows: np.ndarray, batch: np.ndarray, generator: Generator, device: torch.device
) -> Tensor | None:
    """Another training image for each of a batch, where the augmentation takes from one."""
    if not lends(settings.augment):
        return None
    return data.batch(rows[torch.randint(len(rows), (len(batch),), generator=generator).numpy()], device)


def _loss(logits: Tensor, target: Tensor, each: Tensor, smoothing: float) -> Tensor:
    """What is minimised; what is reported stays the plain cross-entropy of `each` image.

    Label smoothing: Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7.
    """
    if not smoothing:
        return each.mean()
    return functional.cross_entropy(logits, target, label_smoothing=smoothing)


def estimate_statistics(model: nn.Module, data: Data, settings: TrialSettings, epoch: int) -> None:
    """Estimate batch norm's means and variances on `settings.norm_images` training images; 0 leaves the running ones.

    The running ones belong to the weights of some steps ago, and an average of weights has none of its own
    (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3; Izmailov et al. 2018, section 3.2). Training
    itself uses those of each batch, so what is trained stays the same. Frozen norms keep theirs, which torch's
    `update_bn`, otherwise the same, would not.
    """
    train = data.splits["train"]
    if not settings.norm_images:
        return
    order = torch.randperm(len(train), generator=seed_epoch(settings.seed, epoch)).numpy()
    device = torch.device(settings.device)
    parts = batches(train[order[: settings.norm_images]], EVALUATION_BATCH)
    model.train()
    frozen = frozen_norms(model)
    for norm in frozen:
        norm.eval()
    norms = [
        norm for norm in model.modules() if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm not in frozen
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: the plain average over all batches
    with torch.no_grad():
        for part in parts:
            model(data.standardised(data.batch(part, device)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


@torch.inference_mode()
def evaluate(model: nn.Module, data: Data, split: str, settings: TrialSettings, tell: Progress) -> SplitResult:
    """One pass over a split, without augmentation. Raises TrainingError when the loss is not finite."""
    device = torch.device(settings.device)
    rows = data.splits[split]
    outputs, losses = [], []
    model.eval()
    for start in range(0, len(rows), EVALUATION_BATCH):
        batch = rows[start : start + EVALUATION_BATCH]
        logits = answers(model, data, batch, device)
        target = torch.from_numpy(data.labels[batch]).to(device)
        outputs.append(logits.softmax(dim=1).cpu())
        losses.append(functional.cross_entropy(logits, target, reduction="none").cpu())
        tell(split, start + len(batch), len(rows))
    result = SplitResult.of(rows, data.labels[rows], torch.cat(outputs).numpy(), torch.cat(losses).numpy())
    if not math.isfinite(result.loss):
        raise TrainingError(
            f"The loss on {split} is {result.loss}, at learning rate {settings.learning_rate:g} and batch size "
            f"{settings.batch_size}; try a lower learning rate."
        )
    return result


@torch.inference_mode()
def answers(model: nn.Module, data: Data, rows: np.ndarray, device: torch.device) -> Tensor:
    """Logits (n, C) of the images in these rows (n,), without augmentation."""
    with torch.autocast(device.type, _precision(device), enabled=device.type == "cuda"):
        logits: Tensor = model(data.standardised(data.batch(rows, device))).float()
    return logits


def batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in batches of `size`; a last batch of one joins the one before (batch norm fails on a single image)."""
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts


def seed_epoch(seed: int, epoch: int) -> Generator:
    """Seed torch for one epoch and return the generator of its order and augmentation."""
    number = int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:8], "big") >> 1
    torch.manual_seed(number)
    return Generator().manual_seed(number)


def _precision(device: torch.device) -> torch.dtype:
    return torch.bfloat16 if device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16


@contextmanager
def memory_named(settings: TrialSettings) -> Iterator[None]:
    """Turn lack of memory, which comes as three kinds of exception, into a TrainingError that names settings."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(settings) from error
    except RuntimeError as error:
        if "allocate memory" in str(error):
            raise _out_of_memory(settings) from error
        raise


def _out_of_memory(settings: TrialSettings) -> TrainingError:
    return TrainingError(
        f"Memory ran out at batch size {settings.batch_size} and {settings.image_size} px; "
        "try a smaller batch, smaller images or fewer trials at once."
    )
