"""What a backbone sees in images, before any training here: its last feature map, averaged over the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.learning.inputs import network_input
from core.learning.model import build, input_statistics
from core.learning.settings import InputSettings, ModelError

BATCH = 32


def pooled_features(
    backbone: str, weights: str | None, squares: NDArray[np.uint8], tell: Callable[[int, int], None],
    leave: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:  # fmt: skip
    """Features (n, D) of uint8 RGB images (n, S, S, 3) from a backbone's initial weights, in eval mode.

    Args:
        backbone: its name, see `core.learning.backbones`.
        weights: file of its initial weights; None: random ones.
        tell: told (images done, images in all).
        leave: called between batches; may raise to end the work.

    Raises ModelError when the backbone cannot read images of this size.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model: Any = build(backbone, 0, weights, seed=0).to(device).eval()
    mean, std = input_statistics(model)
    found = []
    for start, batch in _batches(squares):
        leave()
        try:
            with torch.inference_mode():
                map_ = model.forward_features(network_input(batch, InputSettings(), mean, std).to(device))
                found.append(model.forward_head(map_, pre_logits=True).float().cpu().numpy())
        except (RuntimeError, AssertionError) as error:
            side, reason = squares.shape[1], (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{backbone} cannot read images of {side} px ({reason[:120]}); try another size."
            ) from error
        tell(start + len(batch), len(squares))
    return np.concatenate(found)


def _batches(squares: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for start in range(0, len(squares), BATCH):
        yield start, np.array(squares[start : start + BATCH])  # a copy: torch wants arrays that it may write to
