"""A stratified split that keeps groups together, depends on content and seed alone, and hits the counts exactly.

`sklearn.model_selection.StratifiedGroupKFold` makes folds of equal size only; here every class shall come out at the
asked fractions to the image (700 / 150 / 150 of 1,000), so the groups are dealt out against whole-number targets.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence

from core.data.dataset import SPLITS, DatasetError


def check_fractions(fractions: Mapping[str, float]) -> dict[str, float]:
    """The fraction of every split, in [0, 1], 0 where none is given.

    Raises:
        DatasetError: an unknown split, a negative fraction, a sum other than 1, nothing to train on or to choose by.
    """
    unknown = [name for name in fractions if name not in SPLITS]
    if unknown:
        raise DatasetError(f"There is no split {unknown[0]!r}; allowed are {', '.join(SPLITS)}.")
    whole = {name: float(fractions.get(name, 0.0)) for name in SPLITS}
    if min(whole.values()) < 0 or abs(sum(whole.values()) - 1) > 1e-6:
        text = ", ".join(f"{name} {part:g}" for name, part in whole.items())
        raise DatasetError(f"The split fractions ({text}) must not be negative and must sum to 1.")
    if not whole["train"] or not whole["val"]:
        raise DatasetError("The split needs images to train on and to choose by; give train and val more than 0.")
    return whole


def split_groups(labels: Sequence[str], groups: Sequence[str], fractions: Mapping[str, float], seed: int) -> list[str]:
    """Deal groups of images out to splits, each class at the given fractions as closely as group sizes allow.

    Args:
        labels: class of each image (n).
        groups: group of each image (n), named by content, so that the order of the images does not matter.
        fractions: share of each split; one with more than 0 gets at least one group of every class.
        seed: another seed deals other groups.

    Returns:
        The split of each image (n).

    Raises:
        DatasetError: a class has fewer groups than there are splits.
    """
    wanted = [name for name in SPLITS if fractions.get(name, 0) > 0]
    members: dict[str, Counter[str]] = defaultdict(Counter)  # group -> images of each class
    for label, group in zip(labels, groups, strict=True):
        members[group][label] += 1
    waiting = Counter(label for counts in members.values() for label in counts)  # groups of each class not yet dealt
    for label, number in sorted(waiting.items()):
        if number < len(wanted):
            raise DatasetError(
                f"Class folder {label!r} has {number} different usable image{'s' * (number != 1)}, but each of "
                f"{', '.join(wanted)} needs one (copies and crops of one field count once); add images or ask for "
                "fewer splits."
            )
    totals = Counter(labels)
    room = {label: share_out(total, {name: fractions[name] for name in wanted}) for label, total in totals.items()}
    empty = {label: set(wanted) for label in totals}
    chosen: dict[str, str] = {}
    # Large groups first, while there is room for them; the single images at the end make the counts exact.
    for group in sorted(members, key=lambda name: (-members[name].total(), shuffle_key(seed, name))):
        counts = members[group]
        # As many groups left as empty splits: from here on each must go where the class has nothing yet.
        pressed = [name for name in wanted if any(waiting[c] <= len(empty[c]) and name in empty[c] for c in counts)]
        split = max(pressed or wanted, key=lambda name: sum(n * room[c][name] for c, n in counts.items()))
        chosen[group] = split
        for label, number in counts.items():
            room[label][split] -= number
            empty[label].discard(split)
            waiting[label] -= 1
    return [chosen[group] for group in groups]


def share_out(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that sum to `total` in the given shares (largest remainder), at least 1 each where total allows."""
    scale = total / sum(shares.values())
    exact = {name: share * scale for name, share in shares.items()}
    whole = {name: int(part + 1e-9) for name, part in exact.items()}
    rest = sorted(shares, key=lambda name: whole[name] - exact[name])
    for name in rest[: total - sum(whole.values())]:
        whole[name] += 1
    for name in whole:
        most = max(whole, key=lambda other: whole[other])
        if not whole[name] and whole[most] > 1:
            whole[name], whole[most] = 1, whole[most] - 1
    return whole


def cap(strata: Sequence[Hashable], keys: Sequence[str], most: int, seed: int) -> list[int]:
    """Places of at most `most` items, the strata in proportion, chosen by seed and key, so whatever the order given."""
    if len(keys) <= most:
        return list(range(len(keys)))
    sizes = Counter(str(stratum) for stratum in strata)
    quota = share_out(most, dict(sorted(sizes.items())))
    order = sorted(range(len(keys)), key=lambda place: shuffle_key(seed, keys[place]))
    kept = []
    for place in order:
        stratum = str(strata[place])
        if quota[stratum] > 0:
            quota[stratum] -= 1
            kept.append(place)
    return sorted(kept)


def shuffle_key(seed: int, name: str) -> str:
    """Sorting by this shuffles, the same way on every machine and with every version of every library."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
