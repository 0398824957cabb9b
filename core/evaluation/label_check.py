"""Which labels are probably wrong: confident learning on out-of-fold class probabilities.

A plain classifier on fixed features is fitted five times, each time without a fifth of the images, and asked about
those. Where it is sure that an image belongs to another class than its label, the label is suspected. That is a reason
to look, no proof: what such a classifier cannot tell apart it cannot check.

References: C. G. Northcutt, L. Jiang and I. L. Chuang, Journal of Artificial Intelligence Research 70 (2021)
1373-1411; cleanlab's `find_label_issues`, filtered by `prune_by_noise_rate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import DatasetError

FOLDS: Final = 5
STAGE: Final = "predict out of fold"  # for people
# Inverse strengths of the penalty on standardised features, weakest last. The one with the lowest out-of-fold log loss
# counts: with features as many as images, a weak penalty learns wrong labels by heart and suspects right ones beside
# them, while with few features a strong one makes all probabilities flat.
PENALTIES: Final = (1e-3, 1e-2, 1e-1, 1.0)
WORTH: Final = "A weak classifier makes weak suspicions."
CONFOUNDED: Final = 0.5  # Cramér's V of class and source from which a person is warned

Tell = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True)
class Suspicions:
    """What a check found, the least believed label first; `places` count in the order of the labels."""

    n: int
    n_right: int  # labels that the out-of-fold predictions agree with
    places: NDArray[np.int64]  # (k,)
    suggested: NDArray[np.int64]  # (k,) class index
    confidence: NDArray[np.float64]  # (k,) out-of-fold probability of the given label, in [0, 1]

    @property
    def accuracy(self) -> float:
        """Share of labels that the out-of-fold predictions agree with, in [0, 1]."""
        return self.n_right / self.n


def check_labels(
    features: NDArray[Any], labels: NDArray[np.int64], groups: Sequence[str], names: Sequence[str], *,
    seed: int = 0, tell: Tell = lambda stage, done, total: None, leave: Callable[[], None] = lambda: None,
) -> Suspicions:  # fmt: skip
    """Find the labels that out-of-fold predictions contradict.

    Args:
        features: (n, d), one row an image.
        labels: (n,) class indices into `names`.
        groups: (n,) images of one group (duplicates) stay in one fold: a copy would vouch for a wrong label.
        names: of the classes, for messages.
        leave: called between folds; may raise to end the check.

    Raises DatasetError when a class has too few different images to be left out and learnt in turn.
    """
    probabilities = out_of_fold(features, labels, groups, names, seed=seed, tell=tell, leave=leave)
    from cleanlab.filter import find_label_issues

    found = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    places = np.asarray(found, dtype=np.int64)
    called = probabilities.argmax(axis=1)
    return Suspicions(
        len(labels), int((called == labels).sum()), places, called[places], probabilities[places, labels[places]]
    )


def out_of_fold(
    features: NDArray[Any], labels: NDArray[np.int64], groups: Sequence[str], names: Sequence[str], *,
    seed: int = 0, tell: Tell = lambda stage, done, total: None, leave: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:  # fmt: skip
    """Probabilities (n, C) of each image from multinomial logistic regression that has not seen its fold.

    Arguments and errors as in `check_labels`. Features are standardised within the images that are learnt from; of
    PENALTIES the one is taken whose out-of-fold log loss is lowest on the labels as they are.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    parts = folds_of(labels, groups, names, seed)
    by_penalty = np.zeros((len(PENALTIES), len(labels), len(names)))
    fitted = 0  # images, each counted once a penalty
    tell(STAGE, 0, len(labels))
    for train, test in parts:
        if len(np.unique(labels[train])) < 2:
            raise DatasetError("Nearly all images are of one class or group; labels need two classes to be checked.")
        scaler = StandardScaler().fit(features[train])
        learnt, left_out = scaler.transform(features[train]), scaler.transform(features[test])
        model = LogisticRegression(max_iter=1000, warm_start=True)  # the next penalty begins where the last one ended
        for probabilities, penalty in zip(by_penalty, PENALTIES, strict=True):
            leave()
            model.set_params(C=penalty).fit(learnt, labels[train])
            probabilities[np.ix_(test, model.classes_)] = model.predict_proba(left_out)
            fitted += len(test)
            tell(STAGE, fitted // len(PENALTIES), len(labels))
    leave()
    of_label = by_penalty[:, np.arange(len(labels)), labels]
    best: NDArray[np.float64] = by_penalty[int(np.log(of_label.clip(1e-6)).mean(axis=1).argmax())]
    return best


def folds_of(
    labels: NDArray[np.int64], groups: Sequence[str], names: Sequence[str], seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(learnt from, left out) places of each fold: five, or fewer where a class has fewer groups.

    Raises DatasetError when a class has a single group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    of_class = [
        len({groups[place] for place in np.flatnonzero(labels == index).tolist()}) for index in range(len(names))
    ]
    fewest = int(np.argmin(of_class))
    if of_class[fewest] < 2:
        raise DatasetError(
            f"Class {names[fewest]!r} has {of_class[fewest]} different usable image{'s' * (of_class[fewest] != 1)}; "
            "labels can be checked with at least two of each class, so add images or remove the class."
        )
    splitter = StratifiedGroupKFold(min(FOLDS, of_class[fewest]), shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(labels, labels, groups) if len(test)]


def worth(n_right: int, n: int, largest: int) -> str:
    """What the out-of-fold accuracy means for the suspicions, one sentence.

    Args:
        largest: images of the largest class: always naming it is right so often.
    """
    from core.evaluation.intervals import wilson

    if wilson(n_right, n)[0] <= largest / n:
        return (
            f"The classifier does no better than always naming the largest class ({100 * largest / n:.1f} %): its "
            "suspicions mean nothing."
        )
    return WORTH


def caution(classes: Sequence[str], sources: Sequence[str | None]) -> str | None:
    """What the sources of the images mean for the suspicions, one sentence; None where they mean nothing."""
    known = [(name, source) for name, source in zip(classes, sources, strict=True) if source]
    if not known:
        return (
            "Where the images come from is not known: if classes come from different places, the classifier may have "
            "learnt the place instead of the cell."
        )
    if (v := association(known)) < CONFOUNDED:
        return None
    return (
        f"Class and source are confounded here (Cramér's V {v:.2f}): the classifier may have learnt the source, so a "
        "wrong label is still seen where the right class comes from the same source, but may be missed where it comes "
        "from another."
    )


def association(pairs: Sequence[tuple[str, str]]) -> float:
    """Cramér's V of class and source, in [0, 1]; 0 where there is only one of either."""
    from scipy.stats.contingency import association as measure
    from scipy.stats.contingency import crosstab

    table = crosstab([name for name, _ in pairs], [source for _, source in pairs]).count
    return float(measure(np.asarray(table), method="cramer")) if min(table.shape) > 1 else 0.0


def moved(path: str, given: str, suggested: str) -> str:
    """Where a file belongs if the suggestion is right: its class folder replaced, the rest kept."""
    parts = list(PurePosixPath(path).parts)
    folders = [place for place, part in enumerate(parts[:-1]) if part == given]
    if not folders:
        return path
    parts[folders[0]] = suggested
    return "/".join(parts)
