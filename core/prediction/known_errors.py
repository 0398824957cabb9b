"""What a model's decisions were on its test images, from the probabilities that the store has of them.

The rules are those by which a reading is decided, but for the checks of the image, which the store's probabilities do
not tell: test images that a check would have referred stand among these decisions, cells of a batch that one has
referred do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.prediction.count import Ints, known_errors
from core.prediction.reader import Point, Reader
from core.prediction.reading import Decision, Floats


def errors_of(reader: Reader, raw: Floats, true: Sequence[str], point: Point | None = None) -> Ints:
    """Numbers (C, C + 1) of test images by true class and decision, as the differential count is corrected with.

    Args:
        raw: uncalibrated probabilities (n, C) of images that neither trained, chose nor calibrated the model.
        true: their n classes.

    Raises ValueError for a class that the model does not know.
    """
    return known_errors(reader.classes, true, decisions_of(reader, raw, point))


def decisions_of(reader: Reader, raw: Floats, point: Point | None = None) -> list[Decision]:
    """The decision on each image of uncalibrated probabilities (n, C), without checks of the image."""
    return [reader.answer(one, (), point).decision for one in np.asarray(raw, dtype=np.float64)]
