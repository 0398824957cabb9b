"""A field at the size at which it is looked at: never more memory than that needs, however large the field is."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.prediction.smear_stain import Pixels


def shrunk(rgb: Pixels, scale: float) -> tuple[Pixels, float]:
    """A field (H, W, 3) made smaller by averaging; as it is where `scale` is 1 or more.

    Returns:
        The field, and the scale that it really has: its longer side beside the field's.
    """
    if scale >= 1:
        return rgb, 1.0
    height, width = rgb.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smaller = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    return smaller, max(size) / max(height, width)
