"""A trained network's features and logits of many images, kept on disk piece by piece until they are not needed."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from store.journal import write_durably

if TYPE_CHECKING:  # torch takes seconds, which the pages do not need to wait for
    from core.prediction.predictor import Network

BATCH: Final = 32  # images that the network reads at once
PART: Final = 256  # images that a kill can cost; a multiple of BATCH, so that a run that goes on gives the same bits

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


def outputs_of(
    model: Network, pixels: NDArray[np.uint8], rows: NDArray[np.int64], parts: Path,
    tell: Callable[[int, int], None], leave: Callable[[], None],
) -> Outputs:  # fmt: skip
    """Features (n, D) and logits (n, C) of the images in `rows` (n,) of `pixels` (N, S, S, 3).

    Args:
        parts: a folder for what is done, made if missing; what an earlier run for the same weights left there counts.
            It may vanish at any time, as another run for the same weights does when it has ended: only time is lost.
        tell: told (images done, images in all).
        leave: called between batches; may raise to end the work.
    """
    parts.mkdir(parents=True, exist_ok=True)
    classes, found = len(model.facts.classes), []
    for start in range(0, len(rows), PART):
        own = rows[start : start + PART]
        file = parts / f"{start:07d}-{hashlib.sha256(own.tobytes()).hexdigest()[:16]}.npy"
        part = _kept(file, len(own))
        if part is None:
            part = _read(model, pixels, own, partial(_told, tell, start, len(rows)), leave)
            buffer = io.BytesIO()
            np.save(buffer, part)
            _keep(file, buffer.getbuffer())
        found.append(part)
        tell(start + len(own), len(rows))
    whole = np.concatenate(found)
    return whole[:, :-classes], whole[:, -classes:]


def _read(
    model: Network, pixels: NDArray[np.uint8], rows: NDArray[np.int64], tell: Callable[[int], None],
    leave: Callable[[], None],
) -> NDArray[np.float32]:  # fmt: skip
    """Features and logits side by side (m, D + C)."""
    batches = []
    for start in range(0, len(rows), BATCH):
        leave()
        tell(start)
        batches.append(np.hstack(model.features_and_logits(pixels[rows[start : start + BATCH]])))
    return np.concatenate(batches)


def _told(tell: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    tell(before + done, total)


def _keep(file: Path, data: memoryview) -> None:
    """Write a part; again where its folder vanishes meanwhile, but not where the trial's own is gone."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError):
            for folder in (file.parent.parent, file.parent):
                folder.mkdir(exist_ok=True)
            write_durably(file, data)
            return


def _kept(file: Path, n: int) -> NDArray[np.float32] | None:
    """A part of n images, or None where it is not there or not whole."""
    with contextlib.suppress(OSError, ValueError, EOFError):
        part: NDArray[np.float32] = np.load(file, allow_pickle=False)
        if part.ndim == 2 and len(part) == n and part.dtype == np.float32:
            return part
    return None
