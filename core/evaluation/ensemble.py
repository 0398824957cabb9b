"""The best small ensemble of many models, chosen on one set of images (the validation split, never test). NumPy only.

Few candidates: every set of up to k members, equally weighted, is tried. Many: greedy forward selection with
replacement, which starts from the best model and adds, k - 1 times at most, the model that improves the fusion most; a
model picked twice weighs twice. It stops when nothing improves.
References: R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes, Ensemble selection from libraries of models, ICML 2004.

Whichever of many sets is best on few images is partly so by luck: its score on the images that chose it is biased
upwards, the more sets were tried the more. Only images that took no part in the choice tell how good it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.fusion import RULES, FusionError, mean_loss

CRITERIA = ("accuracy", "loss")
MOST_SETS = 3000  # sets that are all tried; with more, the choice is greedy

_Score = tuple[float, float]  # higher is better; the second decides between equals


@dataclass(frozen=True)
class Ensemble:
    """The chosen members (indices of candidates) with whole-number weights, and how they were found."""

    members: tuple[int, ...]
    weights: tuple[int, ...]
    method: str  # "exhaustive" | "greedy"
    tried: int  # sets that were compared


def n_sets(candidates: int, most: int) -> int:
    """How many sets of 1 to `most` members there are."""
    return sum(math.comb(candidates, size) for size in range(1, most + 1))


def best_ensemble(
    true: ArrayLike, probabilities: ArrayLike, most: int, *, rule: str = "average", criterion: str = "accuracy"
) -> Ensemble:
    """The best ensemble of up to `most` members (or picks) among candidates.

    Equal accuracies, which are common on few images, are decided by the loss of the average, equal losses by accuracy,
    and equals in both by fewer members, then by the order of the candidates.

    Args:
        true: class indices (n,).
        probabilities: of every candidate, (m, n, C).

    Raises FusionError without candidates or images, or for an unknown rule or criterion.
    """
    p, true = np.asarray(probabilities, dtype=np.float64), np.asarray(true)
    if rule not in RULES or criterion not in CRITERIA:
        raise FusionError(f"Choose by one of {CRITERIA} and fuse by one of {RULES}; got {criterion!r}, {rule!r}.")
    if p.ndim != 3 or not len(p) or not len(true):
        raise FusionError("There is no model or no image to choose an ensemble with.")
    judge = _Judge(true, p, rule, criterion)
    if n_sets(len(p), most) <= MOST_SETS:
        return _exhaustive(judge, len(p), most)
    return _greedy(judge, len(p), most)


class _Judge:
    """Scores sets of members given as indices, a member as often as it weighs."""

    def __init__(self, true: NDArray[np.int64], p: NDArray[np.float64], rule: str, criterion: str) -> None:
        self.true, self.p, self.criterion, self.tried = true, p, criterion, 0
        self.votes = np.eye(p.shape[2])[p.argmax(axis=2)] if rule == "vote" else None

    def score(self, picks: Sequence[int]) -> _Score:
        self.tried += 1
        mean = self.p[list(picks)].mean(axis=0)
        decisive = mean
        if self.votes is not None:  # as `fuse`: the average decides a tie
            decisive = self.votes[list(picks)].mean(axis=0) + 1e-6 * mean
        accuracy = float((decisive.argmax(axis=1) == self.true).mean())
        # Sums in another order differ in the last bits, which must not decide.
        negative_loss = -round(mean_loss(self.true, mean), 12)
        return (accuracy, negative_loss) if self.criterion == "accuracy" else (negative_loss, accuracy)


def _exhaustive(judge: _Judge, candidates: int, most: int) -> Ensemble:
    sets = [picks for size in range(1, most + 1) for picks in combinations(range(candidates), size)]
    best = max(sets, key=judge.score)  # the first of equals: the smallest
    return Ensemble(best, (1,) * len(best), "exhaustive", judge.tried)


def _greedy(judge: _Judge, candidates: int, most: int) -> Ensemble:
    picks: list[int] = []
    best: _Score | None = None
    while len(picks) < most:
        scores = [judge.score([*picks, candidate]) for candidate in range(candidates)]
        top = max(range(candidates), key=scores.__getitem__)  # the first of equals
        if best is not None and scores[top] <= best:
            break
        picks, best = [*picks, top], scores[top]
    counts = Counter(picks)
    return Ensemble(tuple(counts), tuple(counts.values()), "greedy", judge.tried)
