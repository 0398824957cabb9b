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
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation.fusion import RULES, TIE_SHARE, FusionError
from core.evaluation.metrics import SMALLEST_PROBABILITY

CRITERIA = ("accuracy", "loss")
MOST_SETS = 5000  # sets that are all tried; with more, the choice is greedy
_AT_ONCE = 128  # sets in memory

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
    """Scores sets of members, many at a time: one matrix product fuses them."""

    def __init__(self, true: NDArray[np.int64], p: NDArray[np.float64], rule: str, criterion: str) -> None:
        self.true, self.shape, self.criterion, self.tried = true, p.shape[1:], criterion, 0
        self.flat = p.reshape(len(p), -1)  # (m, n * C)
        self.votes = np.eye(p.shape[2])[p.argmax(axis=2)].reshape(len(p), -1) if rule == "vote" else None

    def scores(self, counts: NDArray[np.int64]) -> list[_Score]:
        """One score a row of counts (sets, m): how often each candidate is in the set."""
        self.tried += len(counts)
        found: list[_Score] = []
        for start in range(0, len(counts), _AT_ONCE):
            weights = counts[start : start + _AT_ONCE] / counts[start : start + _AT_ONCE].sum(axis=1, keepdims=True)
            mean = (weights @ self.flat).reshape(-1, *self.shape)  # (sets, n, C)
            decisive = mean
            if self.votes is not None:  # as `fuse`: the average decides a tie
                decisive = (weights @ self.votes).reshape(mean.shape) + TIE_SHARE * mean
            accuracy = (decisive.argmax(axis=2) == self.true).mean(axis=1)
            of_true = np.maximum(mean[:, np.arange(len(self.true)), self.true], SMALLEST_PROBABILITY)
            # Sums in another order differ in the last bits, which must not decide.
            negative_loss = np.round(np.log(of_true).mean(axis=1), 12)
            order = (accuracy, negative_loss) if self.criterion == "accuracy" else (negative_loss, accuracy)
            found += list(zip(order[0].tolist(), order[1].tolist(), strict=True))
        return found


def _exhaustive(judge: _Judge, candidates: int, most: int) -> Ensemble:
    sets = [picks for size in range(1, most + 1) for picks in combinations(range(candidates), size)]
    counts = np.zeros((len(sets), candidates), dtype=np.int64)
    for row, picks in enumerate(sets):
        counts[row, list(picks)] = 1
    scores = judge.scores(counts)
    best = sets[scores.index(max(scores))]  # the first of equals: the smallest
    return Ensemble(best, (1,) * len(best), "exhaustive", judge.tried)


def _greedy(judge: _Judge, candidates: int, most: int) -> Ensemble:
    picks: list[int] = []
    best: _Score | None = None
    while len(picks) < most:
        scores = judge.scores(np.bincount(picks, minlength=candidates) + np.eye(candidates, dtype=np.int64))
        if best is not None and max(scores) <= best:
            break
        best = max(scores)
        picks.append(scores.index(best))  # the first of equals
    counts = Counter(picks)
    return Ensemble(tuple(counts), tuple(counts.values()), "greedy", judge.tried)
