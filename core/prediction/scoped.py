"""One image in, out comes how unlike the training images it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.intake import to_square
from core.evaluation.scope import ENERGY, MAHALANOBIS, ScopeError, least_p
from core.evaluation.scope_file import Scope
from core.prediction.reading import OUT_OF_SCOPE, Flag

if TYPE_CHECKING:
    from core.prediction.predictor import TorchPredictor


@dataclass(frozen=True)
class ScopeReading:
    """How unlike its training images a network finds one image.

    Attributes:
        p: conformal p-value by Mahalanobis distance; small: few calibration images lie as far.
        energy_p: the same by energy.
        n: calibration images.
        fit_id: of the fitted score.
    """

    p: float
    energy_p: float
    n: int
    fit_id: str

    def flagged(self, alpha: float) -> bool:
        """Whether an alarm is due at a level."""
        return self.p <= alpha

    def can_flag(self, alpha: float) -> bool:
        """Whether any image could be flagged at a level."""
        return least_p(self.n) <= alpha

    def flags(self, alpha: float) -> dict[str, Any]:
        """What is recorded with a reading."""
        return {
            "method": MAHALANOBIS, "p": self.p, "energy_p": self.energy_p, "alpha": alpha,
            "calibration_images": self.n, "flagged": self.flagged(alpha), "fit": self.fit_id,
        }  # fmt: skip


def read_scope(model: TorchPredictor, scope: Scope, image: np.ndarray) -> ScopeReading:
    """Judge one (H, W, 3) uint8 RGB image. Raises ScopeError where the score was not fitted to this network."""
    square = to_square(image, model.facts.image_size)
    return _judge(scope, *model.features_and_logits(square[None]))


def scope_flag(scope: Scope | None, features: np.ndarray, logits: np.ndarray, alpha: float, by: str = "") -> Flag:
    """The flag "none of these cells" of one image, from what the network saw: features (1, D), logits (1, C).

    `by` says whose features they are where a model has several networks. Not judged without a fitted score, nor by one
    of another network.
    """
    if scope is None:
        return Flag(OUT_OF_SCOPE, None, "It cannot be checked: no out-of-scope score was fitted for this model.")
    try:
        found = _judge(scope, features, logits)
    except ScopeError as error:
        return Flag(OUT_OF_SCOPE, None, f"It cannot be checked: {error}")
    if found.flagged(alpha):
        words = f"The image looks unlike the training images {by}(p = {found.p:.3f}): it may show none of these cells."
        return Flag(OUT_OF_SCOPE, True, words, found.p, alpha)
    least = "" if found.can_flag(alpha) else f" So few calibration images ({found.n}) cannot flag any image."
    words = f"Not told from the training images {by}(p = {found.p:.3f}); it may still show none of these cells.{least}"
    return Flag(OUT_OF_SCOPE, False, words, found.p, alpha)


def _judge(scope: Scope, features: np.ndarray, logits: np.ndarray) -> ScopeReading:
    found = scope.p_values(scope.scores(features, logits))
    return ScopeReading(float(found[MAHALANOBIS][0]), float(found[ENERGY][0]), scope.n, scope.fit_id)
