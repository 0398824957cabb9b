"""Several trained models that answer together, as one `Predictor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.evaluation.fusion import fuse
from core.learning.model import ModelFacts
from core.learning.settings import ModelError
from core.prediction.predictor import Prediction, Predictor, load


class FusedPredictor:
    """Members that each read the image at their own size; their answers are fused as `core.evaluation.fusion` says."""

    def __init__(self, members: Sequence[Predictor], weights: Sequence[float], rule: str) -> None:
        """`weights` (one a member, at least 0) need not sum to 1; `rule` is "average" or "vote".

        Raises ModelError when the members do not know the same classes in the same order.
        """
        classes = [tuple(member.facts.classes) for member in members]
        if len(set(classes)) != 1:
            raise ModelError("The members of this fusion do not know the same classes, so they cannot answer together.")
        self.members, self.weights, self.rule = list(members), list(weights), rule

    @property
    def facts(self) -> ModelFacts:
        """Those of the first member; the classes are the same for all."""
        return self.members[0].facts

    def predict(self, image: np.ndarray) -> Prediction:
        """Read one (H, W, 3) uint8 RGB image with every member."""
        each = np.stack([member.predict(image).probabilities for member in self.members])  # (m, C)
        return Prediction(tuple(self.facts.classes), fuse(each[:, None, :], self.weights, self.rule)[0])


def load_fused(home: Path, trial_ids: Sequence[str], weights: Sequence[float], rule: str) -> FusedPredictor:
    """The predictor of a saved fusion. Raises ModelError when the weights of a member are not there or damaged."""
    return FusedPredictor([load(home, trial_id) for trial_id in trial_ids], weights, rule)
