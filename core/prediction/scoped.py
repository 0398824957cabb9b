"""The flag "none of these cells" of one image: how unlike the training images a network finds it."""

from __future__ import annotations

import numpy as np

from core.evaluation.scope import MAHALANOBIS, ScopeError, least_p
from core.evaluation.scope_file import Scope
from core.prediction.reading import OUT_OF_SCOPE, Flag


def scope_flag(
    scope: Scope | None, features: np.ndarray, logits: np.ndarray, alpha: float, by: str = "", missing: str = ""
) -> Flag:
    """From what the network saw in the image, features (1, D) and logits (1, C): raised for a p-value up to `alpha`.

    `by` says whose features they are where a model has several networks, `missing` why there is no score. Not judged
    without a fitted score, nor by one of another network.
    """
    if scope is None:
        unknown = f"It cannot be checked without an out-of-scope score. {missing}".strip()
        return Flag(OUT_OF_SCOPE, None, unknown)
    try:
        p = float(scope.p_values(scope.scores(features, logits))[MAHALANOBIS][0])
    except ScopeError as error:
        return Flag(OUT_OF_SCOPE, None, f"It cannot be checked: {error}")
    if p <= alpha:
        words = f"The image looks unlike the training images {by}(p = {p:.3f}): it may show none of these cells."
        return Flag(OUT_OF_SCOPE, True, words, p, alpha)
    least = "" if least_p(scope.n) <= alpha else f" So few calibration images ({scope.n}) cannot flag any image."
    words = f"Not told from the training images {by}(p = {p:.3f}); it may still show none of these cells.{least}"
    return Flag(OUT_OF_SCOPE, False, words, p, alpha)
